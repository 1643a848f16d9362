// stoker-init as a plain process of this machine: what it hands over, what it becomes, how it
// fails. docker_init_test.cpp has the same in containers.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/worker/containers/read_pipe.hpp"
#include "worker/containers/init/init_binary.hpp"
#include "worker/containers/output_socket.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

struct Ended {
    std::string out;  ///< through the pipes
    std::string err;
    std::string inherited_err;  ///< written to the stderr it was started with
    int code = -1;
    bool handed_over = false;
};

/// Starts the helper with its inherited stderr in a file and returns its pid.
pid_t start(const TempDir& folder, std::vector<std::string> command, std::vector<std::string> env) {
    const auto program = (folder.path() / "stoker-init").string();
    std::ofstream(program, std::ios::binary) << init_binary();
    REQUIRE(::chmod(program.c_str(), 0755) == 0);
    command.insert(command.begin(), program);
    std::vector<char*> argv;
    for (auto& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (auto& variable : env) envp.push_back(variable.data());
    envp.push_back(nullptr);
    const auto inherited = (folder.path() / "stderr").string();
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int fd = ::open(inherited.c_str(), O_CREAT | O_WRONLY, 0600);
        ::dup2(fd, STDERR_FILENO);
        ::close_range(STDERR_FILENO + 1, ~0U, 0);  // as an engine starts it
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(99);
    }
    REQUIRE(pid > 0);
    return pid;
}

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

int exit_code_of(pid_t pid) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Ended run_init(
    std::vector<std::string> command,
    std::vector<std::string> env = {"PATH=/usr/bin:/bin"},
    std::optional<std::string> input = {}
) {
    return run(
        [](std::vector<std::string> words,
           std::vector<std::string> variables,
           std::optional<std::string> given) -> Task<Ended> {
            const TempDir folder;
            auto socket =
                OutputSocket::listen(co_await asio::this_coro::executor, folder.path()).value();
            variables.push_back(
                std::string(init_output_variable) + "=" +
                (folder.path() / OutputSocket::file_name).string()
            );
            const auto pid = start(folder, std::move(words), std::move(variables));
            auto pipes =
                co_await socket.receive(deadline_in(std::chrono::seconds(30)), given.has_value());
            Ended ended;
            ended.handed_over = pipes.has_value();
            if (pipes) {
                if (given) {
                    const auto size = static_cast<ssize_t>(given->size());
                    CHECK(::write(pipes->in.get(), given->data(), given->size()) == size);
                    pipes->in.reset();
                }
                ended.out = co_await read_pipe(std::move(pipes->out));
                ended.err = co_await read_pipe(std::move(pipes->err));
            }
            ended.code = exit_code_of(pid);
            ended.inherited_err = contents(folder.path() / "stderr");
            co_return ended;
        }(std::move(command), std::move(env), std::move(input))
    );
}

/// A run that never gets as far as a hand-over.
Ended run_alone(std::vector<std::string> command, std::vector<std::string> env) {
    const TempDir folder;
    Ended ended;
    ended.code = exit_code_of(start(folder, std::move(command), std::move(env)));
    ended.inherited_err = contents(folder.path() / "stderr");
    return ended;
}

}  // namespace

TEST_CASE("stoker-init: it becomes the command, whose output is in the pipes") {
    const auto ended = run_init({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
    CHECK(ended.handed_over);
    CHECK(ended.out == "out\n");
    CHECK(ended.err == "err\n");
    CHECK(ended.code == 3);
    CHECK(ended.inherited_err.empty());
}

TEST_CASE("stoker-init: the command inherits the environment without our variable") {
    const auto ended = run_init({"env"}, {"PATH=/usr/bin:/bin", "A=1"});
    CHECK(ended.out == "PATH=/usr/bin:/bin\nA=1\n");
}

TEST_CASE("stoker-init: asked for its stdin, the command reads what the agent writes") {
    const auto ended = run_init(
        {"/bin/sh", "-c", "cat; ls /proc/self/fd; env"},
        {"PATH=/usr/bin:/bin", "STOKER_INPUT=1"},
        "to stdin\n"
    );
    CHECK(ended.out.starts_with("to stdin\n0\n1\n2\n3\nPATH="));
    CHECK_FALSE(ended.out.contains("STOKER_"));
    CHECK(ended.code == 0);
}

TEST_CASE("stoker-init: nothing but stdin, stdout and stderr stays open") {
    const auto ended = run_init({"ls", "/proc/self/fd"});
    CHECK(ended.out == "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_CASE("stoker-init: commands are looked up in PATH, or in the usual places without one") {
    CHECK(run_init({"true"}).code == 0);
    CHECK(run_init({"true"}, {}).code == 0);
    CHECK(run_init({"true"}, {"PATH=/nowhere"}).code == 127);
}

TEST_CASE("stoker-init: a command that does not exist ends it with 127, told through the pipe") {
    for (const std::string name : {"no-such-command", "/no/such/command", "/bin/sh/x"}) {
        CAPTURE(name);
        const auto ended = run_init({name, "argument"});
        CHECK(ended.code == 127);
        CHECK(ended.err.starts_with("stoker-init: exec " + name + ": "));
        CHECK(ended.inherited_err.empty());
    }
}

TEST_CASE("stoker-init: a command that cannot be executed ends it with 126") {
    const auto ended = run_init({"/etc"});
    CHECK(ended.code == 126);
    CHECK(ended.err == "stoker-init: exec /etc: Permission denied\n");
}

TEST_CASE("stoker-init: without someone to hand over to it ends with 125, told on the old stderr") {
    const std::string long_path(200, 'p');
    for (const std::string& path : {std::string("/no/such/output.sock"), "/" + long_path}) {
        const auto ended = run_alone({"/bin/true"}, {"STOKER_OUTPUT=" + path});
        CHECK(ended.code == 125);
        CHECK(ended.inherited_err.starts_with("stoker-init: hand-over to " + path + ": "));
    }
    CHECK(run_alone({"/bin/true"}, {}).code == 125);
    CHECK(run_alone({}, {"STOKER_OUTPUT=/x"}).code == 125);
}

TEST_CASE("stoker-init: it is a small static executable") {
    CHECK(
        init_binary().starts_with("\x7f"
                                  "ELF")
    );
    CHECK(init_binary().size() < 900 * 1024);
}
