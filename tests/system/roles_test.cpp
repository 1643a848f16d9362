// `stoker api` and `stoker worker` as processes of their own, over real servers of PostgreSQL and
// Redis: any of them may come, go or die.

#include <atomic>
#include <csignal>
#include <deque>
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

    StokerProcess& add_api() {
        return add(Role::api, {"--sweep-interval", "200ms", "--sweep-grace", "500ms"});
    }
    StokerProcess& add_worker() {
        return add(Role::worker, {"--heartbeat", "300ms", "--memory", "512MiB"});
    }

private:
    StokerProcess& add(Role role, std::vector<std::string> flags) {
        const auto db = shared_postgres().url_of(schema_);
        flags.insert(flags.end(), {"--db", db, "--queue", redis_.url(), "--lease", "2s"});
        auto& process = processes_.emplace_back(std::move(flags));
        process.be(role);
        process.start_ready();
        return process;
    }

    const std::string schema_;
    const RedisServer redis_;
    std::deque<StokerProcess> processes_;
};

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
    const auto running = api.call_async(fn, "sleep 2000");
    wait_until_executing(api, running);
    HttpAnswer answer;
    std::jthread caller([&] { answer = api.request("POST", "/invoke/" + fn, "sleep 5000"); });
    eventually("both run", [&] {
        return metric(doomed, "stoker_containers{state=\"busy\"}") >= 2;
    });
    doomed.kill_hard();
    caller.join();
    CHECK(answer.status == 502);
    CHECK(nlohmann::json::parse(answer.body).at("code") == "worker_lost");
    const auto none = api.request("POST", "/invoke/" + fn, "echo x");
    CHECK(none.status == 503);
    CHECK(nlohmann::json::parse(none.body).at("code") == "no_worker");
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
