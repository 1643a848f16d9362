#include "worker/protocols/http_stream.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "common/unique_fd.hpp"
#include "tests/support/run.hpp"
#include "tests/worker/protocols/kept.hpp"

using namespace stoker;
using test::Kept;
using test::Stream;
using namespace std::chrono_literals;

namespace {

/// Keeps nothing.
class Dropped final : public FunctionAnswer {
public:
    Task<Result<void>> head(AnswerHead, std::string_view) override { co_return Result<void>{}; }
    Task<Result<void>> data(std::string_view, std::string_view, bool) override {
        co_return Result<void>{};
    }
};

struct Pair {
    Pair() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        agent.reset(ends[0]);
        function.reset(ends[1]);
        ::fcntl(agent.get(), F_SETFL, O_NONBLOCK);
    }
    UniqueFd agent;
    UniqueFd function;
};

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::string read_until(int fd, std::string_view mark) {
    std::string got;
    char c = 0;
    while (!got.ends_with(mark) && ::read(fd, &c, 1) == 1) got += c;
    return got;
}

Invocation call() {
    Invocation invocation;
    invocation.call_id = "01";
    invocation.content_type = "text/plain";
    invocation.headers = {{"X-One", "1"}, {"X-One", "2"}};
    invocation.attempt = 2;
    return invocation;
}

ExchangeEnd exchange(
    int fd, BodySource& body, FunctionAnswer& answer, Millis time = 20s, ExchangeLimits limits = {}
) {
    return test::run(exchange_http_stream(fd, call(), body, answer, limits, deadline_in(time)));
}

/// One exchange with a function that reads the whole request head and then says `reply`.
ExchangeEnd exchange_with_reply(std::string_view reply, Kept& kept, bool then_close = false) {
    Pair pair;
    std::jthread function([&] {
        read_until(pair.function.get(), "\r\n\r\n");
        write_all(pair.function.get(), reply);
        if (then_close) pair.function.reset();
    });
    InlineBody body("");
    return exchange(pair.agent.get(), body, kept);
}

}  // namespace

TEST_CASE("http-stream: the request is what Fn's kits expect") {
    const auto head = http_stream_head(call(), 5, parse_time("2026-01-02T03:04:05Z").value());
    CHECK(
        head ==
        "POST /call HTTP/1.1\r\nHost: localhost\r\nFn-Call-Id: 01\r\n"
        "Fn-Deadline: 2026-01-02T03:04:05.000Z\r\nFn-Attempt: 2\r\nContent-Type: text/plain\r\n"
        "X-One: 1\r\nX-One: 2\r\nContent-Length: 5\r\n\r\n"
    );
    CHECK(http_stream_head(call(), std::nullopt, {}).contains("Transfer-Encoding: chunked\r\n"));
}

TEST_CASE("http-stream: a good answer comes through byte for byte, the connection stays") {
    Kept kept;
    const auto end = exchange_with_reply(
        "HTTP/1.1 200 OK\r\nX-a: 1\r\nx-A: 2\r\nConnection: keep-alive\r\nContent-Length: "
        "2\r\n\r\nhi",
        kept
    );
    REQUIRE(end.result);
    CHECK(end.container_ok);
    CHECK(end.connection_ok);
    CHECK(kept.complete);
    CHECK(kept.body == "hi");
    CHECK(kept.raw_body == "hi");
    CHECK(
        kept.raw_head ==
        "HTTP/1.1 200 OK\r\nX-a: 1\r\nx-A: 2\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n"
    );
    CHECK(kept.answer.headers == Headers{{"X-a", "1"}, {"x-A", "2"}});
    CHECK(kept.answer.length == 2);
}

TEST_CASE("http-stream: a chunked answer is kept with its framing and given without") {
    Kept kept;
    const std::string chunks = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
    const auto end =
        exchange_with_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, kept);
    REQUIRE(end.result);
    CHECK(kept.body == "abcde");
    CHECK(kept.raw_body == chunks);
    CHECK(end.connection_ok);
}

