#pragma once

// A real engine for one test: the probe image, and the removal of every container the test made.

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/docker_images.hpp"
#include "tests/support/run.hpp"
#include "tests/worker/containers/probe.hpp"
#include "worker/containers/docker/docker_driver.hpp"

#define REQUIRE_DOCKER                                   \
    if (!stoker::test::docker_answers()) {               \
        MESSAGE("skipped: no container engine answers"); \
        return;                                          \
    }

namespace stoker::test {

template <class T>
T must(Result<T> result) {
    if (!result) {
        throw std::runtime_error(std::string(result.error().text()) + ": " + result.error().detail);
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline Deadline soon() { return deadline_in(std::chrono::seconds(60)); }

class DockerFixture {
public:
    ~DockerFixture() {
        if (const auto left = run(driver.list_leftovers(instance, soon()))) {
            for (const auto& name : *left) std::ignore = run(driver.remove(name, soon()));
        }
    }

    ContainerSpec spec(std::vector<std::string> arguments) {
        ContainerSpec made;
        made.name = unique_name("stoker-test");
        made.image = image.tag();
        made.cmd = std::move(arguments);
        made.labels = {{label_instance, instance}, {label_worker, "test"}, {label_call, "none"}};
        made.memory_mb = 64;
        made.network = "none";
        return made;
    }

    std::string create(ContainerSpec of) { return must(run(driver.create(std::move(of), soon()))); }
    void start(const std::string& id) { must(run(driver.start(id, soon()))); }
    ExitStatus wait(const std::string& id) { return must(run(driver.wait(id, soon()))); }
    std::optional<ContainerState> inspect(const std::string& id) {
        return must(run(driver.inspect(id, soon())));
    }

    struct Output {
        std::string out;
        std::string err;
        ExitStatus exit;
    };
    /// Runs it from create to remove and gives back all it wrote. `input` goes to its stdin.
    Output run_to_end(ContainerSpec of, std::string input = {}) {
        return run(run_all(std::move(of), std::move(input)));
    }

    const std::string instance = unique_name("stoker-test-instance");
    TestImage image{compile_static_c(probe_source)};
    DockerDriver driver{docker_address()};

private:
    Task<Output> run_all(ContainerSpec of, std::string input) {
        Output output;
        const AttachOptions attach{.input = of.open_stdin};
        const auto id = must(co_await driver.create(std::move(of), soon()));
        const auto streams = must(co_await driver.attach(id, attach, soon()));
        must(co_await driver.start(id, soon()));
        if (attach.input) {
            must(co_await streams->write(input, soon()));
            streams->close_stdin();
        }
        for (;;) {
            auto frame = must(co_await streams->read(soon()));
            if (frame.data.empty()) break;
            (frame.stream == OutputStream::standard_error ? output.err : output.out) += frame.data;
        }
        output.exit = must(co_await driver.wait(id, soon()));
        must(co_await driver.remove(id, soon()));
        co_return output;
    }
};

}  // namespace stoker::test
