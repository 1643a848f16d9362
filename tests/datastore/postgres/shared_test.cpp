// Several processes on one database: here several stores of one process, which share nothing else.

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <thread>

#include "datastore/open_datastore.hpp"
#include "tests/conformance/datastore/race_conformance.hpp"
#include "tests/support/postgres_backend.hpp"

namespace stoker::test {
namespace {

constexpr std::size_t processes = 3;

/// The fixture's store and others beside it.
struct Shared : Fixture<PostgresBackend> {
    std::vector<std::unique_ptr<Datastore>> others;

    Shared() : Fixture(3) {
        for (std::size_t i = 1; i < processes; ++i) others.push_back(backend.open(clock, metrics));
    }
    ~Shared() {
        for (auto& other : others) other->close();
    }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    Datastore& at(std::size_t i) { return i == 0 ? *store : *others.at(i - 1); }
};

}  // namespace

TEST_CASE("PostgresDatastore: processes that race for the same calls claim each once") {
    Shared t;
    Names ids;
    for (int i = 0; i < 300; ++i) ids.push_back(t.accept());
    std::vector<std::future<Result<std::vector<ClaimedCall>>>> claims;
    for (std::size_t first = 0; first + 30 <= ids.size(); first += 10) {
        const Names some(
            ids.begin() + static_cast<std::ptrdiff_t>(first),
            ids.begin() + static_cast<std::ptrdiff_t>(first + 30)
        );
        for (std::size_t i = 0; i < processes; ++i) {
            claims.push_back(t.loop.start(t.at(i).claim("worker-" + std::to_string(i), some)));
        }
    }
    std::map<std::string, int> times;
    for (auto& claim : claims) {
        const auto claimed = claim.get();
        REQUIRE(claimed);
        for (const auto& call : *claimed) {
            ++times[call.call.id];
            CHECK(call.call.attempt == 1);
        }
    }
    CHECK(times.size() == ids.size());
    for (const auto& [id, count] : times) CHECK(count == 1);
}

TEST_CASE("PostgresDatastore: workers and sweepers of several processes keep every call's history"
) {
    Shared t;
    Names calls;
    for (int i = 0; i < 200; ++i) calls.push_back(t.accept());
    History history;
    std::vector<std::unique_ptr<Race>> races;
    for (std::size_t i = 0; i < processes; ++i) {
        races.push_back(std::make_unique<Race>(t.at(i), t.ids, calls, history));
    }
    std::vector<std::future<bool>> tasks;
    for (unsigned seed = 1; seed <= 6; ++seed) {
        tasks.push_back(t.loop.start(work(*races[seed % processes], seed)));
    }
    for (auto& race : races) tasks.push_back(t.loop.start(sweep(*race)));
    tasks.push_back(t.loop.start(cancel_some(*races[0], 7)));
    for (auto& task : tasks) CHECK(task.get());
    for (const auto& id : calls) {
        check_history(t.get(id), history.executions[id], history.ends[id]);
    }
}

TEST_CASE("PostgresDatastore: a change of an fn is seen by the claims of every process") {
    Shared t;
    for (const auto* value : {"1", "2", "3"}) {
        FnPatch patch;
        patch.config = {{"KEY", value}};
        REQUIRE(t.run(t.at(0).update_fn(t.fn.id, patch)));
        const auto claimed = t.run(t.at(1).claim("worker-1", {t.accept()}));
        REQUIRE(claimed);
        CHECK(claimed->at(0).fn->config.at("KEY") == value);
    }
}

TEST_CASE("PostgresDatastore: a worker's signs keep it alive for the sweepers of other processes") {
    Shared t;
    t.add_worker("worker-1");
    const auto fence = t.run_one();
    auto& other = t.at(1);
    for (int i = 0; i < 3; ++i) {
        CHECK(t.run(other.sweep_lost(t.grace))->empty());
        t.clock.advance(t.lease + t.grace);
        REQUIRE(t.run(t.store->heartbeat("worker-1", t.lease))->alive);
    }
    // From when it has seen the last sign.
    CHECK(t.run(other.sweep_lost(t.grace))->empty());
    t.clock.advance(t.lease + t.grace + Millis(1));
    CHECK(ids_of(t.run(other.sweep_lost(t.grace))) == Names{fence.call_id});
    CHECK_FALSE(t.run(t.store->heartbeat("worker-1", t.lease))->alive);
}

TEST_CASE("PostgresDatastore: calls accepted while their fn is deleted are refused or cancelled") {
    Shared t;
    for (int round = 0; round < 5; ++round) {
        const auto fn = t.add_fn(t.app, "fn-" + std::to_string(round));
        std::vector<std::future<Result<std::string>>> accepts;
        Names ids;
        for (int i = 0; i < 100; ++i) {
            auto call = t.new_call(fn);
            ids.push_back(call.call.id);
            accepts.push_back(t.loop.start(t.at(static_cast<std::size_t>(i) % 2).accept(call)));
        }
        auto deleted = t.loop.start(t.at(2).delete_fn(fn.id));
        REQUIRE(deleted.get());
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const auto accepted = accepts[i].get();
            if (accepted) {
                CHECK(t.status_of(ids[i]) == CallStatus::cancelled);
            } else {
                CHECK(accepted.error().code == Errc::fn_not_found);
            }
        }
    }
}

