// `stoker api` and `stoker worker` as processes of their own, over real servers of PostgreSQL and
// Redis: any of them may come, go or die.

#include <atomic>
#include <csignal>
#include <deque>
#include <future>
#include <thread>

#include "tests/support/postgres_server.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

/// Processes that share a datastore and a queue, with short timers.
class Cluster {
public:
    Cluster() : schema_(shared_postgres().make_schema()) {}
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    ~Cluster() {
        processes_.clear();
        shared_postgres().drop_schema(schema_);
    }

    StokerProcess& add_api(const std::vector<std::string>& more = {}) {
        return add(Role::api, {"--sweep-interval", "200ms", "--sweep-grace", "500ms"}, more);
    }
    StokerProcess& add_worker(const std::string& memory = "512MiB") {
        return add(Role::worker, {"--heartbeat", "300ms", "--memory", memory}, {});
    }

private:
    StokerProcess& add(
        Role role, std::vector<std::string> flags, const std::vector<std::string>& more
    ) {
        const auto db = shared_postgres().url_of(schema_);
        flags.insert(flags.end(), {"--db", db, "--queue", redis_.url(), "--lease", "2s"});
        flags.insert(flags.end(), more.begin(), more.end());
        auto& process = processes_.emplace_back(std::move(flags));
        process.be(role);
        process.start_ready();
        return process;
    }

    const std::string schema_;
    const RedisServer redis_;
    std::deque<StokerProcess> processes_;
};

double busy_containers(const StokerProcess& worker) {
    return metric(worker, "stoker_containers{state=\"busy\"}");
}

std::string code_of(const HttpAnswer& answer) {
    return nlohmann::json::parse(answer.body).at("code");
}

/// All that a caller gets to see, less what is of the one call.
std::string seen(const StokerProcess& stoker, const std::string& fn, const std::string& body) {
    try {
        const auto answer = stoker.request("POST", "/invoke/" + fn, body);
        auto text = std::to_string(answer.status) + '\n';
        for (const auto& [name, value] : answer.headers) {
            if (same_header_name(name, "Date") || same_header_name(name, "Fn-Call-Id")) continue;
            text.append(name).append(": ").append(value).append("\n");
        }
        return text + answer.body;
    } catch (const std::exception&) {
        return "cut";
    }
}

/// Until the worker is known to the api.
void wait_for_sync(const StokerProcess& api, const std::string& fn) {
    eventually("a worker takes synchronous calls", [&] {
        return api.request("POST", "/invoke/" + fn, "echo x").status == 200;
    });
}

}  // namespace

TEST_CASE("roles: an api hands its calls to two workers, asynchronous and synchronous ones") {
    Cluster cluster;
    auto& api = cluster.add_api();
    auto& first = cluster.add_worker();
    auto& second = cluster.add_worker();
    const auto fn = api.make_fn(function_image());
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(api.call_async(fn, "say hello"));
    for (const auto& id : ids) {
        CHECK(api.ended(id).at("status") == "success");
        const auto log = api.log_of(id);
        CHECK(log.contains("out: hello"));
        CHECK(log.contains("err: hello"));
    }
    wait_for_sync(api, fn);
    const auto taken = [](const StokerProcess& worker) {
        return metric(worker, "stoker_runner_taken_total");
    };
    eventually("both get synchronous calls", [&] {
        CHECK(api.request("POST", "/invoke/" + fn, "echo abc").body == "abc");
        return taken(first) > 0 && taken(second) > 0;
    });
    std::string body = "echo ";
    body.resize(20UL << 20U, 'x');
    const auto answer = api.request("POST", "/invoke/" + fn, body);
    CHECK(answer.status == 200);
    CHECK(answer.body == body.substr(5));
    CHECK(find_header(answer.headers, "Fn-Call-Id")->size() == 26);
    // Bigger than any of them.
    const auto app = api.json("GET", "/v2/fns/" + fn).at("app_id").get<std::string>();
    const nlohmann::json big{
        {"app_id", app}, {"name", "big"}, {"image", function_image()}, {"memory", 4096}
    };
    CHECK(api.request("POST", "/v2/fns", big.dump()).status == 400);
}

