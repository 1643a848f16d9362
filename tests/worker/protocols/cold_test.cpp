#include "worker/protocols/cold.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/run.hpp"
#include "tests/worker/protocols/function_end.hpp"
#include "tests/worker/protocols/kept.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

struct Cold {
    PipePair pair;
    Latch<ExitStatus> exited;
    Kept kept;

    ExchangeEnd exchange(BodySource& body, Millis time = 20s, ExchangeLimits limits = {}) {
        return run(exchange_cold(pair.agent, exited, body, kept, limits, deadline_in(time)));
    }
};

}  // namespace

TEST_CASE("default: the body goes to stdin, which ends; stdout is the answer") {
    Cold cold;
    std::string got;
    std::jthread function([&] {
        got = cold.pair.function.read_all();
        cold.pair.function.write("the answer");
        cold.pair.function.close();
        cold.exited.set({0});
    });
    Stream body({"hello ", "world"});
    const auto end = cold.exchange(body);
    function.join();
    REQUIRE(end.result);
    CHECK(got == "hello world");
    CHECK(cold.kept.body == "the answer");
    CHECK(cold.kept.raw_head == "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    CHECK(cold.kept.complete);
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("default: an exit code other than 0 is no answer, whatever was printed") {
    Cold cold;
    cold.pair.function.write("half");
    cold.pair.function.close();
    cold.exited.set({3});
    InlineBody body("x");
    const auto end = cold.exchange(body);
    CHECK_FALSE(end.result);
    CHECK(end.lost);
    CHECK(cold.kept.answer.status == 0);
}

TEST_CASE("default: a function may answer without reading its input") {
    Cold cold;
    const std::string big(1 << 20, 'x');
    cold.pair.function.write("done");
    cold.pair.function.close();
    cold.exited.set({0});
    InlineBody body(big);
    CHECK(cold.exchange(body).result);
    CHECK(cold.kept.body == "done");
}

TEST_CASE("default: a big answer to a big body, without deadlock") {
    Cold cold;
    const std::string big(2 << 20, 'x');
    std::jthread function([&] {
        std::array<char, 4096> buffer{};
        for (;;) {
            const auto size = ::read(cold.pair.function.in.get(), buffer.data(), buffer.size());
            if (size <= 0) break;
            cold.pair.function.write({buffer.data(), static_cast<std::size_t>(size)});
        }
        cold.pair.function.close();
        cold.exited.set({0});
    });
    InlineBody body(big);
    CHECK(cold.exchange(body).result);
    CHECK(cold.kept.body == big);
}

TEST_CASE("default: one that does not end, or does not exit, is ended by the deadline") {
    for (const bool closes : {false, true}) {
        CAPTURE(closes);
        Cold cold;
        if (closes) cold.pair.function.close();
        InlineBody body("");
        const auto end = cold.exchange(body, 20ms);
        REQUIRE_FALSE(end.result);
        CHECK(end.result.error().code == Errc::function_timeout);
        CHECK_FALSE(end.lost);
    }
}

TEST_CASE("default: an answer beyond the limit is refused") {
    Cold cold;
    cold.pair.function.write("12345678901");
    InlineBody body("");
    const auto end = cold.exchange(body, 20s, {.whole_body_bytes_max = 10});
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().text() == "function response body too large");
}
