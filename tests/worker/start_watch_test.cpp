#include "worker/start_watch.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using namespace std::chrono_literals;

TEST_CASE("StartWatch: starts in a row without an answer tell that the engine is stuck") {
    StartWatch watch;
    const StartWatch::Time now{std::chrono::hours(1)};
    watch.unanswered(now);
    watch.unanswered(now);
    CHECK_FALSE(watch.is_stuck(now));
    watch.unanswered(now);
    CHECK(watch.is_stuck(now));

    SUBCASE("the first that is answered, well or not, ends that") {
        watch.answered();
        CHECK_FALSE(watch.is_stuck(now));
        watch.unanswered(now);
        CHECK_FALSE(watch.is_stuck(now));
    }
    SUBCASE("without calls it is believed to be well after a while, until the next one fails") {
        CHECK_FALSE(watch.is_stuck(now + 2min));
        watch.unanswered(now + 2min);
        CHECK(watch.is_stuck(now + 2min));
    }
}
