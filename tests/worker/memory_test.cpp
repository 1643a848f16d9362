#include "worker/memory.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("pull_credit: the gate closes as soon as more than half of the memory is busy") {
    CHECK(pull_credit(1000, 500, 128, 64) == 1);
    CHECK(pull_credit(1000, 501, 128, 64) == 0);
    // The ancestor computed this difference without a sign, and never closed.
    CHECK(pull_credit(1000, 1000, 128, 64) == 0);
    CHECK(pull_credit(1000, 5000, 128, 64) == 0);
}

TEST_CASE("pull_credit: open, it grants what the free half holds, at least one, at most the limit"
) {
    CHECK(pull_credit(4096, 0, 128, 64) == 16);
    CHECK(pull_credit(4096, 1024, 128, 64) == 8);
    CHECK(pull_credit(4096, 0, 8192, 64) == 1);
    CHECK(pull_credit(1'000'000, 0, 1, 64) == 64);
}

TEST_CASE("MemoryTokens: memory comes back when its token goes") {
    MemoryTokens memory(300);
    auto first = memory.try_take(200);
    REQUIRE(first);
    CHECK_FALSE(memory.try_take(101));
    {
        auto second = memory.try_take(100);
        REQUIRE(second);
        CHECK(memory.free_mb() == 0);
        MemoryTokens::Token moved = std::move(*second);
        CHECK(memory.free_mb() == 0);
    }
    CHECK(memory.free_mb() == 100);
    first.reset();
    CHECK(memory.used_mb() == 0);
    CHECK_FALSE(memory.can_ever_fit(301));
}
