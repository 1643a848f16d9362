#include <doctest/doctest.h>

#include <thread>

#include "common/http/server.hpp"
#include "tests/common/http_server_fixture.hpp"

namespace stoker::test {

namespace {

const std::string get_x = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

ServerLimits short_deadlines() {
    ServerLimits limits;
    limits.header_time = limits.idle_time = limits.body_stall = Millis{100};
    limits.write_stall = limits.linger_time = Millis{100};
    return limits;
}

}  // namespace

TEST_CASE("HttpServer: shows the parts of a request") {
    const ServerFixture fixture;
    const auto answer = fixture.request("PUT /a/%62?q=1 HTTP/1.1\r\nHost: here:1\r\n\r\n");
    CHECK(answer.body == "PUT /a/%62?q=1");
    CHECK(answer.header("X-Host") == "here:1");
    CHECK(answer.header("Date").ends_with(" GMT"));
    CHECK(
        fixture.request("GET http://there/x HTTP/1.1\r\nHost: here\r\n\r\n").header("X-Host") ==
        "there"
    );
    CHECK(fixture.request("GET http://there?q HTTP/1.1\r\nHost: here\r\n\r\n").body == "GET /?q");
}

TEST_CASE("HttpServer: serves pipelined requests one after another") {
    const ServerFixture fixture;
    auto client = fixture.connect();
    std::string many;
    for (int i = 0; i < 2000; ++i) {
        many += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n" +
                std::to_string(1000 + i);
    }
    std::thread sender([&] { client.send(many); });
    for (int i = 0; i < 2000; ++i) CHECK(client.receive().body == std::to_string(1000 + i));
    sender.join();
}

namespace {

/// Notes its requests and what else has its turn on the lane between them.
class TurnsHandler final : public HttpHandler {
public:
    std::string turns;  ///< used on the one lane, read when the answers are there

