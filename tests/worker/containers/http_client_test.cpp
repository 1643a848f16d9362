#include <doctest/doctest.h>

#include "common/http/client.hpp"
#include "tests/support/run.hpp"
#include "tests/worker/containers/scripted_server.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

using Kind = HttpClientError::Kind;

Deadline soon() { return deadline_in(std::chrono::seconds(30)); }

HttpRequest get(std::string target) {
    HttpRequest request;
    request.target = std::move(target);
    return request;
}

HttpRequest post(std::string target, std::string body) {
    HttpRequest request = get(std::move(target));
    request.method = "POST";
    request.body = std::move(body);
    return request;
}

/// One request to a server of one conversation.
HttpResult<HttpAnswer> ask(
    HttpRequest request,
    ScriptedServer::Conversation conversation,
    Deadline deadline = soon(),
    HttpLimits limits = {}
) {
    return run(
        [](HttpRequest sent, ScriptedServer::Conversation talk, Deadline until, HttpLimits limited
        ) -> Task<HttpResult<HttpAnswer>> {
            const ScriptedServer server(co_await asio::this_coro::executor, std::move(talk));
            const HttpClient client(server.address(), limited);
            co_return co_await client.request(std::move(sent), until);
        }(std::move(request), std::move(conversation), deadline, limits)
    );
}

/// A conversation that answers with these bytes, whatever is asked, and hangs up.
ScriptedServer::Conversation says(std::string bytes) {
    return [bytes = std::move(bytes)](Peer peer) -> Task<> {
        co_await peer.request();
        co_await peer.say(bytes);
    };
}

}  // namespace

TEST_CASE("HttpClient: a request arrives as it was given and its answer comes back") {
    std::string seen;
    auto request = post("/a?b=c", "body");
    request.headers = {{"X-One", "1"}, {"X-One", "2"}};
    const auto answer = ask(request, [&seen](Peer peer) -> Task<> {
        seen = co_await peer.request();
        co_await peer.answer(201, "made", "X-Two: a\r\nx-two: b\r\n");
    });
    REQUIRE(answer);
    CHECK(answer->status == 201);
    CHECK(answer->body == "made");
    CHECK(*find_header(answer->headers, "X-Two") == "a");
    CHECK(answer->headers.size() == 3);
    CHECK(seen.starts_with("POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK(seen.contains("\r\nX-One: 1\r\nX-One: 2\r\nContent-Length: 4\r\nConnection: close\r\n"));
    CHECK(seen.ends_with("\r\n\r\nbody"));
}

TEST_CASE("HttpClient: bodies are read by length, in chunks, and to the end of the connection") {
    for (const std::string bytes : {
             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
             "chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
             "HTTP/1.1 200 OK\r\n\r\nhello",
             "HTTP/1.0 200 OK\r\n\r\nhello",
         }) {
        CAPTURE(bytes);
        const auto answer = ask(get("/"), says(bytes));
        REQUIRE(answer);
        CHECK(answer->body == "hello");
    }
    CHECK(ask(get("/"), says("HTTP/1.1 204 No Content\r\n\r\n"))->body.empty());
    auto head = get("/");
    head.method = "HEAD";
    CHECK(ask(head, says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))->body.empty());
}

TEST_CASE("HttpClient: an answer that breaks off or is no HTTP is a protocol error") {
    for (const std::string bytes : {
             "",
             "HTTP/1.1 200",
             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
             "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
             "SSH-2.0-server\r\n\r\n",
         }) {
        CAPTURE(bytes);
        const auto answer = ask(get("/"), says(bytes));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().kind == Kind::protocol);
    }
}

TEST_CASE("HttpClient: answers beyond the limits are too large") {
    const HttpLimits limits{.header_bytes_max = 256, .body_bytes_max = 10};
    const auto head =
        ask(get("/"),
            says("HTTP/1.1 200 OK\r\nX: " + std::string(300, 'x') + "\r\n\r\n"),
            soon(),
            limits);
    REQUIRE_FALSE(head);
    CHECK(head.error().kind == Kind::too_large);
    const std::string start = "HTTP/1.1 200 OK\r\n\r\n";
    const auto body = ask(get("/"), says(start + std::string(11, 'x')), soon(), limits);
    REQUIRE_FALSE(body);
    CHECK(body.error().kind == Kind::too_large);
    CHECK(ask(get("/"), says(start + std::string(10, 'x')), soon(), limits)->body.size() == 10);
}

