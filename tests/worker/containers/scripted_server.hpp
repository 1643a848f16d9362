#pragma once

// A server on loopback whose every connection is a conversation that the test writes down. It runs
// on the lane of the test and stops when destroyed; conversations under way end with their sockets.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <cctype>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/spawn.hpp"
#include "common/http/connection.hpp"

namespace stoker::test {

/// The server's end of one connection.
class Peer {
public:
    using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
    explicit Peer(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}

    /// Head and body of the next request; empty when the client is gone or speaks no HTTP.
    Task<std::string> request() {
        std::size_t needed = std::string::npos;
        for (;;) {
            const auto head_end = received_.find("\r\n\r\n");
            if (head_end != std::string::npos) needed = head_end + 4 + body_bytes();
            if (received_.size() >= needed) break;
            auto more = co_await some();
            if (more.empty()) co_return "";
            received_ += more;
            if (!std::isupper(static_cast<unsigned char>(received_[0]))) co_return "";
        }
        auto whole = received_.substr(0, needed);
        received_.erase(0, needed);
        co_return whole;
    }
    /// What comes next, whatever it is; empty at the end.
    Task<std::string> some() {
        std::string bytes(4096, '\0');
        const auto [problem, got] =
            co_await socket_->async_read_some(asio::buffer(bytes), asio::as_tuple(use_task));
        bytes.resize(problem ? 0 : got);
        co_return bytes;
    }
    /// Neither reads nor writes until the client resets the connection or the server stops.
    Task<> hold() { co_await socket_->async_wait(Socket::wait_error, asio::as_tuple(use_task)); }
    Task<> say(std::string bytes) {
        co_await asio::async_write(*socket_, asio::buffer(bytes), asio::as_tuple(use_task));
    }
    /// A whole answer with its length.
    Task<> answer(int status, std::string body, std::string headers = {}) {
        co_await say(
            "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body
        );
    }

private:
    std::size_t body_bytes() const {
        const auto at = received_.find("Content-Length: ");
        return at == std::string::npos ? 0 : std::stoul(received_.substr(at + 16));
    }

    std::shared_ptr<Socket> socket_;
    std::string received_;
};

class ScriptedServer {
public:
    using Conversation = std::function<Task<>(Peer)>;

    ScriptedServer(Executor lane, Conversation conversation) :
        state_(std::make_shared<State>(lane, std::move(conversation))) {
        spawn(lane, "scripted server", serve(state_));
    }
    ~ScriptedServer() {
        error_code ignored;
        state_->acceptor.close(ignored);
        for (const auto& weak : state_->sockets) {
            if (const auto socket = weak.lock()) socket->close(ignored);
        }
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    HttpAddress address() const {
        return {{}, "127.0.0.1", state_->acceptor.local_endpoint().port()};
    }
    std::size_t connections() const { return state_->sockets.size(); }

private:
    struct State {
        State(Executor lane, Conversation talk) :
            acceptor(lane, {asio::ip::address_v4::loopback(), 0}),
            conversation(std::move(talk)) {}
        asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor;
        Conversation conversation;
        std::vector<std::weak_ptr<Peer::Socket>> sockets;
    };

    static Task<> serve(std::shared_ptr<State> state) {
        const auto lane = state->acceptor.get_executor();
        for (;;) {
            auto socket = std::make_shared<Peer::Socket>(lane);
            const auto [problem] =
                co_await state->acceptor.async_accept(*socket, asio::as_tuple(use_task));
            if (problem) co_return;
            state->sockets.push_back(socket);
            spawn(lane, "scripted conversation", converse(state, Peer(std::move(socket))));
        }
    }
    /// Keeps alive what the conversation may refer to.
    static Task<> converse(std::shared_ptr<State> state, Peer peer) {
        co_await state->conversation(std::move(peer));
    }

    std::shared_ptr<State> state_;
};

}  // namespace stoker::test
