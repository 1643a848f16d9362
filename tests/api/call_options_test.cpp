#include "api/call_options.hpp"

#include <doctest/doctest.h>

namespace stoker::test {

namespace {

const WallTime now = parse_time("2026-01-02T03:04:05Z").value();
const CallOptionLimits limits{.delay_max = std::chrono::hours(1)};

std::optional<WallTime> run_at(const Headers& headers) {
    const auto options = call_options(headers, limits, now);
    REQUIRE(options);
    return options->run_at;
}

std::string refusal(const Headers& headers) {
    const auto options = call_options(headers, limits, now);
    REQUIRE_FALSE(options);
    CHECK(options.error().code == Errc::invalid_request);
    return std::string(options.error().text());
}

}  // namespace

TEST_CASE("call_options: a call runs now, after a delay, or at a time") {
    CHECK_FALSE(run_at({}));
    CHECK(run_at({{"stoker-delay", "30s"}}) == now + std::chrono::seconds(30));
    CHECK(run_at({{"Stoker-Delay", "1"}}) == now + std::chrono::seconds(1));
    CHECK(run_at({{"Stoker-Delay", "1h"}}) == now + std::chrono::hours(1));
    CHECK(
        run_at({{"Stoker-Run-At", "2026-01-02T04:04:05.500+00:30"}}) ==
        now + std::chrono::milliseconds(1'800'500)
    );
}

TEST_CASE("call_options: what has passed is now") {
    CHECK_FALSE(run_at({{"Stoker-Delay", "0"}}));
    CHECK_FALSE(run_at({{"Stoker-Run-At", "2026-01-02T03:04:05Z"}}));
    CHECK_FALSE(run_at({{"Stoker-Run-At", "0001-01-01T00:00:00Z"}}));
}

TEST_CASE("call_options: bad delays are refused with a reason") {
    const std::string not_a_delay = "Stoker-Delay is not a duration such as 30s";
    for (const auto* text : {"", "-1s", "1.5s", "soon", "30 s", "99999999999999999999s"}) {
        CAPTURE(text);
        CHECK(refusal({{"Stoker-Delay", text}}) == not_a_delay);
    }
    for (const auto* text : {"", "tomorrow", "1700000000", "2026-01-02", "2026-13-01T00:00:00Z"}) {
        CAPTURE(text);
        CHECK(
            refusal({{"Stoker-Run-At", text}}) ==
            "Stoker-Run-At is not a time such as 2006-01-02T15:04:05Z"
        );
    }
    const std::string too_long = "The call is to be delayed for longer than 1h";
    CHECK(refusal({{"Stoker-Delay", "3600001ms"}}) == too_long);
    CHECK(refusal({{"Stoker-Delay", "2562047h"}}) == too_long);
    CHECK(refusal({{"Stoker-Run-At", "9999-12-31T23:59:59Z"}}) == too_long);
    CHECK(
        refusal({{"Stoker-Delay", "1s"}, {"Stoker-Run-At", "2026-01-02T03:04:06Z"}}) ==
        "Stoker-Delay and Stoker-Run-At exclude each other"
    );
}

TEST_CASE("call_options: priority and age") {
    const auto options =
        call_options({{"Stoker-Priority", "2"}, {"Stoker-Max-Age", "1500ms"}}, limits, now);
    REQUIRE(options);
    CHECK(options->priority == 2);
    CHECK(options->max_age == Millis(1'500));
    for (const auto* text : {"", "3", "-1", "high", "1 ", "01"}) {
        CAPTURE(text);
        CHECK(refusal({{"Stoker-Priority", text}}) == "Stoker-Priority is 0, 1 or 2");
    }
    for (const auto* text : {"", "0", "0ms", "-1s", "soon"}) {
        CAPTURE(text);
        CHECK(
            refusal({{"Stoker-Max-Age", text}}) == "Stoker-Max-Age is not a duration such as 30s"
        );
    }
    CHECK(refusal({{"Stoker-Max-Age", "721h"}}) == "Stoker-Max-Age is at most 720h");
}

TEST_CASE("call_options: a key is printable and not too long") {
    const auto key = [](std::string text) {
        return call_options({{"idempotency-key", std::move(text)}}, limits, now);
    };
    CHECK(key("\"a b\"")->idempotency_key == "\"a b\"");
    CHECK(key(std::string(255, 'k'))->idempotency_key == std::string(255, 'k'));
    CHECK_FALSE(call_options({}, limits, now)->idempotency_key);
    for (const auto& text :
         {std::string(), std::string(256, 'k'), std::string("a\tb"), std::string("caf\xC3\xA9")}) {
        CAPTURE(text);
        REQUIRE_FALSE(key(text));
        CHECK(
            key(text).error().text() ==
            "Idempotency-Key must be 1 to 255 printable ASCII characters"
        );
    }
}

TEST_CASE("call_options: fields that need an asynchronous call are known") {
    CHECK(async_only_field({}).empty());
    CHECK(async_only_field({{"X", "1"}, {"stoker-run-at", ""}}) == "Stoker-Run-At");
}

}  // namespace stoker::test
