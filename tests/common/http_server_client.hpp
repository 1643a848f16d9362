#pragma once

// A blocking client that sends exactly the bytes it is told to and reads answers by their framing.
// Everything ends after 20 s, as a failure.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/http/headers.hpp"
#include "common/unique_fd.hpp"

namespace stoker::test {

struct Answer {
    int status = 0;
    std::string head;
    Headers headers;
    std::string body;
    bool complete = false;

    std::string header(std::string_view name) const {
        const auto* value = find_header(headers, name);
        return value ? *value : std::string{};
    }
};

class RawClient {
public:
    explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        const int on = 1;
        ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            throw std::runtime_error("cannot connect");
        }
    }

    /// False when the server has cut the connection.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }

    /// The next answer that is not 100 Continue; status 0 when the connection ended before its
    /// head.
    Answer receive(bool to_head = false) {
        for (;;) {
            auto answer = receive_one(to_head);
            if (answer.status != 100) return answer;
            ++continues;
        }
    }
    Answer receive_one(bool to_head = false) {
        Answer answer;
        if (!fill_until([&] { return input_.contains("\r\n\r\n"); })) return answer;
        const auto end = input_.find("\r\n\r\n") + 4;
        answer.head = input_.substr(0, end);
        input_.erase(0, end);
        parse_head(answer);
        read_body(answer, to_head);
        return answer;
    }
    Answer request(std::string_view bytes) {
        send(bytes);
        return receive(bytes.starts_with("HEAD"));
    }

    /// Nothing more comes: the server closed.
    bool ended() {
        return !fill_until([&] { return !input_.empty(); });
    }

    int continues = 0;

private:
    template <class Enough>
    bool fill_until(Enough enough) {
        while (!enough()) {
            char block[16384];
            const auto got = ::recv(fd_.get(), block, sizeof block, 0);
            if (got < 0 && errno == EAGAIN) throw std::runtime_error("no answer within 20 s");
            if (got <= 0) return false;
            input_.append(block, static_cast<std::size_t>(got));
        }
        return true;
    }

    static void parse_head(Answer& answer) {
        answer.status = std::atoi(answer.head.substr(9, 3).c_str());
        std::size_t at = answer.head.find("\r\n") + 2;
        while (at + 2 < answer.head.size()) {
            const auto end = answer.head.find("\r\n", at);
            const auto line = answer.head.substr(at, end - at);
            const auto colon = line.find(": ");
            answer.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
            at = end + 2;
        }
    }

    void read_body(Answer& answer, bool to_head) {
        const auto status = answer.status;
        if (to_head || status < 200 || status == 204 || status == 304) {
            answer.complete = true;
        } else if (answer.header("Transfer-Encoding") == "chunked") {
            answer.complete = read_chunks(answer);
        } else if (const auto length = answer.header("Content-Length"); !length.empty()) {
            const auto bytes = std::stoull(length);
            answer.complete = fill_until([&] { return input_.size() >= bytes; });
            answer.body = input_.substr(0, bytes);
            input_.erase(0, bytes);
        } else {
            fill_until([] { return false; });
            answer.body = std::move(input_);
            input_.clear();
            answer.complete = true;
        }
    }

    bool read_chunks(Answer& answer) {
        for (;;) {
            if (!fill_until([&] { return input_.contains("\r\n"); })) return false;
            const auto line_end = input_.find("\r\n");
            const auto bytes = std::stoull(input_.substr(0, line_end), nullptr, 16);
            if (!fill_until([&] { return input_.size() >= line_end + 4 + bytes; })) return false;
            answer.body += input_.substr(line_end + 2, bytes);
            input_.erase(0, line_end + 4 + bytes);
            if (bytes == 0) return true;
        }
    }

    UniqueFd fd_;
    std::string input_;
};

}  // namespace stoker::test