TEST_CASE("http-stream: a body without a length ends with the connection") {
    Kept kept;
    const auto end = exchange_with_reply("HTTP/1.1 200 OK\r\n\r\nuntil the end", kept, true);
    REQUIRE(end.result);
    CHECK(kept.body == "until the end");
    CHECK(kept.complete);
    CHECK(end.container_ok);
    CHECK_FALSE(end.connection_ok);
}

TEST_CASE("http-stream: the statuses of Fn's contract") {
    Kept kept;
    struct Row {
        const char* status;
        Errc code;
        const char* message;
        bool container_ok;
    };
    const std::vector<Row> rows{
        {"502", Errc::function_failed, "function failed", true},
        {"504", Errc::function_timeout, "Timed out", true},
        {"500", Errc::function_failed, "invalid function response", false},
        {"204", Errc::function_failed, "invalid function response", false},
        {"404", Errc::function_failed, "invalid function response", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.status);
        const auto length = std::string_view(row.status) == "204" ? "" : "Content-Length: 0\r\n";
        const auto end = exchange_with_reply(
            std::string("HTTP/1.1 ") + row.status + " X\r\n" + length + "\r\n", kept
        );
        REQUIRE_FALSE(end.result);
        CHECK(end.result.error().code == row.code);
        CHECK(end.result.error().text() == row.message);
        CHECK(end.container_ok == row.container_ok);
    }
}

TEST_CASE("http-stream: garbage, an early end and a torn answer end the container") {
    Kept kept;
    ExchangeEnd end;
    SUBCASE("garbage") { end = exchange_with_reply("what?\r\n\r\n", kept); }
    SUBCASE("nothing") { end = exchange_with_reply("", kept, true); }
    SUBCASE("half a head") { end = exchange_with_reply("HTTP/1.1 200 OK\r\nX", kept, true); }
    SUBCASE("half a body") {
        end = exchange_with_reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", kept, true);
    }
    SUBCASE("a bad chunk") {
        end = exchange_with_reply(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", kept
        );
    }
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().code == Errc::container_exit);
    CHECK_FALSE(end.container_ok);
    CHECK_FALSE(kept.complete);
}

TEST_CASE("http-stream: two answers to one call: the first counts, the container goes") {
    Kept kept;
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
    const auto end = exchange_with_reply(answer + answer, kept);
    CHECK(end.result);
    CHECK(kept.body == "1");
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("http-stream: 100 Continue is not the answer") {
    Kept kept;
    const auto end = exchange_with_reply(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", kept
    );
    REQUIRE(end.result);
    CHECK(kept.answer.status == 200);
    CHECK(kept.raw_head.starts_with("HTTP/1.1 200"));
}

TEST_CASE("http-stream: a head beyond the limit is refused") {
    Kept kept;
    const auto end =
        exchange_with_reply("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", kept);
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().text() == "function response header too large");
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("http-stream: heads and chunk framing without end are refused, not collected") {
    std::string begun;
    std::string again;
    SUBCASE("a header line") {
        begun = "HTTP/1.1 200 OK\r\nX: ";
        again = "xxxxxxxx";
    }
    SUBCASE("header lines") {
        begun = "HTTP/1.1 200 OK\r\n";
        again = "X: x\r\n";
    }
    SUBCASE("interim answers") { again = "HTTP/1.1 102 Processing\r\n\r\n"; }
    SUBCASE("a chunk extension") {
        begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
        again = "xxxxxxxx";
    }
    SUBCASE("trailers") {
        begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
        again = "X: x\r\n";
    }
    Pair pair;
    std::jthread function([&, fd = pair.function.get()](const std::stop_token& stop) {
        write_all(fd, begun);
        while (!stop.stop_requested()) write_all(fd, again);
    });
    InlineBody body("");
    Kept kept;
    const auto end = exchange(pair.agent.get(), body, kept);
    pair.agent.reset();
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().code != Errc::function_timeout);
    CHECK_FALSE(end.container_ok);
    CHECK(kept.raw_body.empty());
}

