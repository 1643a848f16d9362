// Freezing, thawing and measuring real containers, through the control groups and through the
// engine. Where the freezer cannot be reached both ways are the engine's, and hold all the same.

#include <doctest/doctest.h>

#include "tests/worker/containers/docker_fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

struct Way {
    const char* name;
    std::filesystem::path root;
};
const std::vector<Way> ways{{"cgroup", "/"}, {"engine", ""}};

}  // namespace

TEST_CASE("DockerDriver: a frozen container stands still, and goes on when it is thawed") {
    REQUIRE_DOCKER
    DockerFixture docker;
    for (const auto& way : ways) {
        CAPTURE(way.name);
        DockerDriver driver(docker_address(), {}, way.root);
        auto spec = docker.spec({"cat"});
        spec.open_stdin = true;
        const auto talk = [&]() -> Task<> {
            const auto id = must(co_await driver.create(spec, soon()));
            const auto streams =
                must(co_await driver.attach(id, AttachOptions{.input = true}, soon()));
            must(co_await driver.start(id, soon()));
            must(co_await streams->write("1", soon()));
            CHECK((must(co_await streams->read(soon()))).data == "1");

            must(co_await driver.freeze(id, soon()));
            must(co_await streams->write("2", soon()));
            CHECK_FALSE(co_await streams->read(deadline_in(Millis(20))));
            must(co_await driver.thaw(id, soon()));
            CHECK((must(co_await streams->read(soon()))).data == "2");

            must(co_await driver.thaw(id, soon()));  // once more changes nothing
            must(co_await streams->write("3", soon()));
            CHECK((must(co_await streams->read(soon()))).data == "3");
        };
        run(talk());
    }
}

TEST_CASE("DockerDriver: every process of a frozen container stands still, busy ones, too") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"spin"}));
    docker.start(id);
    must(run(docker.driver.freeze(id, soon())));
    const auto before = must(run(docker.driver.stats(id, soon()))).cpu;
    run(sleep_for(Millis(30)));  // in which a spinning process would have used some
    CHECK(must(run(docker.driver.stats(id, soon()))).cpu == before);
}

TEST_CASE("DockerDriver: one that knows a process of a container freezes it without the engine") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"sleep"}));
    docker.start(id);
    const auto running = docker.inspect(id);
    REQUIRE(running);
    must(run(docker.driver.freeze(id, soon())));
    must(run(docker.driver.thaw(id, soon())));
    if (!docker.driver.stats_now(id)) return;  // its groups are out of reach

    HttpAddress nowhere;
    nowhere.unix_path = "/nonexistent/docker.sock";
    DockerDriver driver(nowhere);
    driver.has_process(id, running->pid);
    must(run(driver.freeze(id, soon())));
    must(run(driver.thaw(id, soon())));
}

TEST_CASE("DockerDriver: a frozen container is killed") {
    REQUIRE_DOCKER
    DockerFixture docker;
    for (const auto& way : ways) {
        CAPTURE(way.name);
        DockerDriver driver(docker_address(), {}, way.root);
        const auto id = must(run(driver.create(docker.spec({"sleep"}), soon())));
        must(run(driver.start(id, soon())));
        must(run(driver.freeze(id, soon())));
        must(run(driver.kill(id, "SIGKILL", soon())));
        CHECK(must(run(driver.wait(id, soon()))) == ExitStatus{137});
    }
}

TEST_CASE("DockerDriver: a frozen container is removed, also by a driver that did not freeze it") {
    REQUIRE_DOCKER
    DockerFixture docker;
    for (const auto& way : ways) {
        CAPTURE(way.name);
        DockerDriver driver(docker_address(), {}, way.root);
        const auto first = must(run(driver.create(docker.spec({"sleep"}), soon())));
        must(run(driver.start(first, soon())));
        must(run(driver.freeze(first, soon())));
        must(run(driver.remove(first, soon())));
        CHECK_FALSE(docker.inspect(first));

        const auto spec = docker.spec({"sleep"});
        const auto leftover = must(run(driver.create(spec, soon())));
        must(run(driver.start(leftover, soon())));
        must(run(driver.freeze(leftover, soon())));
        DockerDriver next_life(docker_address());
        must(run(next_life.remove(spec.name, soon())));
        CHECK_FALSE(docker.inspect(leftover));
    }
}

TEST_CASE("DockerDriver: freezing what does not run is an error") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"exit", "0"}));
    docker.start(id);
    docker.wait(id);
    CHECK_FALSE(run(docker.driver.freeze(id, soon())));
    CHECK_FALSE(run(docker.driver.freeze("stoker-test-no-such-container", soon())));
}

TEST_CASE("DockerDriver: stats tell what a container used, both ways alike") {
    REQUIRE_DOCKER
    DockerFixture docker;
    DockerDriver through_engine(docker_address(), {}, "");
    auto spec = docker.spec({"use"});  // burns processor time, touches 20 MB, writes, then waits
    spec.open_stdin = true;
    const auto measure = [&]() -> Task<> {
        const auto id = must(co_await docker.driver.create(spec, soon()));
        const auto streams =
            must(co_await docker.driver.attach(id, AttachOptions{.input = true}, soon()));
        must(co_await docker.driver.start(id, soon()));
        CHECK((must(co_await streams->read(soon()))).data == "used\n");
        CHECK_FALSE(through_engine.stats_now(id));
        const auto direct = must(co_await docker.driver.stats(id, soon()));
        const auto asked = must(co_await through_engine.stats(id, soon()));
        for (const auto& stats : {direct, asked}) {
            CHECK(stats.cpu >= std::chrono::milliseconds(50));
            CHECK(stats.memory_peak_bytes >= 20U << 20U);
            CHECK(stats.memory_peak_bytes <= 64U << 20U);
        }
    };
    run(measure());
}
