#include "tests/support/private_engine.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "common/http/client.hpp"
#include "tests/support/docker_images.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/run.hpp"
#include "tests/support/stoker_process.hpp"

namespace stoker::test {

namespace {

namespace fs = std::filesystem;

HttpResult<HttpAnswer> ask(const std::string& host, HttpRequest request, Millis patience) {
    const HttpClient client(parse_http_address(host).value());
    return run(client.request(std::move(request), deadline_in(patience)));
}

HttpRequest request_of(std::string method, std::string target) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    return request;
}

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Processes whose command line names `folder`: what an engine of ours has started.
std::vector<pid_t> processes_of(const fs::path& folder) {
    std::vector<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ptr != name.data() + name.size() || pid == ::getpid()) continue;
        if (text_of(entry.path() / "cmdline").contains(folder.string())) found.push_back(pid);
    }
    return found;
}

void unmount_below(const fs::path& folder) {
    std::ifstream mounts("/proc/self/mounts");
    std::vector<std::string> points;
    for (std::string device, point, rest;
         mounts >> device >> point && std::getline(mounts, rest);) {
        if (point.starts_with(folder.string() + "/")) points.push_back(point);
    }
    for (auto point = points.rbegin(); point != points.rend(); ++point) {
        ::umount2(point->c_str(), MNT_DETACH);
    }
}

}  // namespace

bool PrivateEngine::is_possible() {
    return ::geteuid() == 0 && std::system("command -v dockerd >/dev/null") == 0;
}

PrivateEngine::PrivateEngine(std::string network_namespace) :
    namespace_(std::move(network_namespace)) {
    start();
}

PrivateEngine::~PrivateEngine() {
    try {
        clean_up();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the test has its verdict
    }
}

void PrivateEngine::clean_up() const {
    if (pid_ > 0) {
        thaw();
        ::kill(pid_, SIGTERM);
    }
    int status = 0;
    eventually("the private engine ends", [&] {
        return pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) == pid_;
    });
    // Containers' shims and a containerd that lost its dockerd.
    eventually("nothing of the private engine runs", [&] {
        const auto left = processes_of(folder_.path());
        for (const auto pid : left) ::kill(pid, SIGKILL);
        return left.empty();
    });
    unmount_below(folder_.path());
}

void PrivateEngine::start() {
    const auto config = folder_.write("daemon.json", "{}");
    std::vector<std::string> words{
        "dockerd",
        "--config-file",
        config,
        "--data-root",
        folder_.file("data"),
        "--exec-root",
        exec_root(),
        "--pidfile",
        folder_.file("pid"),
        "--host",
        host(),
        "--log-level=warn",
        "--iptables=false",
        "--ip-forward=false",
        "--ip-masq=false"
    };
    if (namespace_.empty()) words.emplace_back("--bridge=none");
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const auto log = folder_.file("log");
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(fd, STDOUT_FILENO);
        ::dup2(fd, STDERR_FILENO);
        // Without a network of its own, it would take the bridge of the machine's engine.
        const bool is_apart =
            namespace_.empty() ? ::unshare(CLONE_NEWNET) == 0 : enter_network(namespace_);
        if (is_apart) ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    eventually("the private engine answers", [&] {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error("dockerd ended at start: " + text_of(log));
        }
        return answers();
    });
}

bool PrivateEngine::answers() const {
    const auto answer = ask(host(), request_of("GET", "/_ping"), Millis{1'000});
    return answer && answer->status == 200;
}

void PrivateEngine::load(const std::string& tag) const {
    auto request = request_of("POST", "/v1.41/images/load?quiet=1");
    request.headers = {{"Content-Type", "application/x-tar"}};
    request.body = save_image(tag);
    const auto answer = ask(host(), std::move(request), Millis{60'000});
    if (!answer || answer->status != 200) throw std::runtime_error("docker load " + tag);
}

void PrivateEngine::kill_hard() {
    pid_t containerd = 0;
    std::ifstream(exec_root() / "containerd" / "containerd.pid") >> containerd;
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    // Its number may be another's by now: the command line decides.
    for (const auto pid : processes_of(exec_root() / "containerd" / "containerd.toml")) {
        if (pid == containerd) ::kill(pid, SIGKILL);
    }
    // dockerd waits for a containerd whose number is taken, be it by a process nobody reaps.
    fs::remove(exec_root() / "containerd" / "containerd.pid");
    fs::remove(folder_.file("pid"));
}

void PrivateEngine::freeze() const { ::kill(pid_, SIGSTOP); }
void PrivateEngine::thaw() const { ::kill(pid_, SIGCONT); }

}  // namespace stoker::test
