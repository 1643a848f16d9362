#pragma once

// A whole Api on a loopback port, over a real SQLite store in a folder of its own, a fake queue and
// a fake invoker.

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "api/api.hpp"
#include "datastore/open_datastore.hpp"
#include "tests/api/fakes.hpp"
#include "tests/common/http_server_client.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {

inline std::unique_ptr<Datastore> open_test_store(
    const TempDir& folder, const Clock& clock, Metrics& metrics
) {
    const DatastoreOptions options{.data_folder = folder.path(), .survives_power_cut = false};
    auto store = open_datastore("sqlite:", options, clock, metrics);
    REQUIRE(store);
    return std::move(*store);
}

class ApiFixture {
public:
    static constexpr std::uint64_t memory_fits_mb = 1024;

    explicit ApiFixture(const std::function<void(ApiSettings&)>& tweak = {}) :
        real_store(open_test_store(folder, clock, metrics)),
        store(*real_store),
        events(make_local_call_events()),
        ids(clock, 1) {
        ApiSettings settings;
        settings.listen.port = 0;
        settings.version = "1.2.3";
        settings.outbox.retry_interval = Millis{20};
        settings.server.linger_time = Millis{200};
        // It delivers at once, unless a test says otherwise.
        queue.delivered_to = wall_now() + std::chrono::hours(24);
        if (tweak) tweak(settings);
        api.emplace(
            ApiDeps{
                lanes,
                store,
                queue,
                invoker,
                *events,
                metrics,
                ids,
                clock,
                [](std::uint64_t memory_mb, std::uint64_t) { return memory_mb <= memory_fits_mb; },
                {[this] { return not_ready.load() ? "as asked" : std::string{}; }}
            },
            settings
        );
        const auto started = api->start();
        REQUIRE(started);
        lanes.start();
    }
    ApiFixture(const ApiFixture&) = delete;
    ApiFixture& operator=(const ApiFixture&) = delete;
    ~ApiFixture() {
        const bool stopped = run(api->stop(deadline_in(Millis{5'000})));
        CHECK(stopped);
        lanes.stop();
        api.reset();
        real_store->close();
    }

    RawClient connect() const { return RawClient(api->port()); }

    static std::string text_of(
        std::string_view method,
        std::string_view path,
        const std::string& body = {},
        const Headers& headers = {}
    ) {
        std::string text =
            std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: here:80\r\n";
        for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
        if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        return text + "\r\n" + body;
    }
    Answer send(
        std::string_view method,
        std::string_view path,
        const std::string& body = {},
        const Headers& headers = {}
    ) const {
        return connect().request(text_of(method, path, body, headers));
    }
    Answer get(std::string_view path, const Headers& headers = {}) const {
        return send("GET", path, {}, headers);
    }

    static Json json(const Answer& answer) { return Json::parse(answer.body, nullptr, false); }
    /// The message of an error answer.
    static std::string message(const Answer& answer) {
        return json(answer).value("message", "no message: " + answer.body);
    }

    std::string make_app(const std::string& name = "app") const {
        const auto made = send("POST", "/v2/apps", R"({"name":")" + name + "\"}");
        REQUIRE(made.status == 200);
        return json(made)["id"];
    }
    /// `extra` are further fields, each with a comma before it.
    std::string make_fn(
        const std::string& app_id, const std::string& name = "fn", const std::string& extra = {}
    ) const {
        const auto body =
            R"({"app_id":")" + app_id + R"(","name":")" + name + R"(","image":"img")" + extra + "}";
        const auto made = send("POST", "/v2/fns", body);
        REQUIRE_MESSAGE(made.status == 200, made.body);
        return json(made)["id"];
    }
    /// A call accepted for the fn; its id.
    std::string accept_call(const std::string& fn_id, const std::string& body = "x") const {
        const auto accepted = send("POST", "/invoke/" + fn_id, body, {{"Fn-Invoke-Type", "async"}});
        REQUIRE_MESSAGE(accepted.status == 202, accepted.body);
        return json(accepted)["call_id"];
    }
    /// Claims the call as a worker would.
    Fence claim(const std::string& call_id) {
        REQUIRE(run(store.register_worker("worker", "host", Millis{60'000})));
        const auto claimed = run(store.claim("worker", {call_id}));
        REQUIRE(claimed);
        REQUIRE(claimed->size() == 1);
        return {call_id, "worker", claimed->front().call.attempt};
    }
    /// Ends a claimed call, as a worker would, and says so.
    void finish(FinishedCall finished) {
        const auto event =
            CallEvent{finished.fence.call_id, "", finished.end.status, finished.fence.attempt};
        const auto done = run(store.finish(std::move(finished)));
        REQUIRE(done);
        REQUIRE(*done);
        events->publish(event);
    }

    TempDir folder;
    SystemClock clock;
    Metrics metrics;
    Lanes lanes{2};
    std::unique_ptr<Datastore> real_store;
    FaultyStore store;
    FakeQueue queue;
    FakeInvoker invoker;
    std::unique_ptr<CallEvents> events;
    IdSource ids;
    std::atomic<bool> not_ready{false};
    std::optional<Api> api;
};

}  // namespace stoker::test