TEST_CASE(
    "roles: a worker that is killed loses no asynchronous call, and a synchronous one is not "
    "repeated"
) {
    Cluster cluster;
    auto& api = cluster.add_api();
    auto& doomed = cluster.add_worker();
    const auto fn = api.make_fn(function_image(), {{"retry", {{"max_attempts", 5}}}});
    wait_for_sync(api, fn);
    HttpAnswer answer;
    std::jthread caller([&] { answer = api.request("POST", "/invoke/" + fn, "sleep 20000"); });
    eventually("it runs", [&] { return busy_containers(doomed) >= 1; });
    const auto running = api.call_async(fn, "sleep 3000");
    wait_until_executing(api, running);
    doomed.kill_hard();
    caller.join();
    CHECK(answer.status == 502);
    CHECK(code_of(answer) == "worker_lost");
    const auto none = api.request("POST", "/invoke/" + fn, "echo x");
    CHECK(none.status == 503);
    CHECK(code_of(none) == "no_worker");
    cluster.add_worker();
    const auto call = api.ended(running);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 2);
    wait_for_sync(api, fn);
}

TEST_CASE("roles: workers come and go while calls are made, and no caller notices") {
    Cluster cluster;
    auto& api = cluster.add_api();
    cluster.add_worker();
    const auto fn = api.make_fn(function_image());
    wait_for_sync(api, fn);
    std::atomic<bool> enough{false};
    std::atomic<int> good{0};
    std::atomic<int> bad{0};
    std::vector<std::string> ids;
    std::jthread synchronous([&] {
        while (!enough) {
            const auto answer = api.request("POST", "/invoke/" + fn, "echo x");
            (answer.status == 200 && answer.body == "x" ? good : bad) += 1;
        }
    });
    std::jthread asynchronous([&] {
        while (!enough) ids.push_back(api.call_async(fn, "echo y"));
    });
    for (int i = 0; i < 2; ++i) {
        auto& more = cluster.add_worker();
        eventually("it gets calls", [&] { return metric(more, "stoker_runner_taken_total") > 0; });
        more.send(SIGTERM);
        CHECK(more.wait_exit() == 0);
    }
    enough = true;
    synchronous.join();
    asynchronous.join();
    CHECK(good > 0);
    CHECK(bad == 0);
    CHECK_FALSE(ids.empty());
    for (const auto& id : ids) CHECK(api.ended(id).at("status") == "success");
}

TEST_CASE("roles: what an api had accepted runs on when it is killed, and other apis know of it") {
    Cluster cluster;
    auto& doomed = cluster.add_api();
    auto& other = cluster.add_api();
    cluster.add_worker();
    const auto fn = doomed.make_fn(function_image());
    std::vector<std::string> ids;
    for (int i = 0; i < 10; ++i) ids.push_back(doomed.call_async(fn, "sleep 100"));
    doomed.kill_hard();
    for (const auto& id : ids) CHECK(other.ended(id).at("status") == "success");
    wait_for_sync(other, fn);
}

TEST_CASE("roles: a worker may be there before any api, and be named instead of found") {
    Cluster cluster;
    auto& worker = cluster.add_worker();
    auto& finds = cluster.add_api();
    const auto at = "127.0.0.1:" + std::to_string(worker.address().port);
    auto& told = cluster.add_api({"--workers", "127.0.0.1:1," + at});
    const auto fn = finds.make_fn(function_image());
    for (const auto* api : {&finds, &told}) {
        wait_for_sync(*api, fn);
        CHECK(api->ended(api->call_async(fn, "echo x")).at("status") == "success");
    }
}

