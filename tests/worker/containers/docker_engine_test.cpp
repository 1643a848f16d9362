// DockerDriver against engines that misbehave, or are of other versions, as no real one would on
// request.

#include <doctest/doctest.h>

#include "tests/support/run.hpp"
#include "tests/worker/containers/scripted_server.hpp"
#include "worker/containers/docker/docker_driver.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

Deadline soon() { return deadline_in(std::chrono::seconds(30)); }

/// An engine of one API version; `answer` says what becomes of each request after the ping.
struct FakeEngine {
    std::string api = "1.41";
    std::function<Task<>(Peer&, std::string request)> answer;
    int pings = 0;
    std::vector<std::string> requests;

    Task<> operator()(Peer peer) {
        const auto request = co_await peer.request();
        if (request.empty()) co_return;
        if (request.starts_with("GET /_ping ")) {
            ++pings;
            co_await peer.answer(200, "OK", "Api-Version: " + api + "\r\n");
            co_return;
        }
        requests.push_back(request.substr(0, request.find(" HTTP/1.1")));
        co_await answer(peer, request);
    }
};

/// Answers every request alike.
std::function<Task<>(Peer&, std::string)> always(int status, std::string body) {
    return
        [status, body](Peer& peer, std::string) -> Task<> { co_await peer.answer(status, body); };
}

/// Runs `use` with a driver of this engine.
template <class Use>
auto with(FakeEngine& engine, Use use) {
    using Value = decltype(use(std::declval<DockerDriver&>()))::value_type;
    return run([](FakeEngine& fake, Use used) -> Task<Value> {
        const ScriptedServer server(
            co_await asio::this_coro::executor,
            [&fake](Peer peer) -> Task<> { co_await fake(std::move(peer)); }
        );
        DockerDriver driver(server.address());
        co_return co_await used(driver);
    }(engine, std::move(use)));
}

}  // namespace

TEST_CASE("DockerDriver: the highest API version both sides know is spoken, and asked for once") {
    struct Example {
        std::string engine;
        std::string spoken;
    };
    for (const auto& [engine_api, spoken] :
         {Example{"1.41", "/v1.41/"}, Example{"1.43", "/v1.43/"}, Example{"1.51", "/v1.44/"}}) {
        CAPTURE(engine_api);
        FakeEngine engine{.api = engine_api, .answer = always(404, "{}"), .requests = {}};
        const auto state = with(engine, [](DockerDriver& driver) -> Task<Result<void>> {
            CHECK(co_await driver.inspect("x", soon()));
            co_return co_await driver.remove("x", soon());
        });
        CHECK(state);
        CHECK(engine.pings == 1);
        CHECK(engine.requests[0] == "GET " + spoken + "containers/x/json");
        CHECK(engine.requests.back() == "DELETE " + spoken + "containers/x?force=true&v=true");
    }
}

TEST_CASE("DockerDriver: an engine that is too old, refuses the ping or is away is unavailable") {
    FakeEngine old{.api = "1.40", .answer = always(200, ""), .requests = {}};
    const auto ping = [](DockerDriver& driver) { return driver.ping(soon()); };
    CHECK(with(old, ping).error().code == Errc::engine_unavailable);
    CHECK(with(old, ping).error().text().contains("too old"));
    FakeEngine none{.api = "", .answer = always(200, ""), .requests = {}};
    CHECK(with(none, ping).error().code == Errc::engine_unavailable);
    DockerDriver nobody(parse_http_address("unix:///no/such/engine.sock").value());
    CHECK(run(nobody.ping(soon())).error().code == Errc::engine_unavailable);
    CHECK(run(nobody.inspect("x", soon())).error().code == Errc::engine_unavailable);
    CHECK(run(nobody.start("x", soon())).error().code == Errc::engine_unavailable);
    CHECK(run(nobody.pull_image("x", {}, soon())).error().code == Errc::engine_unavailable);
}

