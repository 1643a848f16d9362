// Many cuts, with small and large bodies and with calls that wait.

#include "tests/system/fixture.hpp"
#include "tests/system/power_cuts.hpp"

using namespace stoker::test;

TEST_CASE("power cut: dozens of cuts lose no acknowledged call") {
    REQUIRE_LOOP_DISKS;
    const auto seed = std::random_device{}();
    MESSAGE("seed ", seed);
    PowerCuts power(seed, {});
    for (int round = 0; round < 8; ++round) {
        power.round(4, "say once");
        power.round(1, "echo " + std::string(1'500'000, 'x'));
    }
    CHECK(power.acknowledged > 0);
    CHECK(power.lost == 0);
}

TEST_CASE("power cut: calls that wait behind a closed gate are not lost") {
    REQUIRE_LOOP_DISKS;
    const auto seed = std::random_device{}();
    MESSAGE("seed ", seed);
    PowerCuts power(seed, {"--memory", "300MB"});
    power.round(4, "sleep 5");
    CHECK(power.lost == 0);
}