TEST_CASE("roles: a full worker leaves synchronous calls to the next, all of them full is told") {
    Cluster cluster;
    auto& api = cluster.add_api({"--slot-wait", "10s"});
    auto& hasty = cluster.add_api({"--slot-wait", "300ms"});
    // Of one container each.
    auto& first = cluster.add_worker("128MiB");
    auto& second = cluster.add_worker("128MiB");
    const auto fn = api.make_fn(function_image(), {{"memory", 128}});
    wait_for_sync(hasty, fn);
    std::vector<HttpAnswer> answers(2);
    std::vector<std::jthread> callers;
    for (auto& answer : answers) {
        callers.emplace_back([&] { answer = api.request("POST", "/invoke/" + fn, "sleep 3000"); });
    }
    eventually("each has one", [&] {
        return busy_containers(first) == 1 && busy_containers(second) == 1;
    });
    const auto refused = hasty.request("POST", "/invoke/" + fn, "echo x");
    CHECK(refused.status == 503);
    CHECK(code_of(refused) == "server_busy");
    callers.clear();
    for (const auto& answer : answers) CHECK(answer.status == 200);
}

TEST_CASE("roles: an api that is killed takes its synchronous calls with it and nothing else") {
    Cluster cluster;
    auto& doomed = cluster.add_api();
    auto& other = cluster.add_api();
    auto& worker = cluster.add_worker("128MiB");
    const auto fn = other.make_fn(function_image(), {{"memory", 128}});
    wait_for_sync(doomed, fn);
    bool was_cut = false;
    std::jthread caller([&] {
        try {
            doomed.request("POST", "/invoke/" + fn, "sleep 4000");
        } catch (const std::exception&) {
            was_cut = true;
        }
    });
    eventually("it runs", [&] { return busy_containers(worker) == 1; });
    doomed.kill_hard();
    caller.join();
    CHECK(was_cut);
    // What nobody waits for any more ends, and its container, the only one, serves the others.
    wait_for_sync(other, fn);
    CHECK(other.ended(other.call_async(fn, "echo x")).at("status") == "success");
}

TEST_CASE("roles: a worker that stands still counts as lost, what it does later changes nothing") {
    Cluster cluster;
    auto& api = cluster.add_api();
    auto& frozen = cluster.add_worker();
    const auto fn = api.make_fn(function_image(), {{"retry", {{"max_attempts", 5}}}});
    const auto id = api.call_async(fn, "sleep 1000");
    wait_until_executing(api, id);
    frozen.send(SIGSTOP);
    auto& other = cluster.add_worker();
    const auto call = api.ended(id);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 2);
    // Whoever is offered to first, a caller gets an answer.
    CHECK(api.request("POST", "/invoke/" + fn, "echo x").body == "x");
    frozen.send(SIGCONT);
    eventually("it works again", [&] {
        CHECK(api.request("POST", "/invoke/" + fn, "echo x").status == 200);
        return metric(frozen, "stoker_runner_taken_total") > 0 && busy_containers(frozen) == 0;
    });
    CHECK(metric(other, "stoker_runner_taken_total") > 0);
    CHECK(api.json("GET", "/v2/calls/" + id) == call);
}

TEST_CASE("roles: a caller sees the same whether its function runs beside the api or elsewhere") {
    Cluster cluster;
    const auto& apart = cluster.add_api();
    cluster.add_worker();
    const Running together;
    const nlohmann::json more{{"timeout", 2}};
    const auto fn_apart = apart.make_fn(function_image(), more);
    const auto fn_together = together.make_fn(function_image(), more);
    wait_for_sync(apart, fn_apart);
    for (const auto* deed :
         {"echo abc",
          "chunked abc",
          "big 100000",
          "status 502",
          "status 418",
          "exit",
          "crash",
          "garbage",
          "go-silently",
          "half-close",
          "half-close-after-body",
          "promise-too-much",
          "break-off",
          "say-too-much",
          "interim",
          "endless-headers",
          "sleep 5000"}) {
        CAPTURE(deed);
        auto elsewhere =
            std::async(std::launch::async, [&] { return seen(apart, fn_apart, deed); });
        const auto beside = seen(together, fn_together, deed);
        CHECK(elsewhere.get() == beside);
    }
    CHECK(seen(apart, fn_apart, "echo abc").ends_with("abc"));
    CHECK(seen(apart, fn_apart, "break-off") == "cut");
}
