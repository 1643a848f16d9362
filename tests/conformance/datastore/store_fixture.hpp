#pragma once

// What the tests of a Datastore stand on: a store with one app and one fn, a clock moved by hand,
// and short words for the steps of a call. A Backend is default-constructible and has
//     std::unique_ptr<Datastore> open(const Clock&, Metrics&);
// which opens data of its own; after close() it opens the same data again.

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/async/lanes.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "model/id.hpp"

namespace stoker::test {

class ManualClock final : public Clock {
public:
    WallTime now() const override { return from_ms(now_ms_); }
    Deadline monotonic() const override { return Deadline(Millis(passed_ms_)); }
    void advance(Millis by) {
        now_ms_ += by.count();
        passed_ms_ += by.count();
    }
    /// Somebody sets the clock.
    void jump(Millis by) { now_ms_ += by.count(); }

private:
    std::atomic<std::int64_t> passed_ms_{0};
    std::atomic<std::int64_t> now_ms_{1'700'000'000'000};
};

/// Lanes that outlive what runs on them, and the test's thread waiting for results.
class Loop {
public:
    explicit Loop(std::size_t lanes = 1) : lanes_(lanes) { lanes_.start(); }
    ~Loop() { lanes_.stop(); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    template <class T>
    T run(Task<T> task) {
        return start(std::move(task)).get();
    }
    /// On the lanes in turn.
    template <class T>
    std::future<T> start(Task<T> task) {
        std::promise<T> promise;
        auto result = promise.get_future();
        auto done = [promise =
                         std::move(promise)](const std::exception_ptr& e, auto... value) mutable {
            if (e) {
                promise.set_exception(e);
            } else {
                promise.set_value(std::move(value)...);
            }
        };
        asio::co_spawn(lanes_.next(), std::move(task), std::move(done));
        return result;
    }

private:
    Lanes lanes_;
};

template <class Backend>
struct Fixture {
    explicit Fixture(std::size_t lanes = 1) : loop(lanes), store(backend.open(clock, metrics)) {
        app = add_app("app");
        fn = add_fn(app, "fn");
    }
    ~Fixture() { store->close(); }
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    void reopen() {
        store->close();
        store.reset();
        store = backend.open(clock, metrics);
    }

    template <class T>
    T run(Task<T> task) {
        return loop.run(std::move(task));
    }

    App add_app(std::string name) {
        App made;
        made.id = ids.next();
        made.name = std::move(name);
        made.created_at = made.updated_at = clock.now();
        REQUIRE(run(store->insert_app(made)));
        return made;
    }

    Fn new_fn(const App& of, std::string name) {
        Fn made;
        made.id = ids.next();
        made.app_id = of.id;
        made.name = std::move(name);
        made.image = "registry.example/fn:1";
        made.created_at = made.updated_at = clock.now();
        return made;
    }
    Fn add_fn(const App& of, std::string name) {
        auto made = new_fn(of, std::move(name));
        REQUIRE(run(store->insert_fn(made)));
        return made;
    }

    NewCall new_call(const Fn& of) {
        NewCall made;
        made.call.id = ids.next();
        made.call.app_id = of.app_id;
        made.call.fn_id = of.id;
        made.call.fn_rev = of.rev;
        made.call.image = of.image;
        made.call.format = of.format;
        made.call.memory = of.memory;
        made.call.cpus = of.cpus;
        made.call.tmpfs_size = of.tmpfs_size;
        made.call.timeout = of.timeout;
        made.call.idle_timeout = of.idle_timeout;
        made.call.max_attempts = of.retry.max_attempts;
        made.call.created_at = clock.now();
        made.request.method = "POST";
        made.request.url = "http://localhost/invoke/" + of.id;
        made.request.headers = {{"X-Twice", "a"}, {"X-Twice", "b"}};
        made.request.content_type = "text/plain";
        made.request.body = BodyRef::of("body of " + made.call.id);
        return made;
    }
    NewCall new_call() { return new_call(fn); }

    /// The id of a call that waits.
    std::string accept(const Fn& of) {
        auto made = new_call(of);
        REQUIRE(run(store->accept(made)));
        return made.call.id;
    }
    std::string accept() { return accept(fn); }

    void add_worker(const std::string& id) {
        REQUIRE(run(store->register_worker(id, "host", lease)));
    }

    /// Claims one call that must be free.
    Fence claim(const std::string& call_id, const std::string& worker = "worker-1") {
        const auto claimed = run(store->claim(worker, {call_id}));
        REQUIRE(claimed);
        REQUIRE(claimed->size() == 1);
        return {call_id, worker, claimed->front().call.attempt};
    }
    /// The id and fence of a call that runs.
    Fence run_one(const std::string& worker = "worker-1") { return claim(accept(), worker); }

    FinishedCall success(Fence fence, std::string body = "answer") {
        FinishedCall finished;
        finished.fence = std::move(fence);
        finished.started_at = clock.now();
        finished.response =
            CallResponse{200, "HTTP/1.1 200 OK\r\n\r\n", BodyRef::of(std::move(body))};
        finished.logs = {{0, clock.now(), LogStream::err, "line\n"}};
        return finished;
    }

    Call get(const std::string& call_id) {
        auto call = run(store->get_call(Scope::all(), call_id));
        REQUIRE(call);
        return *call;
    }
    CallStatus status_of(const std::string& call_id) { return get(call_id).status; }
    CallCounts counts() { return *run(store->count_calls()); }

    static constexpr Millis lease{15'000};
    static constexpr Millis grace{3'000};

    // The loop and what the backend keeps outlive the store.
    Backend backend;
    ManualClock clock;
    Metrics metrics;
    IdSource ids{clock, 7};
    Loop loop;
    std::unique_ptr<Datastore> store;
    App app;
    Fn fn;
};

template <class T>
Errc error_of(const Result<T>& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

template <class Row>
std::vector<std::string> ids_of(const Result<std::vector<Row>>& rows) {
    REQUIRE(rows);
    std::vector<std::string> found;
    for (const auto& row : *rows) found.push_back(row.id);
    return found;
}

template <class Row>
std::vector<std::string> names_of(const Result<std::vector<Row>>& rows) {
    REQUIRE(rows);
    std::vector<std::string> found;
    for (const auto& row : *rows) found.push_back(row.name);
    return found;
}

using Names = std::vector<std::string>;

}  // namespace stoker::test