TEST_CASE("DockerDriver: an engine replaced by an older one is asked for its version again") {
    FakeEngine engine{.api = "1.44", .answer = {}, .requests = {}};
    engine.answer = [&engine](Peer& peer, std::string request) -> Task<> {
        if (request.contains("/v1.44/")) {
            engine.api = "1.41";
            co_await peer.answer(
                400,
                R"({"message":"client version 1.44 is too new. Maximum supported API version is 1.41"})"
            );
        } else {
            co_await peer.answer(404, "{}");
        }
    };
    const auto second = with(engine, [](DockerDriver& driver) -> Task<Result<void>> {
        const auto first = co_await driver.start("x", soon());
        CHECK(first.error().code == Errc::engine_unavailable);
        co_return co_await driver.remove("x", soon());
    });
    CHECK(second);
    CHECK(engine.pings == 2);
}

TEST_CASE("DockerDriver: an engine that does not answer by the deadline is unavailable") {
    FakeEngine engine{
        .answer = [](Peer& peer, std::string) -> Task<> { co_await peer.some(); }, .requests = {}
    };
    const auto late = with(engine, [](DockerDriver& driver) {
        return driver.inspect("x", deadline_in(Millis(50)));
    });
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::engine_unavailable);
}

TEST_CASE("DockerDriver: what the engine refuses is internal, with its words as the detail") {
    FakeEngine engine{.answer = always(409, R"({"message":"Conflict. Odd."})"), .requests = {}};
    ContainerSpec spec;
    spec.name = "x";
    spec.image = "x";
    const auto created =
        with(engine, [&](DockerDriver& driver) { return driver.create(spec, soon()); });
    REQUIRE_FALSE(created);
    CHECK(created.error().code == Errc::internal);
    CHECK(created.error().detail == "create container: the engine answered 409: Conflict. Odd.");
    const auto removed =
        with(engine, [](DockerDriver& driver) { return driver.remove("x", soon()); });
    CHECK(removed.error().code == Errc::internal);
    const auto attached =
        with(engine, [](DockerDriver& driver) { return driver.attach("x", {}, soon()); });
    CHECK(attached.error().code == Errc::internal);
    engine.answer = always(503, "busy");
    const auto started =
        with(engine, [](DockerDriver& driver) { return driver.start("x", soon()); });
    CHECK(started.error().code == Errc::engine_unavailable);
    engine.answer = always(400, R"({"message":"exec format error"})");
    const auto unusable =
        with(engine, [](DockerDriver& driver) { return driver.start("x", soon()); });
    CHECK(unusable.error().code == Errc::init_failed);
    CHECK(unusable.error().detail == "exec format error");
}

TEST_CASE("DockerDriver: a removal already in progress is a success") {
    FakeEngine engine{
        .answer = always(409, R"({"message":"removal of container x is already in progress"})"),
        .requests = {}
    };
    CHECK(with(engine, [](DockerDriver& driver) { return driver.remove("x", soon()); }));
}

TEST_CASE("DockerDriver: an image that vanished before create is image_not_found") {
    FakeEngine engine{
        .answer = always(404, R"({"message":"No such image: x:latest"})"), .requests = {}
    };
    ContainerSpec spec;
    spec.name = "x";
    spec.image = "x";
    const auto create = [&](DockerDriver& driver) { return driver.create(spec, soon()); };
    CHECK(with(engine, create).error().code == Errc::image_not_found);
    engine.answer = always(404, R"({"message":"network y not found"})");
    CHECK(with(engine, create).error().code == Errc::internal);
}

