// stoker-init as the entrypoint of real containers, the way the agent uses it.

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "tests/worker/containers/docker_fixture.hpp"
#include "tests/worker/containers/read_pipe.hpp"
#include "worker/containers/init/init_binary.hpp"
#include "worker/containers/output_socket.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

namespace fs = std::filesystem;

/// What the agent prepares: the helper as a file, and a socket folder of a long name.
class Handover : public DockerFixture {
public:
    Handover() {
        fs::create_directory(folder_);
        ::chmod(folder_.c_str(), 0777);
        std::ofstream(init_, std::ios::binary) << init_binary();
        ::chmod(init_.c_str(), 0755);
    }

    ContainerSpec under_init(std::vector<std::string> command) {
        auto made = spec(std::move(command));
        made.entrypoint = {{init_container_path}};
        made.env.push_back(std::string(init_output_variable) + "=/tmp/iofs/output.sock");
        made.binds = {{folder_, "/tmp/iofs", false}, {init_, init_container_path, true}};
        return made;
    }

    /// Runs it to its end with the output read through the pipes.
    Output run_through_pipes(ContainerSpec of) {
        return test::run([](Handover& self, ContainerSpec given) -> Task<Output> {
            auto socket =
                must(OutputSocket::listen(co_await asio::this_coro::executor, self.folder_));
            const auto id = must(co_await self.driver.create(std::move(given), soon()));
            must(co_await self.driver.start(id, soon()));
            auto pipes = must(co_await socket.receive(soon()));
            CHECK_FALSE(fs::exists(self.folder_ / OutputSocket::file_name));
            Output output;
            output.out = co_await read_pipe(std::move(pipes.out));
            output.err = co_await read_pipe(std::move(pipes.err));
            output.exit = must(co_await self.driver.wait(id, soon()));
            co_return output;
        }(*this, std::move(of)));
    }

private:
    const TempDir root_;
    const fs::path folder_ = root_.path() / std::string(120, 'f');
    const fs::path init_ = root_.path() / "stoker-init";
};

}  // namespace

TEST_CASE("stoker-init: in a container its command's output comes through the pipes") {
    REQUIRE_DOCKER
    Handover docker;
    const auto printed =
        docker.run_through_pipes(docker.under_init({"/program", "print", "to out\n", "to err\n"}));
    CHECK(printed.out == "to out\n");
    CHECK(printed.err == "to err\n");
    CHECK(printed.exit == ExitStatus{0});
}

TEST_CASE("stoker-init: what was written before the exit is complete, however much") {
    REQUIRE_DOCKER
    Handover docker;
    const auto flood =
        docker.run_through_pipes(docker.under_init({"/program", "flood", "1000000"}));
    CHECK(flood.out.size() == 1'000'000);
    CHECK(flood.exit == ExitStatus{0});
}

TEST_CASE("stoker-init: the command is looked up in the image's PATH, and finds a clean environment"
) {
    REQUIRE_DOCKER
    Handover docker;
    const auto program = read_file(compile_static_c(probe_source));
    const TestImage image(
        {{"tool", program}},
        "FROM scratch\nCOPY tool /opt/tools/tool\nENV PATH=/nowhere:/opt/tools\n"
    );
    auto spec = docker.under_init({"tool", "report"});
    spec.image = image.tag();
    const auto reported = docker.run_through_pipes(std::move(spec));
    CHECK(reported.exit == ExitStatus{0});
    CHECK(reported.out.contains("uid=1000\n"));
    CHECK(reported.out.contains("output=unset\n"));
}

TEST_CASE("stoker-init: a command that does not exist is told through the pipe, with 127") {
    REQUIRE_DOCKER
    Handover docker;
    const auto missing = docker.run_through_pipes(docker.under_init({"no-such-command"}));
    CHECK(missing.err == "stoker-init: exec no-such-command: No such file or directory\n");
    CHECK(missing.exit == ExitStatus{127});
}

TEST_CASE("stoker-init: without a socket it says so on the engine's stderr and ends with 125") {
    REQUIRE_DOCKER
    Handover docker;
    const auto lost = docker.run_to_end(docker.under_init({"/program", "exit", "0"}));
    CHECK(lost.exit == ExitStatus{125});
    CHECK(lost.err.contains("stoker-init: hand-over to /tmp/iofs/output.sock"));
}
