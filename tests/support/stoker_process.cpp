#include "tests/support/stoker_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "common/unique_fd.hpp"
#include "tests/support/docker_images.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/run.hpp"

namespace stoker::test {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience{60};

HttpAnswer ask(const HttpAddress& address, HttpRequest request) {
    const HttpClient client(address);
    const auto answer = run(client.request(std::move(request), deadline_in(patience)));
    if (!answer) throw std::runtime_error("no answer: " + answer.error().text);
    return *answer;
}

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

int free_port() {
    std::random_device random;
    for (int tries = 0; tries < 100; ++tries) {
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int port = 20'000 + static_cast<int>(random() % 12'000);
        const auto address = loopback(port);
        if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            return port;
        }
    }
    throw std::runtime_error("no free port");
}

}  // namespace

StokerProcess::StokerProcess(std::vector<std::string> flags) {
    set_flags(std::move(flags));
    std::string name = (fs::temp_directory_path() / "stoker-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    data_ = name;
    data_folder_ = data_ / "data";
    port_ = free_port();
    address_ = {.unix_path = {}, .host = "127.0.0.1", .port = static_cast<std::uint16_t>(port_)};
}

void StokerProcess::use_network(std::string network_namespace, std::string host) {
    namespace_ = std::move(network_namespace);
    address_.host = std::move(host);
}

void StokerProcess::set_flags(std::vector<std::string> flags) {
    flags_ = std::move(flags);
    const auto host = std::ranges::find(flags_, "--docker-host");
    engine_ = host == flags_.end() ? docker_address() : parse_http_address(*(host + 1)).value();
}

StokerProcess::~StokerProcess() {
    if (is_running()) kill_hard();
    if (const auto log = log_text(); log.contains("Sanitizer")) {
        std::fputs(log.c_str(), stderr);
        std::abort();  // a destructor has no other way to fail the test
    }
    try {
        for (const auto& name : containers()) {
            HttpRequest request;
            request.method = "DELETE";
            request.target = "/containers/" + name + "?force=1&v=1";
            ask(engine_, std::move(request));
        }
    } catch (const std::exception&) {
        // The engine is away: a later start of anything with this label would clean up.
    }
    std::error_code ignored;
    fs::remove_all(data_, ignored);
}

void StokerProcess::start() {
    std::vector<std::string> words{
        STOKER_BINARY,
        std::string(to_word(role_)),
        role_ == Role::worker ? "--runner-listen" : "--listen",
        fmt::format("{}:{}", address_.host, port_),
        "--log-format",
        "json"
    };
    if (has_worker(role_)) {
        words.insert(
            words.end(), {"--data", data_folder_.string(), "--run-dir", (data_ / "run").string()}
        );
    }
    words.insert(words.end(), flags_.begin(), flags_.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const auto log = (data_ / "stoker.log").string();
    std::error_code ignored;
    const auto before = fs::exists(log) ? fs::file_size(log, ignored) : 0;
    pid_ = ::fork();
    if (pid_ == 0) {
        const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(fd, STDERR_FILENO);
        ::dup2(fd, STDOUT_FILENO);
        for (auto& word : environment_) ::putenv(word.data());
        if (!namespace_.empty() && !enter_network(namespace_)) ::_exit(126);
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    eventually("stoker listens", [&] {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error("stoker ended at start: " + log_text());
        }
        // Its own word, not a connection: one that tries a port before anybody listens there may be
        // given that very port as its source, connect to itself and keep the server out.
        return std::filesystem::file_size(log, ignored) > before &&
               log_text().find("stoker.listening", before) != std::string::npos;
    });
}

void StokerProcess::start_ready() {
    start();
    wait_ready();
}

void StokerProcess::wait_ready() {
    eventually("stoker is ready", [&] { return request("GET", "/readyz").status == 200; });
}

void StokerProcess::kill_hard() {
    send(SIGKILL);
    wait_exit();
}

void StokerProcess::send(int signal) { ::kill(pid_, signal); }

int StokerProcess::wait_exit() {
    int status = 0;
    eventually("stoker ends", [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

HttpAnswer StokerProcess::request(
    std::string method, std::string target, std::string body, Headers headers
) const {
    return ask(
        address_,
        {.method = std::move(method),
         .target = std::move(target),
         .headers = std::move(headers),
         .body = std::move(body),
         .body_source = {}}
    );
}

nlohmann::json StokerProcess::json(std::string method, std::string target, std::string body) const {
    const auto answer = request(method, target, std::move(body));
    if (answer.status != 200) {
        throw std::runtime_error(
            fmt::format("{} {}: {} {}", method, target, answer.status, answer.body)
        );
    }
    return nlohmann::json::parse(answer.body);
}

std::string StokerProcess::raw(std::string_view bytes) const {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = loopback(port_);
    const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("connect");
    }
    [[maybe_unused]] const auto sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    std::string got;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) > 0;) {
        got.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return got;
}

std::string StokerProcess::make_fn(const std::string& image, nlohmann::json more) const {
    const auto app_name = unique_name("app").substr(0, 30);
    const auto app = json("POST", "/v2/apps", nlohmann::json{{"name", app_name}}.dump());
    nlohmann::json fn{{"app_id", app.at("id")}, {"name", "fn"}, {"image", image}};
    if (!more.is_null()) fn.update(more);
    return json("POST", "/v2/fns", fn.dump()).at("id");
}

std::string StokerProcess::call_async(const std::string& fn_id, std::string body) const {
    const auto answer =
        request("POST", "/invoke/" + fn_id, std::move(body), {{"Fn-Invoke-Type", "async"}});
    if (answer.status != 202) {
        throw std::runtime_error(fmt::format("not accepted: {} {}", answer.status, answer.body));
    }
    return nlohmann::json::parse(answer.body).at("call_id");
}

nlohmann::json StokerProcess::ended(const std::string& call_id) const {
    const auto deadline = deadline_in(patience * 2);
    for (;;) {
        auto call = json("GET", "/v2/calls/" + call_id + "?wait=30s");
        const std::string status = call.at("status");
        if (status != "queued" && status != "running" && status != "delayed") return call;
        if (has_passed(deadline)) throw std::runtime_error("call has not ended: " + call.dump());
    }
}

std::string StokerProcess::log_of(const std::string& call_id) const {
    return request("GET", "/v2/calls/" + call_id + "/log", {}, {{"Accept", "text/plain"}}).body;
}

std::vector<std::string> StokerProcess::containers() const {
    std::ifstream in(data_folder_ / "instance");
    std::string instance;
    if (!(in >> instance)) return {};
    const auto target = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22stoker.instance%3D" +
                        instance + "%22%5D%7D";
    HttpRequest request;
    request.target = target;
    const auto answer = ask(engine_, std::move(request));
    std::vector<std::string> names;
    for (const auto& container : nlohmann::json::parse(answer.body)) {
        names.push_back(container.at("Names").at(0).get<std::string>().substr(1));
    }
    return names;
}

std::string StokerProcess::log_text() const {
    std::ifstream in(data_ / "stoker.log");
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace stoker::test
