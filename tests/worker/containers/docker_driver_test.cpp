#include "worker/containers/docker/docker_driver.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/worker/containers/docker_fixture.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("DockerDriver: a container runs to its end and wait tells its exit code") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"exit", "7"}));
    CHECK(docker.inspect(id)->running == false);
    docker.start(id);
    CHECK(docker.wait(id) == ExitStatus{7});
    CHECK(docker.wait(id) == ExitStatus{7});  // also when asked late
    const auto state = docker.inspect(id);
    REQUIRE(state);
    CHECK(*state == ContainerState{false, 0, 7, false, {}});
}

TEST_CASE("DockerDriver: a running container has a pid, and kill ends it with the signal's code") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"sleep"}));
    docker.start(id);
    docker.start(id);  // once more changes nothing
    const auto state = docker.inspect(id);
    CHECK(state->running);
    CHECK(state->pid > 0);
    must(run(docker.driver.kill(id, "SIGKILL", soon())));
    CHECK(docker.wait(id) == ExitStatus{137});
    must(run(docker.driver.kill(id, "SIGKILL", soon())));  // no longer running: done already
}

TEST_CASE("DockerDriver: remove kills a running container and may be repeated") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"sleep"}));
    docker.start(id);
    must(run(docker.driver.remove(id, soon())));
    must(run(docker.driver.remove(id, soon())));
    CHECK_FALSE(docker.inspect(id));
    CHECK(docker.wait(id) == ExitStatus{});
    must(run(docker.driver.kill(id, "SIGTERM", soon())));
}

TEST_CASE("DockerDriver: a wait under way ends when the container is removed") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"sleep"}));
    docker.start(id);
    asio::io_context lane(1);
    std::optional<Result<ExitStatus>> waited;
    asio::co_spawn(
        lane,
        docker.driver.wait(id, soon()),
        [&](const std::exception_ptr&, Result<ExitStatus> status) { waited = std::move(status); }
    );
    asio::co_spawn(
        lane,
        docker.driver.remove(id, soon()),
        [](const std::exception_ptr&, const Result<void>& removed) { CHECK(removed); }
    );
    lane.run();
    REQUIRE(waited);
    REQUIRE(*waited);
    // Whether the request to wait came before the kill, or found the container gone.
    CHECK((**waited == ExitStatus{137} || **waited == ExitStatus{}));
}

TEST_CASE("DockerDriver: a name can be used for remove, and not twice for create") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto spec = docker.spec({"sleep"});
    docker.create(spec);
    const auto second = run(docker.driver.create(spec, soon()));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::internal);
    CHECK(second.error().detail.contains("409"));
    must(run(docker.driver.remove(spec.name, soon())));
    docker.create(spec);
}

TEST_CASE("DockerDriver: attach separates stdout from stderr and misses nothing") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto printed = docker.run_to_end(docker.spec({"print", "to out\n", "to err\n"}));
    CHECK(printed.out == "to out\n");
    CHECK(printed.err == "to err\n");
    CHECK(printed.exit == ExitStatus{0});

    const auto flood = docker.run_to_end(docker.spec({"flood", "3000000"}));
    CHECK(flood.out == std::string(3000000, 'x'));
}

TEST_CASE("DockerDriver: stdin reaches the container and its end is seen there") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({"cat"});
    spec.open_stdin = true;
    const std::string text(200'000, 'y');
    const auto echoed = docker.run_to_end(spec, text);
    CHECK(echoed.out == text);
    CHECK(echoed.exit == ExitStatus{0});
}

TEST_CASE("DockerDriver: a read of streams that ends by its deadline loses nothing") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({"cat"});
    spec.open_stdin = true;
    const auto talk = [&]() -> Task<> {
        const auto id = must(co_await docker.driver.create(spec, soon()));
        const auto streams =
            must(co_await docker.driver.attach(id, AttachOptions{.input = true}, soon()));
        must(co_await docker.driver.start(id, soon()));
        const auto early = co_await streams->read(deadline_in(Millis(1)));
        CHECK_FALSE(early);
        CHECK(early.error().code == Errc::engine_unavailable);
        must(co_await streams->write("hello", soon()));
        const auto frame = must(co_await streams->read(soon()));
        CHECK(frame == OutputFrame{OutputStream::standard_output, "hello"});
    };
    run(talk());
}

