#include "api/outbox.hpp"

#include <doctest/doctest.h>

#include "tests/api/fakes.hpp"
#include "tests/support/run.hpp"

namespace stoker::test {

namespace {

std::vector<Message> messages(int count) {
    std::vector<Message> made;
    for (int i = 0; i < count; ++i) made.push_back({std::to_string(i), "fn", 0});
    return made;
}

}  // namespace

TEST_CASE("Outbox: is full at its bound and not before") {
    FakeQueue queue;
    Metrics metrics;
    Outbox outbox(queue, {.parked_max = 3}, metrics);
    outbox.park(messages(2));
    CHECK_FALSE(outbox.full());
    outbox.park(messages(1));
    CHECK(outbox.full());
    CHECK(run(outbox.retry()) == 3);
    CHECK_FALSE(outbox.full());
    CHECK(queue.queued().size() == 3);
}

TEST_CASE("Outbox: retries in batches, in order, and keeps what was not taken") {
    FakeQueue queue;
    Metrics metrics;
    Outbox outbox(queue, {.batch_max = 4}, metrics);
    outbox.park(messages(10));
    queue.room = 6;
    CHECK(run(outbox.retry()) == 6);
    CHECK(queue.puts() == 2);  // the second batch was refused in part: the third was not tried
    CHECK(outbox.parked() == 4);
    CHECK(queue.queued().front().call_id == "0");
    queue.room = 100;
    CHECK(run(outbox.retry()) == 4);
    CHECK(outbox.parked() == 0);
    CHECK(run(outbox.retry()) == 0);
}

TEST_CASE("Outbox: put parks what the queue did not take") {
    FakeQueue queue;
    Metrics metrics;
    Outbox outbox(queue, {}, metrics);
    queue.answer({Put::queued, Put::unknown, Put::duplicate, Put::full});
    for (int i = 0; i < 4; ++i) run(outbox.put({std::to_string(i), "fn", 0}));
    CHECK(outbox.parked() == 2);
    run(outbox.stop(deadline_in(Millis{5'000})));
}

}  // namespace stoker::test
