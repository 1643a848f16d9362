#pragma once

// A server on loopback with a handler that shows what reached it.

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>

#include "common/http/server.hpp"
#include "common/http/server_answer.hpp"
#include "tests/common/http_server_client.hpp"
#include "tests/support/run.hpp"

namespace stoker::test {

/// Answers by path:
///   /echo      reads the body (64 KiB at most) and gives it back
///   /ignore    answers without reading the body
///   /stream    reads piece by piece, writes each back without telling a length
///   /pieces    writes "onetwo" in two pieces with a length
///   /short     promises 10 bytes and writes 3
///   /cut       begins a chunked answer and cuts it
///   /gone      waits until the client has gone
///   /throw     throws;   /silent  gives no answer
///   anything else: "METHOD PATH?QUERY"
class EchoHandler final : public HttpHandler {
public:
    static constexpr std::uint64_t body_max = 64UL * 1024;

    std::atomic<int> handled{0};
    std::atomic<bool> saw_gone{false};
    std::atomic<HttpFault> read_fault{HttpFault::handler_failed};

    Task<> handle(Exchange& exchange) override {
        ++handled;
        const auto path = std::string(exchange.request().path());
        if (path == "/throw") throw std::runtime_error("as asked");
        if (path == "/silent") co_return;
        if (path == "/echo") {
            co_await echo(exchange);
        } else if (path == "/stream") {
            co_await stream(exchange);
        } else if (path == "/pieces" || path == "/short" || path == "/cut") {
            co_await pieces(exchange, path);
        } else if (path == "/gone") {
            while (!exchange.client_gone()) co_await sleep_for(Millis{1});
            saw_gone = true;
            co_await exchange.respond({});
        } else {
            const auto& request = exchange.request();
            Response response;
            response.body = request.method + " " + path;
            if (!request.query().empty()) response.body += "?" + std::string(request.query());
            response.headers.emplace_back("X-Host", request.host);
            co_await exchange.respond(std::move(response));
        }
    }

    Response refusal(HttpFault fault) const override { return plain_refusal(fault); }

private:
    Task<> echo(Exchange& exchange) {
        auto body = co_await exchange.read_body(body_max);
        if (!body) {
            read_fault = body.error();
            co_await exchange.respond(plain_refusal(body.error()));
        } else {
            co_await exchange.respond({200, {}, std::move(*body)});
        }
    }

    static Task<> stream(Exchange& exchange) {
        exchange.begin(200, {{"X-Kind", "stream"}}, std::nullopt);
        for (;;) {
            const auto piece = co_await exchange.read_some(std::uint64_t{1} << 40U);
            if (!piece) {
                exchange.cut();
                co_return;
            }
            const auto written = co_await exchange.write(*piece, piece->empty());
            if (!written || piece->empty()) co_return;
        }
    }

    static Task<> pieces(Exchange& exchange, std::string path) {
        if (path == "/pieces") {
            exchange.begin(200, {}, 6);
            static_cast<void>(co_await exchange.write("one", false));
            static_cast<void>(co_await exchange.write("two", true));
        } else if (path == "/short") {
            exchange.begin(200, {}, 10);
            static_cast<void>(co_await exchange.write("one", true));
        } else {
            exchange.begin(200, {}, std::nullopt);
            static_cast<void>(co_await exchange.write("one", false));
            exchange.cut();
        }
    }
};

class ServerFixture {
public:
    explicit ServerFixture(const ServerLimits& limits = {}, std::size_t lane_count = 2) :
        lanes(lane_count),
        server(lanes, {"127.0.0.1", 0}, limits, handler, metrics) {
        const auto started = server.start();
        REQUIRE(started);
        lanes.start();
    }
    ServerFixture(const ServerFixture&) = delete;
    ServerFixture& operator=(const ServerFixture&) = delete;
    ~ServerFixture() {
        const bool stopped = run(server.stop(deadline_in(Millis{5'000})));
        CHECK(stopped);
        lanes.stop();
    }

    RawClient connect() const { return RawClient(server.port()); }
    Answer request(std::string_view bytes) const { return connect().request(bytes); }

    Lanes lanes;
    Metrics metrics;
    EchoHandler handler;
    HttpServer server;
};

}  // namespace stoker::test
