// The power fails under load: every call that was acknowledged before is there after, and ends.

#include "tests/system/fixture.hpp"
#include "tests/system/power_cuts.hpp"

using namespace stoker::test;

TEST_CASE("power cut: no acknowledged call is lost") {
    REQUIRE_LOOP_DISKS;
    const auto seed = std::random_device{}();
    MESSAGE("seed ", seed);
    PowerCuts power(seed, {});
    power.round(4, "say once");
    power.round(1, "echo " + std::string(1'500'000, 'x'));
    CHECK(power.acknowledged > 0);
    CHECK(power.lost == 0);
}

// The control: a test that never sees a loss proves nothing.
TEST_CASE("power cut: with --sqlite-sync normal acknowledged calls are seen to be lost") {
    REQUIRE_LOOP_DISKS;
    const auto seed = std::random_device{}();
    MESSAGE("seed ", seed);
    PowerCuts power(seed, {"--sqlite-sync", "normal"});
    for (int round = 0; round < 10 && power.lost == 0; ++round) power.round(1, "say once");
    CHECK(power.lost > 0);
}