TEST_CASE("DockerDriver: an engine that refuses swappiness is asked without, from then on") {
    std::vector<bool> asked;
    FakeEngine engine{.answer = {}, .requests = {}};
    engine.answer = [&asked](Peer& peer, std::string request) -> Task<> {
        asked.push_back(request.contains("MemorySwappiness"));
        if (asked.back()) {
            co_await peer.answer(500, R"({"message":"memory swappiness is not supported"})");
        } else {
            co_await peer.answer(201, R"({"Id":"new"})");
        }
    };
    const auto second = with(engine, [](DockerDriver& driver) -> Task<Result<std::string>> {
        ContainerSpec spec;
        spec.name = "x";
        spec.image = "x";
        CHECK((co_await driver.create(spec, soon())).value() == "new");
        co_return co_await driver.create(spec, soon());
    });
    CHECK(second == "new");
    CHECK(asked == std::vector{true, false, false});
}

TEST_CASE("DockerDriver: wait survives an engine that goes away and comes back") {
    int asked = 0;
    FakeEngine engine{.answer = {}, .requests = {}};
    engine.answer = [&asked](Peer& peer, std::string) -> Task<> {
        ++asked;
        if (asked == 1) {
            // The engine sends the head at once and stops before the container does.
            co_await peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        } else if (asked == 2) {
            co_await peer.answer(500, R"({"message":"starting"})");
        } else {
            co_await peer.answer(200, R"({"StatusCode":3,"Error":null})");
        }
    };
    const auto waited = with(engine, [](DockerDriver& driver) { return driver.wait("x", soon()); });
    CHECK(waited == ExitStatus{3, true});
    CHECK(asked == 3);
}

TEST_CASE("DockerDriver: a container unknown to the engine has exited without a code") {
    FakeEngine engine{
        .answer = always(404, R"({"message":"No such container: x"})"), .requests = {}
    };
    CHECK(with(engine, [](DockerDriver& driver) {
              return driver.wait("x", soon());
          }) == ExitStatus{});
    CHECK(with(engine, [](DockerDriver& driver) {
              return driver.inspect("x", soon());
          }).value() == std::nullopt);
}

TEST_CASE("DockerDriver: a wait that reaches its deadline says that the engine gave no answer") {
    FakeEngine engine{.answer = always(500, "{}"), .requests = {}};
    const auto waited = with(engine, [](DockerDriver& driver) {
        return driver.wait("x", deadline_in(Millis(150)));
    });
    REQUIRE_FALSE(waited);
}

TEST_CASE("DockerDriver: a pull reports its progress and believes an error inside the stream") {
    FakeEngine engine{.answer = {}, .requests = {}};
    std::string end;
    engine.answer = [&end](Peer& peer, std::string) -> Task<> {
        co_await peer.answer(
            200,
            "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":2},\"id\":"
            "\"a\"}\n" +
                end
        );
    };
    std::uint64_t done = 0;
    const auto pull = [&](DockerDriver& driver) {
        return driver.pull_image(
            "reg:5000/a/b",
            {.progress = [&](const PullProgress& p) { done = p.bytes_done; }},
            soon()
        );
    };
    CHECK(with(engine, pull));
    CHECK(done == 1);
    CHECK(
        engine.requests.back() ==
        "POST /v1.41/images/create?fromImage=reg%3A5000%2Fa%2Fb&tag=latest"
    );

    end =
        R"({"errorDetail":{"message":"toomanyrequests: slow down"},"error":"toomanyrequests: slow down"})";
    const auto refused = with(engine, pull);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::pull_failed);
    CHECK(
        refused.error().message == "Failed to pull image 'reg:5000/a/b': toomanyrequests: slow down"
    );

    end = R"({"error":"manifest for reg:5000/a/b:latest not found"})";
    CHECK(with(engine, pull).error().code == Errc::image_not_found);
}