    Task<> handle(Exchange& exchange) override {
        turns += 'r';
        asio::post(co_await asio::this_coro::executor, [this] { turns += 'o'; });
        co_await exchange.respond({});
    }
    Response refusal(HttpFault fault) const override { return plain_refusal(fault); }
};

}  // namespace

TEST_CASE("HttpServer: a client that pipelines lets others have their turn") {
    Lanes lanes(1);
    Metrics metrics;
    TurnsHandler handler;
    HttpServer server(lanes, {"127.0.0.1", 0}, {}, handler, metrics);
    REQUIRE(server.start());
    lanes.start();
    RawClient client(server.port());
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(get + get + get);
    for (int i = 0; i < 3; ++i) CHECK(client.receive().status == 200);
    client.close();
    CHECK(run(server.stop(deadline_in(Millis{5'000}))));
    lanes.stop();
    CHECK(handler.turns == "rororo");
}

TEST_CASE("HttpServer: HEAD gets the head of the answer alone") {
    const ServerFixture fixture;
    auto client = fixture.connect();
    const auto head = client.request("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(head.header("Content-Length") == "7");
    CHECK(
        client.request("HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n").header("Content-Length") == "6"
    );
    CHECK(client.request(get_x).body == "GET /x");
}

TEST_CASE("HttpServer: a body nobody reads is skipped or ends the connection") {
    const ServerFixture fixture;
    auto client = fixture.connect();
    CHECK(
        client.request("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n").status ==
        200
    );
    CHECK(client.request("body" + get_x).body == "GET /x");
}

TEST_CASE("HttpServer: 100 Continue comes when the handler wants the body") {
    const ServerFixture fixture;
    const std::string expecting =
        " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ";
    SUBCASE("it does") {
        auto client = fixture.connect();
        client.send("POST /echo" + expecting + "4\r\n\r\n");
        CHECK(client.receive_one().status == 100);
        CHECK(client.request("body").body == "body");
    }
    SUBCASE("it does not, and nothing after the answer is taken for a request") {
        auto client = fixture.connect();
        const auto answer = client.request("POST /ignore" + expecting + "4\r\n\r\n");
        CHECK(answer.status == 200);
        CHECK(answer.header("Connection") == "close");
        CHECK(client.continues == 0);
    }
    SUBCASE("the body is too large to be asked for") {
        auto client = fixture.connect();
        CHECK(client.request("POST /echo" + expecting + "70000\r\n\r\n").status == 413);
        CHECK(client.continues == 0);
    }
    SUBCASE("the body came along") {
        auto client = fixture.connect();
        CHECK(client.request("POST /echo" + expecting + "4\r\n\r\nbody").body == "body");
        CHECK(client.continues == 0);
    }
}

TEST_CASE("HttpServer: streams bodies both ways") {
    const ServerFixture fixture;
    auto client = fixture.connect();
    const std::string body(3'000'000, 'b');
    SUBCASE("with a length") {
        std::thread sender([&] {
            client.send(
                "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + body
            );
        });
        const auto answer = client.receive();
        sender.join();
        CHECK(answer.header("Transfer-Encoding") == "chunked");
        CHECK(answer.body == body);
    }
    SUBCASE("in chunks") {
        std::thread sender([&] {
            client.send("POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (std::size_t at = 0; at < body.size(); at += 1000) {
                client.send("3e8\r\n" + body.substr(at, 1000) + "\r\n");
            }
            client.send("0\r\n\r\n");
        });
        const auto answer = client.receive();
        sender.join();
        CHECK(answer.body == body);
    }
    SUBCASE("until the end of the connection, for HTTP/1.0") {
        const auto answer =
            client.request("POST /stream HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody");
        CHECK(answer.header("Transfer-Encoding").empty());
        CHECK(answer.header("Connection") == "close");
        CHECK(answer.body == "body");
    }
}

TEST_CASE("HttpServer: an answer with a length may come in pieces") {
    const ServerFixture fixture;
    auto client = fixture.connect();
    CHECK(client.request("GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n").body == "onetwo");
    CHECK(client.request(get_x).status == 200);
}

TEST_CASE("HttpServer: an answer that cannot be finished is seen to be incomplete") {
    const ServerFixture fixture;
    CHECK_FALSE(fixture.request("GET /short HTTP/1.1\r\nHost: a\r\n\r\n").complete);
    CHECK_FALSE(fixture.request("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n").complete);
}

TEST_CASE("HttpServer: a handler that fails is answered for") {
    const ServerFixture fixture;
    CHECK(fixture.request("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n").status == 500);
    CHECK(fixture.request("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n").status == 500);
}

TEST_CASE("HttpServer: what comes too slowly is cut") {
    const ServerFixture fixture(short_deadlines());
    auto client = fixture.connect();
    SUBCASE("an idle connection is closed without a word") { CHECK(client.ended()); }
    SUBCASE("half a request line") { CHECK(client.request("GET /").status == 408); }
    SUBCASE("half a header") { CHECK(client.request("GET / HTTP/1.1\r\nHost").status == 408); }
    SUBCASE("half a second request") {
        CHECK(client.request(get_x + "GET").status == 200);
        CHECK(client.receive().status == 408);
    }
    SUBCASE("a header that drips") {
        client.send("GET / HTTP/1.1\r\n");
        while (client.send("X: y\r\n")) std::this_thread::yield();
        // The answer may be lost: we were still sending when the server gave up on us.
        client.receive();
    }
    SUBCASE("half a body") {
        CHECK(
            client.request("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo")
                .status == 408
        );
    }
    SUBCASE("half a chunk") {
        CHECK(
            client
                .request(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo"
                )
                .status == 408
        );
    }
    SUBCASE("the body after 100 Continue") {
        CHECK(
            client
                .request("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: "
                         "100-continue\r\nContent-Length: 4\r\n\r\n")
                .status == 408
        );
    }
    CHECK(client.ended());
}

TEST_CASE("HttpServer: a body that never stalls but stays below the least rate is cut") {
    auto limits = short_deadlines();
    limits.body_rate_min = std::uint64_t{1} << 50U;
    const ServerFixture fixture(limits);
    auto client = fixture.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (client.send("1\r\nx\r\n")) std::this_thread::yield();
    CHECK(fixture.handler.read_fault != HttpFault::handler_failed);
}

TEST_CASE("HttpServer: a client that does not read is cut") {
    const ServerFixture fixture(short_deadlines());
    auto client = fixture.connect();
    const std::string request =
        "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
    client.send(request);
    const std::string block(100'000, 'x');
    while (client.send(block)) {
    }
    CHECK(true);  // the loop ended: the server cut us although the body is far from sent
}

TEST_CASE("HttpServer: connections above the bound get 503") {
    ServerLimits limits;
    limits.connections_max = 2;
    limits.linger_time = Millis{100};
    const ServerFixture fixture(limits, 1);
    auto first = fixture.connect();
    auto second = fixture.connect();
    CHECK(first.request(get_x).status == 200);
    CHECK(second.request(get_x).status == 200);
    CHECK(fixture.request(get_x).status == 503);
    first.close();
    while (fixture.request(get_x).status == 503) std::this_thread::yield();
    CHECK(second.request(get_x).status == 200);
}

TEST_CASE("HttpServer: a handler can see that its client has gone") {
    ServerFixture fixture;
    {
        auto client = fixture.connect();
        client.send("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
        while (fixture.handler.handled == 0) std::this_thread::yield();
    }
    while (!fixture.handler.saw_gone) std::this_thread::yield();
    CHECK(fixture.handler.saw_gone);
}

TEST_CASE("HttpServer: stop closes idle connections and lets busy ones answer") {
    // On one lane, so that the end of the idle one tells that the busy one's lane has heard of it.
    ServerFixture fixture(ServerLimits{}, 1);
    auto idle = fixture.connect();
    CHECK(idle.request(get_x).status == 200);
    auto busy = fixture.connect();
    busy.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    while (fixture.handler.handled < 2) std::this_thread::yield();
    std::thread stopper([&] { CHECK(run(fixture.server.stop(deadline_in(Millis{5'000})))); });
    CHECK(idle.ended());
    const auto answer = busy.request("dy");
    CHECK(answer.body == "body");
    CHECK(answer.header("Connection") == "close");
    CHECK(busy.ended());
    stopper.join();
    CHECK_THROWS(fixture.connect());
}

TEST_CASE("HttpServer: stop cuts what has not ended by its deadline") {
    ServerFixture fixture;
    auto busy = fixture.connect();
    busy.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    while (fixture.handler.handled == 0) std::this_thread::yield();
    CHECK(run(fixture.server.stop(deadline_in(Millis{10}))));
    CHECK(busy.ended());
    CHECK(fixture.handler.read_fault == HttpFault::closed);
}

TEST_CASE("HttpServer: a port in use and a bad address are errors") {
    ServerFixture fixture;
    HttpServer second(
        fixture.lanes, {"127.0.0.1", fixture.server.port()}, {}, fixture.handler, fixture.metrics
    );
    const auto taken = second.start();
    REQUIRE_FALSE(taken);
    CHECK(taken.error().contains("cannot listen on 127.0.0.1"));
    HttpServer named(fixture.lanes, {"example", 0}, {}, fixture.handler, fixture.metrics);
    CHECK_FALSE(named.start());
}

TEST_CASE("append_answer_head: fields that would change the framing are left out") {
    std::string head;
    append_answer_head(
        head,
        200,
        {{"Content-Length", "7"},
         {"Connection", "x"},
         {"Transfer-Encoding", "chunked"},
         {"Bad\r\nName", "v"},
         {"Split", "a\r\nInjected: b"},
         {"Kept", "yes"},
         {"Kept", "twice"}},
        {.length = 3}
    );
    CHECK(head == "HTTP/1.1 200 OK\r\nKept: yes\r\nKept: twice\r\nContent-Length: 3\r\n\r\n");
}

}  // namespace stoker::test
