// The server dies while the store is in use. Each test has a server of its own.

#include <doctest/doctest.h>

#include "datastore/open_datastore.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/postgres_server.hpp"

namespace stoker::test {
namespace {

struct BreakableBackend {
    PostgresServer& server = breakable_postgres();
    const std::string schema = server.make_schema();

    BreakableBackend() = default;
    BreakableBackend(const BreakableBackend&) = delete;
    BreakableBackend& operator=(const BreakableBackend&) = delete;
    ~BreakableBackend() {
        server.start();
        server.drop_schema(schema);
    }

    std::unique_ptr<Datastore> open(const Clock& clock, Metrics& metrics) const {
        auto store = open_datastore(server.url_of(schema), {}, clock, metrics);
        REQUIRE_MESSAGE(store, (store ? "" : store.error().text()));
        return std::move(*store);
    }
};

using Outage = Fixture<BreakableBackend>;

void wait_until_away(const Datastore& store) {
    eventually("the store is away", [&] { return !store.unhealthy_reason().empty(); });
}
void wait_until_back(const Datastore& store) {
    eventually("the store is back", [&] { return store.unhealthy_reason().empty(); });
}

/// Kills the server amid the claims of 200 calls, and has it back. The calls whose claims failed.
Names claims_lost_in_a_kill(Outage& t) {
    Names ids;
    for (int i = 0; i < 200; ++i) ids.push_back(t.accept());
    std::vector<std::future<Result<std::vector<ClaimedCall>>>> claims;
    for (const auto& id : ids) {
        claims.push_back(t.loop.start(t.store->claim("worker-1", {id})));
    }
    REQUIRE(claims.front().get());
    t.backend.server.kill();
    t.backend.server.start();
    Names lost;
    for (std::size_t i = 1; i < ids.size(); ++i) {
        if (!claims[i].get()) lost.push_back(ids[i]);
    }
    wait_until_back(*t.store);
    return lost;
}

}  // namespace

TEST_CASE("PostgresDatastore: while the server is away everything is refused with the reason") {
    Outage t;
    t.add_worker("worker-1");
    const auto fence = t.run_one();
    const auto waiting = t.accept();
    t.backend.server.kill();
    wait_until_away(*t.store);
    CHECK(t.store->unhealthy_reason().contains("PostgreSQL at 127.0.0.1:"));
    CHECK(error_of(t.store->admission()) == Errc::store_unavailable);

    // All at once: each has the same time.
    auto accept = t.loop.start(t.store->accept(t.new_call()));
    auto claim = t.loop.start(t.store->claim("worker-1", {waiting}));
    auto finish = t.loop.start(t.store->finish(t.success(fence)));
    auto hand_back = t.loop.start(t.store->hand_back(fence));
    auto beat = t.loop.start(t.store->heartbeat("worker-1", t.lease));
    auto get = t.loop.start(t.store->get_call(Scope::all(), waiting));
    auto sweep = t.loop.start(t.store->sweep_lost(t.grace));
    auto list = t.loop.start(t.store->list_apps({}, {}));
    const auto refused = accept.get();
    CHECK(error_of(refused) == Errc::store_unavailable);
    CHECK(refused.error().detail.contains("PostgreSQL at 127.0.0.1:"));
    CHECK(error_of(claim.get()) == Errc::store_unavailable);
    CHECK(error_of(finish.get()) == Errc::store_unavailable);
    CHECK(error_of(hand_back.get()) == Errc::store_unavailable);
    CHECK(error_of(beat.get()) == Errc::store_unavailable);
    CHECK(error_of(get.get()) == Errc::store_unavailable);
    CHECK(error_of(sweep.get()) == Errc::store_unavailable);
    CHECK(error_of(list.get()) == Errc::store_unavailable);
}

TEST_CASE("PostgresDatastore: what waits when the server comes back is done") {
    Outage t;
    const auto fence = t.run_one();
    t.backend.server.kill();
    wait_until_away(*t.store);
    auto accepted = t.new_call();
    auto accept = t.loop.start(t.store->accept(accepted));
    auto finish = t.loop.start(t.store->finish(t.success(fence)));
    t.backend.server.start();
    wait_until_back(*t.store);
    // What gave up while the server started says so and is done again.
    if (!accept.get()) CHECK(t.run(t.store->accept(accepted)).has_value());
    if (!finish.get()) CHECK(t.run(t.store->finish(t.success(fence))) == true);
    CHECK(t.status_of(accepted.call.id) == CallStatus::queued);
    CHECK(t.status_of(fence.call_id) == CallStatus::success);
}

TEST_CASE("PostgresDatastore: no acknowledged call is lost when the server is killed under load") {
    Outage t;
    Names acknowledged;
    for (int round = 0; round < 3; ++round) {
        std::vector<std::future<Result<std::string>>> accepts;
        Names ids;
        for (int i = 0; i < 600; ++i) {
            auto call = t.new_call();
            ids.push_back(call.call.id);
            accepts.push_back(t.loop.start(t.store->accept(std::move(call))));
        }
        // In the middle of it: the first is there, most are not.
        REQUIRE(accepts.front().get());
        acknowledged.push_back(ids.front());
        t.backend.server.kill();
        t.backend.server.start();
        for (std::size_t i = 1; i < ids.size(); ++i) {
            if (accepts[i].get()) acknowledged.push_back(ids[i]);
        }
        wait_until_back(*t.store);
    }
    for (const auto& id : acknowledged) CHECK(t.status_of(id) == CallStatus::queued);
}

TEST_CASE("PostgresDatastore: a claim whose answer the server's death took runs again") {
    Outage t;
    t.add_worker("worker-1");
    Names lost;
    // A quick server has answered them all before it dies: then once more.
    for (int round = 0; round < 20 && lost.empty(); ++round) lost = claims_lost_in_a_kill(t);
    CHECK_FALSE(lost.empty());
    // Its worker lives, so no sweep takes them: the store itself hands them back.
    for (const auto& id : lost) {
        eventually("it waits again", [&] { return t.status_of(id) == CallStatus::queued; });
        CHECK(t.claim(id).attempt >= 1);
    }
}

TEST_CASE(
    "PostgresDatastore: a worker that could give no sign during an outage is not dead after it"
) {
    Outage t;
    t.add_worker("worker-1");
    const auto fence = t.run_one();
    CHECK(t.run(t.store->sweep_lost(t.grace))->empty());
    t.backend.server.kill();
    wait_until_away(*t.store);
    t.clock.advance(t.lease + t.grace + Millis(1));
    t.backend.server.start();
    wait_until_back(*t.store);
    CHECK(t.run(t.store->sweep_lost(t.grace))->empty());
    CHECK(t.run(t.store->heartbeat("worker-1", t.lease))->alive);
    CHECK(t.status_of(fence.call_id) == CallStatus::running);
}

}  // namespace stoker::test
