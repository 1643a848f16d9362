#include "api/wait_estimate.hpp"

#include <doctest/doctest.h>

namespace stoker::test {

TEST_CASE("WaitEstimate: a call waits as long as those before it have, by function or priority") {
    const auto now = from_ms(1'000'000);
    WaitEstimate waits;
    CHECK(waits.of("fn", 0, now) == Millis{0});
    DeliveredBefore delivered;
    delivered.of_priority = {now - Millis{500}, now - Millis{30}, now + Millis{5}};
    waits.update(delivered, now);
    CHECK(waits.of("fn", 0, now) == Millis{500});
    CHECK(waits.of("fn", 1, now) == Millis{30});
    CHECK(waits.of("fn", 2, now) == Millis{0});
    delivered.of_lagging_fn["slow"] = now - Millis{800};
    waits.update(delivered, now);
    CHECK(waits.of("slow", 2, now) == Millis{800});
    CHECK(waits.of("fn", 0, now) == Millis{0});
}

TEST_CASE("WaitEstimate: with an empty queue nobody waits, however long ago it was looked at") {
    const auto now = from_ms(1'000'000);
    WaitEstimate waits;
    DeliveredBefore delivered;
    delivered.of_priority.fill(now);
    waits.update(delivered, now);
    CHECK(waits.of("fn", 0, now + Millis{1'200}) == Millis{0});
    CHECK(waits.known("fn", 0, now + Millis{1'200}) == Millis{0});
    CHECK_FALSE(waits.known("fn", 0, now + Millis{10'001}));
}

TEST_CASE("WaitEstimate: what is old is not gone by") {
    const auto now = from_ms(1'000'000);
    WaitEstimate waits;
    DeliveredBefore delivered;
    delivered.of_priority.fill(now - Millis{500});
    waits.update(delivered, now);
    CHECK(waits.of("fn", 0, now + Millis{10'000}) == Millis{500});
    CHECK(waits.of("fn", 0, now + Millis{10'001}) == Millis{0});
}

}  // namespace stoker::test