TEST_CASE("DockerDriver: an unknown image is image_not_found for inspect and create") {
    REQUIRE_DOCKER
    DockerFixture docker;
    for (const std::string image : {"stoker-test/no-such-image:1", "../containers", "a b", ""}) {
        CAPTURE(image);
        const auto seen = run(docker.driver.inspect_image(image, soon()));
        REQUIRE_FALSE(seen);
        CHECK(seen.error().code == Errc::image_not_found);
        auto spec = docker.spec({});
        spec.image = image;
        const auto created = run(docker.driver.create(spec, soon()));
        REQUIRE_FALSE(created);
        CHECK(created.error().code == Errc::image_not_found);
    }
}

TEST_CASE("DockerDriver: inspect_image gives what the image asks for") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const TestImage image(
        {{"f", "x"}},
        "FROM scratch\nCOPY f /\nENV A=1 B=two\nWORKDIR /work\nUSER 7\nVOLUME /data\n"
        "ENTRYPOINT [\"/f\", \"-x\"]\nCMD [\"y\"]\n"
    );
    const auto info = must(run(docker.driver.inspect_image(image.tag(), soon())));
    CHECK(info.id.starts_with("sha256:"));
    CHECK(info.entrypoint == std::vector<std::string>{"/f", "-x"});
    CHECK(info.cmd == std::vector<std::string>{"y"});
    CHECK(info.working_dir == "/work");
    CHECK(info.user == "7");
    CHECK(info.has_volumes);
    CHECK(std::ranges::find(info.env, "B=two") != info.env.end());

    const auto plain = must(run(docker.driver.inspect_image(docker.image.tag(), soon())));
    CHECK(plain.entrypoint == std::vector<std::string>{"/program"});
    CHECK(plain.cmd.empty());
    CHECK_FALSE(plain.has_volumes);
}

TEST_CASE("DockerDriver: an entrypoint that does not exist fails the start as init_failed") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({});
    spec.entrypoint = {{"/no/such/program"}};
    const auto id = docker.create(spec);
    const auto started = run(docker.driver.start(id, soon()));
    // With an init the engine starts that, and the failure is the container's exit code.
    if (started) {
        CHECK(docker.wait(id) == ExitStatus{127});
    } else {
        CHECK(started.error().code == Errc::init_failed);
    }
}

TEST_CASE("DockerDriver: a bind from a folder that does not exist is refused") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({"exit", "0"});
    spec.binds = {{"/no/such/folder/of/stoker", "/tmp/iofs", false}};
    const auto created = run(docker.driver.create(spec, soon()));
    REQUIRE_FALSE(created);
    CHECK(created.error().code == Errc::internal);
    CHECK(created.error().detail.contains("/no/such/folder/of/stoker"));
}

TEST_CASE("DockerDriver: an image is loaded from the archive that docker save writes") {
    REQUIRE_DOCKER
    DockerFixture docker;
    std::string path;
    std::string tag;
    {
        const TestImage image(compile_static_c(probe_source));
        tag = image.tag();
        path = std::filesystem::temp_directory_path() / unique_name("stoker-test-tar");
        std::ofstream(path, std::ios::binary) << save_image(tag);
    }
    CHECK_FALSE(run(docker.driver.inspect_image(tag, soon())));
    must(run(docker.driver.load_image(path, soon())));
    CHECK(run(docker.driver.inspect_image(tag, soon())));
    remove_image(tag);

    std::ofstream(path, std::ios::trunc) << "no archive";
    const auto broken = run(docker.driver.load_image(path, soon()));
    std::filesystem::remove(path);
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::internal);
    CHECK_FALSE(run(docker.driver.load_image(path, soon())));  // and no file at all
}

TEST_CASE("DockerDriver: leftovers are those of one instance, running or not") {
    REQUIRE_DOCKER
    DockerFixture docker;
    DockerFixture other;
    const auto created = docker.spec({"sleep"});
    const auto started = docker.spec({"sleep"});
    docker.create(created);
    docker.start(docker.create(started));
    other.create(other.spec({"sleep"}));
    auto left = must(run(docker.driver.list_leftovers(docker.instance, soon())));
    std::ranges::sort(left);
    std::vector expected{created.name, started.name};
    std::ranges::sort(expected);
    CHECK(left == expected);
}