TEST_CASE("HttpClient: a server that says nothing, or stops halfway, is a timeout") {
    for (const std::string start : {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"}) {
        CAPTURE(start);
        const auto answer = ask(
            get("/"),
            [start](Peer peer) -> Task<> {
                co_await peer.request();
                co_await peer.say(start);
                co_await peer.some();  // until the client gives up
            },
            deadline_in(Millis(20))
        );
        REQUIRE_FALSE(answer);
        CHECK(answer.error().kind == Kind::timeout);
    }
}

TEST_CASE("HttpClient: a server that does not read is a timeout too") {
    const auto answer = ask(
        post("/", std::string(std::size_t{64} << 20, 'x')),
        [](Peer peer) -> Task<> { co_await peer.hold(); },
        deadline_in(Millis(50))
    );
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::timeout);
}

TEST_CASE("HttpClient: an address where nobody listens is a connect error") {
    for (const auto* text : {"tcp://127.0.0.1:1", "tcp://localhost:1", "unix:///no/such/socket"}) {
        CAPTURE(text);
        const HttpClient client(parse_http_address(text).value());
        const auto answer = run(client.request(get("/"), soon()));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().kind == Kind::connect);
    }
    const HttpClient far({.unix_path = "/" + std::string(200, 'x'), .host = {}, .port = 0});
    CHECK(run(far.request(get("/"), soon())).error().kind == Kind::connect);
}

TEST_CASE("HttpClient: a refusal is read although the body could not all be sent") {
    const auto answer =
        ask(post("/", std::string(std::size_t{8} << 20, 'x')), [](Peer peer) -> Task<> {
            co_await peer.some();
            co_await peer.answer(413, "no");
            // Reads on, so that the refusal is not lost with the connection.
            while (!(co_await peer.some()).empty()) {
            }
        });
    REQUIRE(answer);
    CHECK(answer->status == 413);
}

TEST_CASE("HttpClient: what cannot be written as HTTP is not sent") {
    auto header = get("/");
    header.headers = {{"X", "a\r\nInjected: b"}};
    for (const auto& request : {header, get("/a b"), get("/\r\n"), get("")}) {
        const auto answer = ask(request, says(""));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().kind == Kind::protocol);
    }
}

TEST_CASE("HttpClient: a body from a source is sent with its length, and only with that length") {
    const auto send = [](std::vector<std::string> pieces, std::uint64_t announced) {
        auto request = post("/", "");
        auto left = std::make_shared<std::vector<std::string>>(std::move(pieces));
        request.body_source =
            HttpBodySource{announced, [left](Deadline) -> Task<HttpResult<std::string>> {
                               if (left->empty()) co_return std::string();
                               auto piece = std::move(left->front());
                               left->erase(left->begin());
                               co_return piece;
                           }};
        return ask(std::move(request), [](Peer peer) -> Task<> {
            const auto seen = co_await peer.request();
            if (!seen.empty()) co_await peer.answer(200, seen.substr(seen.find("\r\n\r\n") + 4));
        });
    };
    CHECK(send({"ab", "c", "def"}, 6)->body == "abcdef");
    CHECK(send({}, 0)->body.empty());
    CHECK_FALSE(send({"ab"}, 6));
    CHECK_FALSE(send({"ab", "cdefg"}, 6));
}

TEST_CASE("HttpClient: a streamed body is read piece by piece, and a timed-out read loses nothing"
) {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        auto go_on = std::make_shared<Timer>(lane, Deadline::max());
        const ScriptedServer server(lane, [go_on](Peer peer) -> Task<> {
            co_await peer.request();
            co_await peer.say(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntw"
            );
            co_await go_on->async_wait(asio::as_tuple(use_task));
            co_await peer.say("o\r\n0\r\n\r\n");
        });
        const HttpClient client(server.address());
        auto stream = co_await client.open(get("/"), soon());
        REQUIRE(stream);
        CHECK(stream->head().status == 200);
        std::string body = (co_await stream->read(soon())).value();
        while (body.size() < 5) body += (co_await stream->read(soon())).value();
        CHECK(body == "onetw");
        const auto early = co_await stream->read(deadline_in(Millis(1)));
        REQUIRE_FALSE(early);
        CHECK(early.error().kind == Kind::timeout);
        go_on->cancel();
        CHECK((co_await stream->read(soon())).value() == "o");
        CHECK((co_await stream->read(soon())).value().empty());
    }());
}