TEST_CASE("PostgresDatastore: one call is made of a key, whichever processes it is repeated through"
) {
    Shared t;
    for (int round = 0; round < 5; ++round) {
        std::vector<std::future<Result<std::string>>> accepts;
        // In both orders, among others without a key.
        const auto accept = [&](std::size_t process, int key) {
            auto call = t.new_call(t.fn);
            call.idempotency = {
                std::to_string(round) + "-" + std::to_string(key), "digest", Millis(60'000)
            };
            accepts.push_back(t.loop.start(t.at(process).accept(std::move(call))));
        };
        for (int i = 0; i < 40; ++i) {
            accept(static_cast<std::size_t>(i) % 3, i % 10);
            accept(static_cast<std::size_t>(i) % 3, 9 - i % 10);
            accepts.push_back(t.loop.start(t.at(1).accept(t.new_call(t.fn))));
        }
        std::set<std::string> ids;
        for (auto& each : accepts) ids.insert(each.get().value());
        CHECK(ids.size() == 10 + 40);
    }
    CHECK(t.counts().queued == 5 * (10 + 40));
}

TEST_CASE(
    "PostgresDatastore: nothing of a paused fn is claimed, none of a resumed one is left behind"
) {
    Shared t;
    Names ids;
    for (int round = 0; round < 5; ++round) {
        std::vector<std::future<Result<std::string>>> accepts;
        for (int i = 0; i < 60; ++i) {
            auto call = t.new_call(t.fn);
            ids.push_back(call.call.id);
            accepts.push_back(t.loop.start(t.at(static_cast<std::size_t>(i) % 2).accept(call)));
            if (i == 20) REQUIRE(t.run(t.at(2).pause_fn(t.fn.id)));
            if (i == 40) CHECK(t.run(t.at(1).claim("worker-1", ids))->empty());
        }
        auto resumed = t.loop.start(t.at(1).resume_fn(t.fn.id));
        for (auto& each : accepts) REQUIRE(each.get());
        REQUIRE(resumed.get());
        const auto claimed = t.run(t.at(0).claim("worker-1", ids));
        REQUIRE(claimed);
        CHECK(claimed->size() == ids.size());
        ids.clear();
    }
}

TEST_CASE("PostgresDatastore: what is due or expires is moved by one of the sweeping processes") {
    Shared t;
    Names ids;
    for (int i = 0; i < 300; ++i) {
        auto call = t.new_call(t.fn);
        call.call.status = CallStatus::delayed;
        call.call.run_at = t.clock.now() + Millis(10);
        call.call.expires_at = t.clock.now() + Millis(20);
        ids.push_back(call.call.id);
        REQUIRE(t.run(t.store->accept(std::move(call))));
    }
    t.clock.advance(Millis(10));
    Names moved;
    std::vector<std::future<Result<DueStep>>> due;
    for (std::size_t i = 0; i < 12; ++i) due.push_back(t.loop.start(t.at(i % 3).release_due(100)));
    for (auto& each : due) {
        for (const auto& call : each.get().value().due) moved.push_back(call.id);
    }
    std::ranges::sort(moved);
    CHECK(moved == ids);
    moved.clear();
    t.clock.advance(Millis(10));
    std::vector<std::future<Result<std::vector<MovedCall>>>> expired;
    for (std::size_t i = 0; i < 12; ++i) expired.push_back(t.loop.start(t.at(i % 3).expire(100)));
    for (auto& each : expired) {
        for (const auto& call : each.get().value()) moved.push_back(call.id);
    }
    std::ranges::sort(moved);
    CHECK(moved == ids);
    CHECK(t.counts().queued == 0);
}

TEST_CASE("PostgresDatastore: several processes may start on an empty database at once") {
    const PostgresBackend backend;
    const SystemClock clock;
    std::vector<Metrics> metrics(4);
    std::vector<Result<std::unique_ptr<Datastore>>> opened;
    opened.resize(metrics.size());
    {
        std::vector<std::jthread> openers;
        for (std::size_t i = 0; i < metrics.size(); ++i) {
            openers.emplace_back([&, i] {
                opened[i] = open_datastore(backend.url(), {}, clock, metrics[i]);
            });
        }
    }
    for (const auto& store : opened) {
        REQUIRE_MESSAGE(store, (store ? "" : store.error().text()));
        (*store)->close();
    }
    CHECK(backend.server.ask("SELECT count(*) FROM " + backend.schema + ".stoker_schema") == "1");
}

TEST_CASE("PostgresDatastore: a database of a newer program is refused and left alone") {
    const PostgresBackend backend;
    const SystemClock clock;
    Metrics metrics;
    backend.open(clock, metrics)->close();
    const auto table = backend.schema + ".stoker_schema";
    backend.server.ask("UPDATE " + table + " SET version = version + 1");
    const auto version = backend.server.ask("SELECT version FROM " + table);
    const auto refused = open_datastore(backend.url(), {}, clock, metrics);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().contains("newer"));
    CHECK(backend.server.ask("SELECT version FROM " + table) == version);
}

}  // namespace stoker::test
