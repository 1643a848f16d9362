// Pulls by a real engine, from a registry that is not there and from one that has nothing.

#include <doctest/doctest.h>

#include "tests/worker/containers/docker_fixture.hpp"
#include "tests/worker/containers/scripted_server.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("DockerDriver: pulling from a registry where nobody listens fails with the engine's words"
) {
    REQUIRE_DOCKER
    DockerDriver driver(docker_address());
    const auto pulled = run(driver.pull_image("127.0.0.1:1/nothing", {}, soon()));
    REQUIRE_FALSE(pulled);
    CHECK(pulled.error().code == Errc::pull_failed);
    CHECK(pulled.error().message.starts_with("Failed to pull image '127.0.0.1:1/nothing': "));
    CHECK(pulled.error().message.contains("connection refused"));
}

TEST_CASE("DockerDriver: an image that its registry does not have is image_not_found") {
    REQUIRE_DOCKER
    const auto pulled = run([]() -> Task<Result<void>> {
        const ScriptedServer registry(co_await asio::this_coro::executor, [](Peer peer) -> Task<> {
            for (;;) {
                const auto request = co_await peer.request();
                if (request.empty()) co_return;
                if (request.starts_with("GET /v2/ ")) {
                    co_await peer.answer(200, "{}");
                } else if (request.starts_with("HEAD ")) {
                    co_await peer.answer(404, "");
                } else {
                    co_await peer.answer(
                        404,
                        R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})",
                        "Content-Type: application/json\r\n"
                    );
                }
            }
        });
        DockerDriver driver(docker_address());
        const auto image = "127.0.0.1:" + std::to_string(registry.address().port) + "/gone:1";
        co_return co_await driver.pull_image(image, {}, soon());
    }());
    REQUIRE_FALSE(pulled);
    CAPTURE(pulled.error().message);
    CHECK(pulled.error().code == Errc::image_not_found);
    CHECK(pulled.error().message.contains("manifest unknown"));
}