TEST_CASE("HttpClient: an upgraded connection carries bytes both ways, beginning with those at hand"
) {
    run([]() -> Task<> {
        const ScriptedServer server(co_await asio::this_coro::executor, [](Peer peer) -> Task<> {
            const auto seen = co_await peer.request();
            CHECK(seen.contains("Upgrade: tcp\r\n"));
            CHECK(seen.contains("Connection: Upgrade\r\n"));
            co_await peer.say("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\nfirst");
            const auto said = co_await peer.some();
            co_await peer.say("<" + said + ">");
            CHECK((co_await peer.some()).empty());  // our half is closed, theirs is not
            co_await peer.say("bye");
        });
        const HttpClient client(server.address());
        auto upgraded = co_await client.upgrade(post("/", ""), "tcp", soon());
        REQUIRE(upgraded);
        REQUIRE(upgraded->connection);
        auto& connection = *upgraded->connection;
        CHECK((co_await connection.read_some(soon())).value() == "first");
        CHECK(co_await connection.write("hello", soon()));
        CHECK((co_await connection.read_some(soon())).value() == "<hello>");
        connection.shutdown_write();
        CHECK((co_await connection.read_some(soon())).value() == "bye");
        CHECK((co_await connection.read_some(soon())).value().empty());
    }());
}

TEST_CASE("HttpClient: a refused upgrade is an answer like any other") {
    run([]() -> Task<> {
        const ScriptedServer server(co_await asio::this_coro::executor, [](Peer peer) -> Task<> {
            co_await peer.request();
            co_await peer.answer(404, "no such container");
        });
        const HttpClient client(server.address());
        const auto upgraded = co_await client.upgrade(post("/", ""), "tcp", soon());
        REQUIRE(upgraded);
        CHECK_FALSE(upgraded->connection);
        CHECK(upgraded->answer.status == 404);
        CHECK(upgraded->answer.body == "no such container");
    }());
}

TEST_CASE("HttpSession: requests share a connection until the server closes it") {
    run([]() -> Task<> {
        const ScriptedServer server(co_await asio::this_coro::executor, [](Peer peer) -> Task<> {
            for (int i = 0; i < 2; ++i) {
                if ((co_await peer.request()).empty()) co_return;
                co_await peer.answer(200, std::to_string(i));
            }
        });
        HttpSession session(server.address());
        CHECK((co_await session.request(get("/"), soon())).value().body == "0");
        CHECK((co_await session.request(get("/"), soon())).value().body == "1");
        CHECK(server.connections() == 1);
        // The server hangs up in its own time; before that is seen, one request may be lost.
        auto third = co_await session.request(get("/"), soon());
        if (!third) third = co_await session.request(get("/"), soon());
        CHECK(third.value().body == "0");
        CHECK(server.connections() == 2);
    }());
}

TEST_CASE("HttpSession: an answer that says close, or brings more than was asked, ends the sharing"
) {
    for (const std::string bytes :
         {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"}) {
        CAPTURE(bytes);
        run([](std::string said) -> Task<> {
            const ScriptedServer server(
                co_await asio::this_coro::executor,
                [said](Peer peer) -> Task<> {
                    while (!(co_await peer.request()).empty()) co_await peer.say(said);
                }
            );
            HttpSession session(server.address());
            CHECK((co_await session.request(get("/"), soon())).value().body == "x");
            CHECK((co_await session.request(get("/"), soon())).value().body == "x");
            CHECK(server.connections() == 2);
        }(bytes));
    }
}

TEST_CASE("HttpAddress: the three schemes are read and everything else is explained") {
    CHECK(parse_http_address("unix:///run/x.sock")->unix_path == "/run/x.sock");
    CHECK(parse_http_address("tcp://host:2375") == HttpAddress{{}, "host", 2375});
    CHECK(parse_http_address("http://host") == HttpAddress{{}, "host", 80});
    CHECK(parse_http_address("http://[::1]:8080/") == HttpAddress{{}, "::1", 8080});
    for (const auto* text : {
             "",
             "host:80",
             "unix://relative",
             "tcp://",
             "tcp://host",
             "tcp://host:",
             "tcp://host:0",
             "tcp://host:65536",
             "tcp://host:80x",
             "tcp://:80",
             "http://a b",
             "http://u@h",
             "http://host/path",
             "tcp://[::1:80",
             "https://host",
         }) {
        CAPTURE(text);
        CHECK_FALSE(parse_http_address(text));
    }
}
