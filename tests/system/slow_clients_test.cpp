// Thousands of clients that send or read as slowly as they can, while others are served. The time
// limits end the slow ones, and nothing of them stays. Connections beyond the bound are told so.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <map>
#include <thread>

#include "common/unique_fd.hpp"
#include "tests/system/fixture.hpp"

namespace stoker::test {

namespace {

namespace fs = std::filesystem;

/// Room for as many connections, and some descriptors more.
void need_descriptors(std::size_t connections) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    REQUIRE_MESSAGE(limit.rlim_max > connections + 500, "the limit of descriptors is too low");
}

std::size_t open_descriptors(const StokerProcess& stoker) {
    const fs::path folder = "/proc/" + std::to_string(stoker.pid()) + "/fd";
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator())
    );
}

/// One connection of a client of ours. Closed by a reset: so many must not stay in TIME_WAIT.
class SlowClient {
public:
    enum class Kind : std::uint8_t { idle, header, body, unread };

    SlowClient(std::uint16_t port, Kind kind) :
        kind_(kind),
        fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const linger reset{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        const int room = 4096;
        if (kind == Kind::unread) {
            ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        }
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            throw std::runtime_error("connect");
        }
        if (kind == Kind::body) {
            send("POST /v2/apps HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n");
        } else if (kind == Kind::header) {
            send("GET /v2/apps HTTP/1.1\r\nHost: a\r\nX: ");
        } else if (kind == Kind::unread) {
            // Their answers are far more than the buffers between us hold.
            std::string requests;
            for (int i = 0; i < 400; ++i) requests += "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
            send(requests);
        }
    }

    int fd() const { return fd_.get(); }
    Kind kind() const { return kind_; }
    void send(std::string_view bytes) const {
        // A server that has had enough shows in what is received.
        static_cast<void>(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
        );
    }
    void drip() const {
        if (kind_ == Kind::header || kind_ == Kind::body) send("x");
    }
    void close() { fd_.reset(); }
    /// All that comes until the server closes.
    std::string receive_all() const {
        std::string all;
        std::array<char, 4096> block{};
        for (ssize_t n = 0; (n = ::recv(fd_.get(), block.data(), block.size(), 0)) > 0;) {
            all.append(block.data(), static_cast<std::size_t>(n));
        }
        return all;
    }

private:
    Kind kind_;
    UniqueFd fd_;
};

/// Keeps clients slow on a thread of its own until the server has ended them.
class Slowness {
public:
    explicit Slowness(std::vector<SlowClient> clients) : clients_(std::move(clients)) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    /// Once the server has ended all but those that do not read.
    void wait() {
        thread_.join();
        CHECK(wrong_ == "");
    }

private:
    void run(const std::stop_token& stop) {
        std::vector<pollfd> waiting;
        for (auto& client : clients_) {
            if (client.kind() != SlowClient::Kind::unread) {
                waiting.push_back({.fd = client.fd(), .events = POLLIN, .revents = 0});
                by_fd_[client.fd()] = &client;
            }
        }
        while (!waiting.empty() && !stop.stop_requested()) {
            constexpr int drip_interval_ms = 300;
            if (::poll(waiting.data(), waiting.size(), drip_interval_ms) > 0) {
                std::erase_if(waiting, [&](const pollfd& one) {
                    if (one.revents != 0) end(*by_fd_.at(one.fd));
                    return one.revents != 0;
                });
            } else {
                for (const auto& one : waiting) by_fd_.at(one.fd)->drip();
            }
        }
    }

    /// It had its say: 408 to a request begun, nothing to none.
    void end(SlowClient& client) {
        const auto said = client.receive_all();
        client.close();
        const bool right = client.kind() == SlowClient::Kind::idle
                               ? said.empty()
                               : said.starts_with("HTTP/1.1 408 ") && said.ends_with("}\n");
        if (!right) wrong_ = "was told: " + said;
    }

    std::vector<SlowClient> clients_;
    std::map<int, SlowClient*> by_fd_;
    std::string wrong_;
    std::jthread thread_;
};

std::vector<SlowClient> connect_many(std::uint16_t port, SlowClient::Kind kind, std::size_t count) {
    std::vector<SlowClient> clients;
    clients.reserve(count);
    for (std::size_t i = 0; i < count; ++i) clients.emplace_back(port, kind);
    return clients;
}

void append(std::vector<SlowClient>& to, std::vector<SlowClient> more) {
    for (auto& client : more) to.push_back(std::move(client));
}

}  // namespace

TEST_CASE("5,000 slow clients hold up nobody, and end at the time limits") {
    using Kind = SlowClient::Kind;
    constexpr std::size_t slow_clients = 5000;
    need_descriptors(slow_clients);
    Running stoker(
        {"--header-timeout=10s",
         "--body-timeout=10s",
         "--send-timeout=10s",
         "--idle-timeout-http=10s"}
    );
    const auto fn_id = stoker.make_fn(function_image());
    // The container and its connections are there before anything is counted.
    REQUIRE(stoker.request("POST", "/invoke/" + fn_id, "say warm").status == 200);
    const auto baseline = open_descriptors(stoker);

    const auto port = stoker.address().port;
    auto clients = connect_many(port, Kind::idle, 1660);
    append(clients, connect_many(port, Kind::header, 1660));
    append(clients, connect_many(port, Kind::body, 1660));
    append(clients, connect_many(port, Kind::unread, 20));
    REQUIRE(clients.size() == slow_clients);
    Slowness slowness(std::move(clients));
    eventually("all are connected", [&] { return open_descriptors(stoker) > slow_clients; });

    for (int i = 0; i < 20; ++i) {
        const auto answer = stoker.request("POST", "/invoke/" + fn_id, "say hello");
        CHECK(answer.status == 200);
        CHECK(stoker.json("GET", "/v2/fns/" + fn_id).at("id") == fn_id);
    }
    CHECK(stoker.ended(stoker.call_async(fn_id, "say later")).at("status") == "success");

    slowness.wait();
    eventually("their descriptors are free", [&] { return open_descriptors(stoker) <= baseline; });
    CHECK(stoker.request("POST", "/invoke/" + fn_id, "say again").status == 200);
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
}

TEST_CASE("connection 10,001 is told that there are too many") {
    constexpr std::size_t connections_max = 10'000;
    need_descriptors(connections_max);
    StokerProcess stoker;
    stoker.start();
    const auto baseline = open_descriptors(stoker);
    const auto port = stoker.address().port;
    auto clients = connect_many(port, SlowClient::Kind::idle, connections_max);
    eventually("all are connected", [&] { return open_descriptors(stoker) > connections_max; });

    const auto refusal = SlowClient(port, SlowClient::Kind::idle).receive_all();
    CHECK(refusal.starts_with("HTTP/1.1 503 "));
    CHECK(refusal.contains("\r\nRetry-After: "));
    CHECK(refusal.contains("\r\nConnection: close\r\n"));
    CHECK(refusal.contains("Too many connections"));
    // Those that were there first are served.
    clients.back().send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(clients.back().receive_all().starts_with("HTTP/1.1 200 "));
    CHECK(stoker.request("GET", "/healthz").status == 200);  // in its place

    clients.clear();
    eventually("their descriptors are free", [&] { return open_descriptors(stoker) <= baseline; });
    CHECK(stoker.request("GET", "/healthz").status == 200);
}

}  // namespace stoker::test
