// The ledger in numbers: what was live at open and what was accepted is what has ended and what is
// live, whatever happened.

#include <doctest/doctest.h>

#include <random>
#include <sstream>

#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/datastore/sqlite_backend.hpp"

namespace stoker::test {

namespace {

struct Ledger {
    std::uint64_t at_open = 0;
    std::uint64_t accepted = 0;
    std::uint64_t ended = 0;
    std::uint64_t live = 0;

    void check() const { CHECK(at_open + accepted == ended + live); }
};

Ledger ledger_of(const Metrics& metrics) {
    Ledger ledger;
    const auto text = metrics.render();
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto value = [&] { return std::stoull(line.substr(line.rfind(' ') + 1)); };
        if (line.starts_with("stoker_ledger_live_at_open ")) ledger.at_open += value();
        if (line.starts_with("stoker_ledger_accepted_total ")) ledger.accepted += value();
        if (line.starts_with("stoker_ledger_ended_total{")) ledger.ended += value();
        if (line.starts_with("stoker_ledger_live{")) ledger.live += value();
    }
    return ledger;
}

}  // namespace

TEST_CASE("SQLite: the ledger balances after each of many steps of chance") {
    Fixture<SqliteBackend> t;
    std::mt19937 random(7);
    Names ids;
    std::vector<Fence> running;
    const auto take_running = [&] {
        std::swap(running.at(random() % running.size()), running.back());
        auto fence = running.back();
        running.pop_back();
        return fence;
    };
    for (int i = 0; i < 600; ++i) {
        t.clock.advance(Millis(10));
        const auto step = random() % 12;
        if (step < 4) {
            auto made = t.new_call();
            if (step == 1) made.call.status = CallStatus::delayed;
            if (step == 1) made.call.run_at = t.clock.now() + Millis(50);
            if (step == 2) made.call.expires_at = t.clock.now() + Millis(100);
            if (step == 3) made.idempotency = {std::to_string(random() % 20), "d", Millis(5'000)};
            REQUIRE(t.run(t.store->accept(made)));
            ids.push_back(made.call.id);
        } else if (step < 7) {
            const auto worker = step == 4 ? "gone" : "worker-1";
            t.add_worker("worker-1");
            const auto claimed = t.run(t.store->claim(worker, ids));
            REQUIRE(claimed);
            for (const auto& each : *claimed) {
                running.push_back({each.call.id, worker, each.call.attempt});
            }
        } else if (step == 7 && !running.empty()) {
            REQUIRE(t.run(t.store->finish(t.success(take_running()))));
        } else if (step == 8 && !running.empty()) {
            REQUIRE(t.run(t.store->retry(t.success(take_running()), Millis(30))));
        } else if (step == 9 && !running.empty()) {
            REQUIRE(t.run(t.store->hand_back(take_running())));
        } else if (step == 10 && !ids.empty()) {
            (void)t.run(t.store->cancel(Scope::all(), ids.at(random() % ids.size())));
        } else if (step == 11) {
            REQUIRE(t.run(t.store->sweep_lost(t.grace)));
            REQUIRE(t.run(t.store->release_due(5)));
            REQUIRE(t.run(t.store->expire(5)));
        }
        ledger_of(t.metrics).check();
    }
    CHECK(ledger_of(t.metrics).ended > 50);
    REQUIRE(t.run(t.store->purge_fn(t.fn.id)));
    ledger_of(t.metrics).check();
    REQUIRE(t.run(t.store->delete_app(t.app.id)));
    const auto last = ledger_of(t.metrics);
    last.check();
    CHECK(last.live == t.counts().running);
}

TEST_CASE("SQLite: what was live when it opened is in the ledger") {
    SqliteBackend backend;
    const ManualClock clock;
    Loop loop;
    for (const std::uint64_t live : {0U, 1U, 2U}) {
        Metrics metrics;
        auto store = backend.open(clock, metrics);
        CHECK(ledger_of(metrics).at_open == live);
        CHECK(ledger_of(metrics).live == live);
        App app;
        app.id = app.name = "app";
        REQUIRE(loop.run(store->insert_app(app)));
        Fn fn;
        fn.id = fn.name = "fn";
        fn.app_id = "app";
        REQUIRE(loop.run(store->insert_fn(fn)));
        NewCall call;
        call.call.id = std::to_string(live);
        call.call.app_id = "app";
        call.call.fn_id = "fn";
        REQUIRE(loop.run(store->accept(call)));
        CHECK(ledger_of(metrics).live == live + 1);
        ledger_of(metrics).check();
        store->close();
    }
}

}  // namespace stoker::test
