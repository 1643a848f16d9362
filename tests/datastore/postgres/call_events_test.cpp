#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "datastore/open_datastore.hpp"
#include "datastore/postgres/postgres_call_events.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/run.hpp"

namespace stoker::test {
namespace {

bool equal(const CallEvent& a, const CallEvent& b) {
    return a.call_id == b.call_id && a.fn_id == b.fn_id && a.status == b.status &&
           a.attempt == b.attempt;
}

/// Publishes until the other side listens and has heard it; the first event that it got.
Task<CallEvent> hear(CallEvents& from, CallEvents& to, CallEvent event) {
    const auto heard = to.subscribe_call(event.call_id, co_await asio::this_coro::executor);
    const auto deadline = deadline_in(std::chrono::minutes(1));
    while (!has_passed(deadline)) {
        from.publish(event);
        if (auto got = co_await heard->next(deadline_in(Millis(50)))) co_return *got;
    }
    throw std::runtime_error("never heard");
}

}  // namespace

TEST_CASE("PostgresCallEvents: every process hears what one of them publishes") {
    Metrics metrics;
    const auto here = open_call_events(shared_postgres().url(), metrics);
    const auto there = open_call_events(shared_postgres().url(), metrics);
    const CallEvent event{"call", "fn", CallStatus::success, 2};
    CHECK(equal(run(hear(*here, *there, event)), event));
    CHECK(equal(run(hear(*there, *here, event)), event));
    CHECK(equal(run(hear(*here, *here, event)), event));
}

TEST_CASE("PostgresCallEvents: after the server was away it is heard again") {
    auto& server = breakable_postgres();
    Metrics metrics;
    const auto here = open_call_events(server.url(), metrics);
    const auto there = open_call_events(server.url(), metrics);
    run(hear(*here, *there, {"first", "fn", CallStatus::queued, 0}));
    server.kill();
    here->publish({"lost", "fn", CallStatus::queued, 0});
    server.start();
    run(hear(*here, *there, {"second", "fn", CallStatus::running, 1}));
}

TEST_CASE("PostgresCallEvents: many events go in few messages, what cannot be read is left out") {
    std::vector<CallEvent> events;
    for (int i = 0; i < 1000; ++i) {
        events.push_back({std::string(26, 'c'), std::string(26, 'f'), CallStatus::running, i});
    }
    const auto messages = postgres::to_messages(events);
    CHECK(messages.size() < 10);
    std::vector<CallEvent> read;
    for (const auto& message : messages) {
        CHECK(message.size() < 8000);
        for (auto& event : postgres::from_message(message)) read.push_back(std::move(event));
    }
    REQUIRE(read.size() == events.size());
    for (std::size_t i = 0; i < read.size(); ++i) CHECK(equal(read[i], events[i]));
    CHECK(postgres::from_message("").empty());
    CHECK(postgres::from_message("a b success\n\na b done 1\na b success x\n").empty());
    CHECK(postgres::from_message("a b new-word 1\na b success 1\n").size() == 1);
}

}  // namespace stoker::test
