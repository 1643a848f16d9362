// The network cuts a connection while the server is at work: it goes on and commits, and nobody
// hears of it. A lock that the test holds makes the server wait at the right moment.

#include <doctest/doctest.h>

#include "datastore/open_datastore.hpp"
#include "datastore/postgres/session.hpp"
#include "datastore/postgres/target.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/stalling_proxy.hpp"

namespace stoker::test {
namespace {

struct ProxyBackend {
    PostgresServer& server = shared_postgres();
    const std::string schema = server.make_schema();
    StallingProxy proxy{server.port()};

    ProxyBackend() = default;
    ProxyBackend(const ProxyBackend&) = delete;
    ProxyBackend& operator=(const ProxyBackend&) = delete;
    ~ProxyBackend() { server.drop_schema(schema); }

    std::unique_ptr<Datastore> open(const Clock& clock, Metrics& metrics) const {
        auto store = open_datastore(server.url_of(schema, proxy.port()), {}, clock, metrics);
        REQUIRE_MESSAGE(store, (store ? "" : store.error().text()));
        return std::move(*store);
    }
};

/// Rows locked in a session of its own, past the proxy.
class HeldLock {
public:
    HeldLock(const ProxyBackend& backend, const std::string& rows) :
        server_(backend.server),
        session_(open(backend)) {
        REQUIRE(session_.execute("BEGIN"));
        REQUIRE(session_.execute("SELECT id FROM " + rows + " FOR UPDATE"));
    }
    void wait_for_waiter() {
        eventually("somebody waits for the lock", [&] { return waiters() == "1"; });
    }
    void release() {
        REQUIRE(session_.execute("COMMIT"));
        eventually("the server has gone on", [&] { return waiters() == "0"; });
    }

private:
    static postgres::Session open(const ProxyBackend& backend) {
        const auto target = postgres::parse_target(backend.server.url_of(backend.schema));
        REQUIRE(target);
        auto session = postgres::Session::open(*target);
        REQUIRE(session);
        return std::move(*session);
    }
    std::string waiters() const {
        return server_.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    }

    const PostgresServer& server_;
    postgres::Session session_;
};

}  // namespace

TEST_CASE("PostgresDatastore: a claim that the server makes for nobody is handed back") {
    Fixture<ProxyBackend> t;
    t.add_worker("worker-1");
    const auto id = t.accept();
    HeldLock lock(t.backend, "calls");
    auto claim = t.loop.start(t.store->claim("worker-1", {id}));
    lock.wait_for_waiter();
    t.backend.proxy.cut();
    CHECK(error_of(claim.get()) == Errc::store_unavailable);
    lock.release();
    eventually("it was claimed", [&] { return t.get(id).attempt == 1; });
    eventually("it waits again", [&] { return t.status_of(id) == CallStatus::queued; });
    CHECK(t.get(id).max_attempts == t.fn.retry.max_attempts + 1);
    CHECK(t.claim(id).attempt == 2);
}

TEST_CASE("PostgresDatastore: an accept that the server makes unheard is found by its second try") {
    Fixture<ProxyBackend> t;
    const auto accepted = t.new_call();
    HeldLock lock(t.backend, "fns");
    auto accept = t.loop.start(t.store->accept(accepted));
    lock.wait_for_waiter();
    t.backend.proxy.cut();
    lock.release();
    CHECK(accept.get().has_value());
    CHECK(t.counts().queued == 1);
    CHECK(t.claim(accepted.call.id).attempt == 1);
}

TEST_CASE("PostgresDatastore: an end that the server writes unheard is found by its second try") {
    Fixture<ProxyBackend> t;
    const auto fence = t.run_one();
    HeldLock lock(t.backend, "calls");
    auto finish = t.loop.start(t.store->finish(t.success(fence)));
    lock.wait_for_waiter();
    t.backend.proxy.cut();
    lock.release();
    CHECK(finish.get() == true);
    CHECK(t.status_of(fence.call_id) == CallStatus::success);
    CHECK(t.run(t.store->get_log(Scope::all(), fence.call_id, 0))->size() == 1);
}

TEST_CASE("PostgresDatastore: what the server does not answer in time is refused in time") {
    Fixture<ProxyBackend> t;
    const auto id = t.accept();
    const HeldLock lock(t.backend, "calls");
    const auto cancelled = t.run(t.store->cancel(Scope::all(), id));
    CHECK(error_of(cancelled) == Errc::store_unavailable);
    CHECK(cancelled.error().detail.contains("57014"));
    CHECK(t.status_of(id) == CallStatus::queued);
}

}  // namespace stoker::test
