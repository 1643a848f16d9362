#pragma once

// A server on loopback that takes commands as Redis does and answers as the test says, for what a
// real server cannot be made to say. Runs on the lane of the test and stops when destroyed.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/async/spawn.hpp"

namespace stoker::test {

/// The bytes of replies.
inline std::string error_reply(std::string_view text) { return "-" + std::string(text) + "\r\n"; }
inline std::string integer_reply(std::int64_t number) {
    return ":" + std::to_string(number) + "\r\n";
}
inline std::string text_reply(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
inline std::string list_reply(const std::vector<std::string>& replies) {
    std::string bytes = "*" + std::to_string(replies.size()) + "\r\n";
    for (const auto& reply : replies) bytes += reply;
    return bytes;
}

class ScriptedRedis {
public:
    using Words = std::vector<std::string>;
    /// The bytes to answer with; none at all for silence. Empty: as a good server does.
    using Script = std::function<std::optional<std::string>(const Words&)>;
    /// An answer that is the end of the connection.
    static constexpr std::string_view hang_up = "hang up";

    explicit ScriptedRedis(Executor lane, Script script = {}) :
        state_(std::make_shared<State>(lane, std::move(script))) {
        spawn(lane, "scripted redis", accept_all(state_));
    }
    ~ScriptedRedis() {
        error_code ignored;
        state_->acceptor.close(ignored);
        for (const auto& socket : state_->sockets) socket->close(ignored);
    }
    ScriptedRedis(const ScriptedRedis&) = delete;
    ScriptedRedis& operator=(const ScriptedRedis&) = delete;

    int port() const { return state_->acceptor.local_endpoint().port(); }
    std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
    std::string url() const { return "redis://" + address(); }
    std::size_t connections() const { return state_->accepted; }

private:
    using Tcp = asio::ip::tcp;
    using Socket = asio::basic_stream_socket<Tcp, Executor>;
    struct State {
        State(Executor on, Script with) :
            lane(on),
            script(std::move(with)),
            acceptor(on, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
        Executor lane;
        Script script;
        asio::basic_socket_acceptor<Tcp, Executor> acceptor;
        std::set<std::shared_ptr<Socket>> sockets;
        std::size_t accepted = 0;
    };

    static Task<> accept_all(std::shared_ptr<State> state) {
        for (;;) {
            const auto socket = std::make_shared<Socket>(state->lane);
            const auto [problem] =
                co_await state->acceptor.async_accept(*socket, asio::as_tuple(use_task));
            if (problem) co_return;
            ++state->accepted;
            state->sockets.insert(socket);
            spawn(state->lane, "scripted redis", converse(state, socket));
        }
    }

    static Task<> converse(std::shared_ptr<State> state, std::shared_ptr<Socket> socket) {
        std::string received;
        std::string chunk(16 * 1024, '\0');
        for (bool goes_on = true; goes_on;) {
            const auto [problem, got] =
                co_await socket->async_read_some(asio::buffer(chunk), asio::as_tuple(use_task));
            if (problem) break;
            received.append(chunk, 0, got);
            while (goes_on) {
                const auto words = take_command(received);
                if (!words) break;
                const auto scripted = state->script ? state->script(*words) : std::nullopt;
                const auto bytes = scripted.value_or(good_answer(*words));
                goes_on = bytes != hang_up;
                if (!goes_on || bytes.empty()) continue;
                co_await asio::async_write(*socket, asio::buffer(bytes), asio::as_tuple(use_task));
            }
        }
        error_code ignored;
        socket->close(ignored);
        state->sockets.erase(socket);
    }

    /// `*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n`, once it is whole.
    static std::optional<Words> take_command(std::string& received) {
        std::size_t at = 0;
        const auto number = [&]() -> std::optional<std::size_t> {
            const auto end = received.find("\r\n", at);
            if (end == std::string::npos) return std::nullopt;
            const auto value = std::strtoul(received.c_str() + at + 1, nullptr, 10);
            at = end + 2;
            return value;
        };
        const auto count = number();
        if (!count) return std::nullopt;
        Words words;
        while (words.size() < *count) {
            const auto size = number();
            if (!size || received.size() < at + *size + 2) return std::nullopt;
            words.push_back(received.substr(at, *size));
            at += *size + 2;
        }
        received.erase(0, at);
        return words;
    }

    static std::string good_answer(const Words& words) {
        const auto& verb = words.front();
        if (verb == "ROLE") {
            return list_reply({text_reply("master"), integer_reply(0), list_reply({})});
        }
        if (verb == "INFO") return text_reply("redis_version:7.0.15\r\nredis_mode:standalone\r\n");
        if (verb == "CONFIG") return list_reply({});
        if (verb == "SCRIPT") return text_reply(std::string(40, 'a'));
        if (verb == "BZPOPMIN") return {};
        return "+OK\r\n";
    }

    const std::shared_ptr<State> state_;
};

}  // namespace stoker::test
