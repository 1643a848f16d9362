#pragma once

// A worker whose every byte a test decides: each connection is served by a script on a thread of
// its own. Everything ends after 20 s, as a failure of the one that waits.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"

namespace stoker::test {

class ScriptedWorker {
public:
    /// One connection, as the worker sees it.
    class Peer {
    public:
        explicit Peer(UniqueFd fd) : fd_(std::move(fd)) {
            const timeval limit{.tv_sec = 20, .tv_usec = 0};
            ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        }
        /// The head of the next request; empty when the api has closed.
        std::string head() { return take_to("\r\n\r\n"); }
        /// What stands before the mark, with it.
        std::string take_to(std::string_view mark) {
            while (!input_.contains(mark)) {
                if (!receive()) return {};
            }
            const auto end = input_.find(mark) + mark.size();
            auto taken = input_.substr(0, end);
            input_.erase(0, end);
            return taken;
        }
        /// Nothing came yet.
        bool is_quiet() {
            char byte = 0;
            return input_.empty() && ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
        }
        void say(std::string_view bytes) {
            [[maybe_unused]] const auto sent =
                ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        }
        /// Until the api closes.
        void wait_for_end() {
            while (receive()) input_.clear();
        }

    private:
        bool receive() {
            char block[16384];
            const auto got = ::recv(fd_.get(), block, sizeof block, 0);
            if (got <= 0) return false;
            input_.append(block, static_cast<std::size_t>(got));
            return true;
        }
        UniqueFd fd_;
        std::string input_;
    };
    using Script = std::function<void(Peer&)>;

    explicit ScriptedWorker(Script script) :
        script_(std::move(script)),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof here;
        auto* const address = reinterpret_cast<sockaddr*>(&here);
        if (::bind(listener_.get(), address, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
            ::getsockname(listener_.get(), address, &size) != 0) {
            throw std::runtime_error("cannot listen");
        }
        port_ = ntohs(here.sin_port);
        acceptor_ = std::jthread([this] { accept(); });
    }
    ScriptedWorker(const ScriptedWorker&) = delete;
    ScriptedWorker& operator=(const ScriptedWorker&) = delete;
    ~ScriptedWorker() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        acceptor_.join();
        const std::scoped_lock lock(mutex_);
        peers_.clear();
    }

    std::string name() const { return "127.0.0.1:" + std::to_string(port_); }
    int connections() const { return connections_; }

private:
    void accept() {
        for (;;) {
            UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!fd) return;
            ++connections_;
            const std::scoped_lock lock(mutex_);
            peers_.emplace_back([this, peer = std::make_shared<Peer>(std::move(fd))] {
                script_(*peer);
            });
        }
    }

    const Script script_;
    UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::mutex mutex_;
    std::vector<std::jthread> peers_;
    std::jthread acceptor_;
};

inline constexpr std::string_view processing = "HTTP/1.1 102 Processing\r\n\r\n";
inline constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

inline std::string answer_of(
    std::string_view outcome, std::string_view body, std::string_view fields = {}
) {
    return "HTTP/1.1 200 OK\r\nStoker-Protocol: 1\r\nStoker-Outcome: " + std::string(outcome) +
           "\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}
inline std::string good_answer(std::string_view body) {
    return answer_of("answer", body, "Stoker-Status: 200\r\nStoker-H-X-From: worker\r\n");
}
inline std::string refusal(std::string_view code) {
    return answer_of("refused", R"({"code":")" + std::string(code) + R"(","message":""})");
}

}  // namespace stoker::test