TEST_CASE("DockerDriver: a pull tells a missing image from a failure, and from a name that is none"
) {
    FakeEngine engine{
        .answer =
            always(404, R"({"message":"pull access denied for x, repository does not exist"})"),
        .requests = {}
    };
    const auto pull = [](DockerDriver& driver) { return driver.pull_image("x:1", {}, soon()); };
    const auto missing = with(engine, pull);
    CHECK(missing.error().code == Errc::image_not_found);
    CHECK(
        missing.error().message ==
        "Failed to pull image 'x:1': pull access denied for x, repository does not exist"
    );
    engine.answer = always(500, R"({"message":"connection refused"})");
    CHECK(with(engine, pull).error().code == Errc::pull_failed);
    const auto nameless =
        with(engine, [](DockerDriver& driver) { return driver.pull_image("a b", {}, soon()); });
    CHECK(nameless.error().code == Errc::image_not_found);
    CHECK(nameless.error().message == "Failed to pull image 'a b': invalid reference format");
    CHECK(engine.requests.size() == 2);
}

TEST_CASE("DockerDriver: a pull whose registry wants other credentials is pull_denied") {
    FakeEngine engine{.answer = {}, .requests = {}};
    for (const std::string why :
         {"Get http://reg/v2/: unauthorized: authentication required",
          "Get http://reg/v2/: no basic auth credentials",
          "denied: requested access to the resource is denied"}) {
        CAPTURE(why);
        engine.answer = always(500, R"({"message":")" + why + R"("})");
        const auto denied = with(engine, [](DockerDriver& driver) {
            return driver.pull_image("reg.example/a", {}, soon());
        });
        REQUIRE_FALSE(denied);
        CHECK(denied.error().code == Errc::pull_denied);
    }
}

TEST_CASE("DockerDriver: a pull without news for too long has stalled, before its head and after") {
    for (const std::string head : {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        CAPTURE(head);
        FakeEngine engine{
            .answer = [head](Peer& peer, std::string) -> Task<> {
                if (!head.empty()) co_await peer.say(head);
                co_await peer.some();
            },
            .requests = {}
        };
        const auto stalled = with(engine, [](DockerDriver& driver) {
            return driver.pull_image("x", {.progress = {}, .silence_max = Millis(50)}, soon());
        });
        REQUIRE_FALSE(stalled);
        CHECK(stalled.error().code == Errc::pull_failed);
        CHECK(stalled.error().message.starts_with("Failed to pull image 'x': no "));
    }
}

TEST_CASE("DockerDriver: images are listed with all their names, and removed unless needed") {
    FakeEngine engine{
        .answer = always(
            200,
            R"([{"Id":"sha256:1","RepoTags":["a:1","a:2"],"RepoDigests":["a@sha256:2"],"Size":7},)"
            R"({"Id":"sha256:3","RepoTags":null,"RepoDigests":null,"Size":-1}])"
        ),
        .requests = {}
    };
    const auto listed =
        with(engine, [](DockerDriver& driver) { return driver.list_images(soon()); });
    REQUIRE(listed);
    CHECK(
        *listed ==
        std::vector<StoredImage>{{"sha256:1", {"a:1", "a:2", "a@sha256:2"}, 7}, {"sha256:3", {}, 0}}
    );
    const auto remove = [](DockerDriver& driver) {
        return driver.remove_image("reg:5000/a/b:1", soon());
    };
    CHECK(with(engine, remove).value());
    CHECK(engine.requests.back() == "DELETE /v1.41/images/reg:5000/a/b:1");
    engine.answer = always(404, "{}");
    CHECK(with(engine, remove).value());
    engine.answer = always(409, R"({"message":"container x is using its referenced image"})");
    CHECK_FALSE(with(engine, remove).value());
    engine.answer = always(500, "{}");
    CHECK(with(engine, remove).error().code == Errc::engine_failed);
}

TEST_CASE("DockerDriver: a pull that takes too long failed, and may be tried again") {
    FakeEngine engine{
        .answer = [](Peer& peer, std::string) -> Task<> {
            co_await peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            co_await peer.some();
        },
        .requests = {}
    };
    const auto late = with(engine, [](DockerDriver& driver) {
        return driver.pull_image("x", {}, deadline_in(Millis(50)));
    });
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::pull_timeout);
    CHECK(late.error().text() == "Image pull timed out");
}