TEST_CASE("http-stream: the deadline ends an answer that always has more") {
    Pair pair;
    std::jthread function([fd = pair.function.get()](const std::stop_token& stop) {
        write_all(fd, "HTTP/1.1 200 OK\r\n\r\n");
        const std::string piece(64 * 1024, 'x');
        while (!stop.stop_requested()) write_all(fd, piece);
    });
    InlineBody body("");
    Dropped dropped;
    const auto end = exchange(pair.agent.get(), body, dropped, 50ms);
    pair.agent.reset();
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().code == Errc::function_timeout);
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("http-stream: a body beyond the limit is refused, at once if its length is said") {
    for (const bool says_length : {true, false}) {
        CAPTURE(says_length);
        Kept kept;
        Pair pair;
        std::jthread function([&] {
            read_until(pair.function.get(), "\r\n\r\n");
            write_all(
                pair.function.get(),
                says_length
                    ? "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901"
            );
        });
        InlineBody body("");
        const auto end = exchange(pair.agent.get(), body, kept, 20s, {.body_bytes_max = 10});
        REQUIRE_FALSE(end.result);
        CHECK(end.result.error().code == Errc::response_too_large);
        CHECK(end.result.error().text() == "function response body too large");
        CHECK_FALSE(end.container_ok);
        CHECK(kept.answer.status == (says_length ? 0 : 200));
    }
}

TEST_CASE("http-stream: the deadline ends a function that does not answer") {
    Pair pair;
    InlineBody body("");
    Kept kept;
    const auto end = exchange(pair.agent.get(), body, kept, 20ms);
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().code == Errc::function_timeout);
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("http-stream: the deadline ends a function that does not read") {
    Pair pair;
    const std::string big(8 << 20, 'x');
    InlineBody body(big);
    Kept kept;
    const auto end = exchange(pair.agent.get(), body, kept, 50ms);
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().code == Errc::function_timeout);
}

TEST_CASE("http-stream: a function may answer without reading its input") {
    Pair pair;
    const std::string big(8 << 20, 'x');
    std::jthread function([&] {
        read_until(pair.function.get(), "\r\n\r\n");
        write_all(pair.function.get(), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    });
    InlineBody body(big);
    Kept kept;
    const auto end = exchange(pair.agent.get(), body, kept);
    REQUIRE(end.result);
    CHECK(kept.body == "done");
    CHECK_FALSE(end.connection_ok);
}

TEST_CASE("http-stream: a function may answer while it reads: no deadlock on a large echo") {
    Pair pair;
    std::string big(8 << 20, 'x');
    for (std::size_t i = 0; i < big.size(); i += 7) big[i] = static_cast<char>('a' + (i / 7) % 26);
    std::jthread function([&] {
        read_until(pair.function.get(), "\r\n\r\n");
        const auto head = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(big.size());
        write_all(pair.function.get(), head + "\r\n\r\n");
        std::vector<char> buffer(4096);
        for (std::size_t left = big.size(); left > 0;) {
            const auto n = ::read(pair.function.get(), buffer.data(), buffer.size());
            if (n <= 0) return;
            write_all(pair.function.get(), {buffer.data(), static_cast<std::size_t>(n)});
            left -= static_cast<std::size_t>(n);
        }
    });
    InlineBody body(big);
    Kept kept;
    const auto end = exchange(pair.agent.get(), body, kept);
    REQUIRE(end.result);
    CHECK(kept.body == big);
}

TEST_CASE("http-stream: a body of unknown size goes out chunked") {
    Pair pair;
    std::string got;
    std::jthread function([&] {
        read_until(pair.function.get(), "\r\n\r\n");
        got = read_until(pair.function.get(), "0\r\n\r\n");
        write_all(pair.function.get(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    Stream body({"hello", "world!"});
    Kept kept;
    const auto end = exchange(pair.agent.get(), body, kept);
    function.join();
    REQUIRE(end.result);
    CHECK(got == "5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n");
    CHECK(end.connection_ok);
}

TEST_CASE("http-stream: a connection serves one call after another") {
    Pair pair;
    std::jthread function([&] {
        for (int i = 0; i < 3; ++i) {
            read_until(pair.function.get(), "\r\n\r\n");
            write_all(pair.function.get(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    for (int i = 0; i < 3; ++i) {
        InlineBody body("");
        Kept kept;
        const auto end = exchange(pair.agent.get(), body, kept);
        REQUIRE(end.result);
        CHECK(end.connection_ok);
    }
}
