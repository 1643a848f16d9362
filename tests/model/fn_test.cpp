#include "model/fn.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace stoker;

namespace {

Fn good_fn() {
    Fn fn;
    fn.id = "01D2TJ0DXBNG8G00GZJ0000002";
    fn.app_id = "01D2TJ0DXBNG8G00GZJ0000001";
    fn.name = "thumbnail";
    fn.image = "shop/thumbnail:1";
    fn.created_at = from_ms(1000);
    fn.updated_at = from_ms(1000);
    return fn;
}

std::string refusal(const std::function<void(Fn&)>& change) {
    auto fn = good_fn();
    change(fn);
    const auto valid = validate(fn);
    if (valid) return "";
    CHECK(valid.error().code == Errc::invalid_request);
    return valid.error().message;
}

}  // namespace

TEST_CASE("Fn: pauses before retries are at most a day") {
    CHECK(refusal([](Fn& fn) { fn.retry.base_ms = retry_pause_ms_max; }).empty());
    CHECK(refusal([](Fn& fn) { fn.retry.base_ms = -1; }).starts_with("retry.base_ms value"));
    CHECK(refusal([](Fn& fn) {
              fn.retry.cap_ms = retry_pause_ms_max + 1;
          }) == "retry.cap_ms value is out of range, must be between 0 and 86400000");
}

TEST_CASE("Fn: the defaults are good") { CHECK(validate(good_fn())); }

TEST_CASE("Fn: app, name and image are required") {
    CHECK(refusal([](Fn& fn) { fn.app_id = ""; }) == "Missing AppID on Fn");
    CHECK(refusal([](Fn& fn) { fn.name = ""; }) == "Missing Fn name");
    CHECK(refusal([](Fn& fn) { fn.image = ""; }) == "Missing image on Fn");
}

TEST_CASE("Fn: a name is its own URL path segment of up to 255 bytes") {
    CHECK(refusal([](Fn& fn) { fn.name.assign(255, 'n'); }).empty());
    CHECK(refusal([](Fn& fn) {
              fn.name.assign(256, 'n');
          }) == "Fn name must be 255 characters or less");
    CHECK(refusal([](Fn& fn) { fn.name = "a-b_c.d~e$f&g+h:i=j@k"; }).empty());
    for (const auto* bad : {"a b", "a/b", "a%20", "a?b", "a#b", "caf\xC3\xA9", "a;b", "a,b"}) {
        CAPTURE(bad);
        CHECK(refusal([&](Fn& fn) { fn.name = bad; }) == "name must be a valid string");
    }
}

TEST_CASE("Fn: timeout is 1 to 300 s for sync functions and to 3600 s for async ones") {
    const auto* sync_text = "timeout value is out of range, must be between 0 and 300";
    const auto* async_text = "timeout value is out of range, must be between 0 and 3600";
    const auto with = [](InvokeType type, std::int32_t timeout) {
        return refusal([=](Fn& fn) {
            fn.type = type;
            fn.timeout = timeout;
        });
    };
    for (const auto good : {1, 300}) CHECK(with(InvokeType::sync, good).empty());
    for (const auto bad : {-1, 0, 301}) CHECK(with(InvokeType::sync, bad) == sync_text);
    for (const auto good : {1, 3600}) CHECK(with(InvokeType::async, good).empty());
    for (const auto bad : {-1, 0, 3601}) CHECK(with(InvokeType::async, bad) == async_text);
}

TEST_CASE("Fn: idle_timeout is 1 to 3600 s") {
    for (const auto good : {1, 3600}) {
        CHECK(refusal([=](Fn& fn) { fn.idle_timeout = good; }).empty());
    }
    for (const auto bad : {-1, 0, 3601}) {
        CHECK(refusal([=](Fn& fn) {
                  fn.idle_timeout = bad;
              }) == "idle_timeout value is out of range, must be between 0 and 3600");
    }
}

TEST_CASE("Fn: memory is 1 to 8192 MB") {
    for (const std::uint64_t good : {1U, 8192U}) {
        CHECK(refusal([=](Fn& fn) { fn.memory = good; }).empty());
    }
    for (const std::uint64_t bad : {0U, 8193U}) {
        CHECK(refusal([=](Fn& fn) {
                  fn.memory = bad;
              }) == "memory value is out of range. It should be between 0 and 8192");
    }
}

TEST_CASE("Fn: a call may be attempted 1 to 100 times") {
    for (const int good : {1, 100}) {
        CHECK(refusal([=](Fn& fn) { fn.retry.max_attempts = good; }).empty());
    }
    for (const int bad : {-1, 0, 101}) {
        CHECK(refusal([=](Fn& fn) {
                  fn.retry.max_attempts = bad;
              }) == "retry.max_attempts value is out of range, must be between 1 and 100");
    }
}

TEST_CASE("Fn: /tmp, concurrency and idle containers have bounds") {
    const auto tmpfs = [](std::uint32_t mb) {
        return refusal([=](Fn& fn) { fn.tmpfs_size = mb; });
    };
    CHECK(tmpfs(8192).empty());
    CHECK(tmpfs(8193) == "tmpfs_size value is out of range, must be between 0 and 8192");
    const auto concurrency = [](std::int32_t bound) {
        return refusal([=](Fn& fn) { fn.max_concurrency = bound; });
    };
    CHECK(concurrency(10'000).empty());
    for (const auto bad : {-1, 10'001}) {
        CHECK(
            concurrency(bad) == "max_concurrency value is out of range, must be between 0 and 10000"
        );
    }
    const auto min_idle = [](std::int32_t count) {
        return refusal([=](Fn& fn) { fn.min_idle = count; });
    };
    CHECK(min_idle(1000).empty());
    for (const auto bad : {-1, 1001}) {
        CHECK(min_idle(bad) == "min_idle value is out of range, must be between 0 and 1000");
    }
}

TEST_CASE("Fn: settings that contradict each other are refused") {
    CHECK(refusal([](Fn& fn) {
              fn.format = FnFormat::cold;
              fn.min_idle = 1;
          }) == "min_idle needs a hot format: format default starts per call");
    CHECK(refusal([](Fn& fn) {
              fn.max_concurrency = 1;
              fn.min_idle = 2;
          }) == "min_idle must not exceed max_concurrency");
}

TEST_CASE("Fn: every format has a word") {
    for (const auto* word : {"http-stream", "http", "json", "cloudevent", "default"}) {
        const auto format = parse_fn_format(word);
        REQUIRE(format);
        CHECK(to_word(*format) == word);
    }
    CHECK_FALSE(parse_fn_format("HTTP"));
    CHECK_FALSE(parse_fn_format(""));
}

TEST_CASE("Fn: the first broken rule in Fn's order is reported") {
    Fn fn = good_fn();
    fn.annotations = {{"bad key", "1"}};
    CHECK(validate(fn).error().message.starts_with("Invalid annotation key"));
    fn.memory = 0;
    CHECK(validate(fn).error().message.starts_with("memory"));
    fn.idle_timeout = 0;
    CHECK(validate(fn).error().message.starts_with("idle_timeout"));
    fn.timeout = 0;
    CHECK(validate(fn).error().message.starts_with("timeout"));
    fn.image = "";
    CHECK(validate(fn).error().message == "Missing image on Fn");
    fn.name = "a b";
    CHECK(validate(fn).error().message == "name must be a valid string");
    fn.name = std::string(256, ' ');
    CHECK(validate(fn).error().message == "Fn name must be 255 characters or less");
    fn.name = "";
    CHECK(validate(fn).error().message == "Missing Fn name");
    fn.app_id = "";
    CHECK(validate(fn).error().message == "Missing AppID on Fn");
}

TEST_CASE("Fn: invocation types are the words sync and async") {
    CHECK(parse_invoke_type("sync") == InvokeType::sync);
    CHECK(parse_invoke_type("async") == InvokeType::async);
    for (const auto* bad : {"", "Sync", "detached"}) CHECK_FALSE(parse_invoke_type(bad));
    CHECK(to_word(InvokeType::sync) == "sync");
    CHECK(to_word(InvokeType::async) == "async");
}

TEST_CASE("Fn: a patch sets what it names, bumps the revision once and keeps the rest") {
    auto fn = good_fn();
    fn.config = {{"keep", "1"}, {"drop", "2"}};
    FnPatch patch;
    patch.id = fn.id;
    patch.image = "shop/thumbnail:2";
    patch.type = InvokeType::async;
    patch.memory = 256;
    patch.timeout = 3600;
    patch.idle_timeout = 60;
    patch.retry = RetryPolicy{.max_attempts = 5};
    patch.config = {{"drop", ""}};
    patch.annotations = {{"k", "{\"a\":1}"}};
    const auto merged = apply(fn, patch, from_ms(2000));
    REQUIRE(merged);
    CHECK(merged->image == "shop/thumbnail:2");
    CHECK(merged->type == InvokeType::async);
    CHECK(merged->memory == 256);
    CHECK(merged->timeout == 3600);
    CHECK(merged->idle_timeout == 60);
    CHECK(merged->retry.max_attempts == 5);
    CHECK(merged->config == Config{{"keep", "1"}});
    CHECK(merged->annotations == Annotations{{"k", "{\"a\":1}"}});
    CHECK(merged->rev == fn.rev + 1);
    CHECK(merged->updated_at == from_ms(2000));
    CHECK(apply(*merged, patch, from_ms(3000)) == *merged);
}

TEST_CASE("Fn: a patch for another id or with a bad result is refused") {
    FnPatch other;
    other.id = "x";
    const auto merged = apply(good_fn(), other, from_ms(2000));
    REQUIRE_FALSE(merged);
    CHECK(merged.error().message == "Fn ID in path does not match that in body");

    FnPatch too_long;
    too_long.timeout = 301;
    CHECK_FALSE(apply(good_fn(), too_long, from_ms(2000)));
    too_long.type = InvokeType::async;
    CHECK(apply(good_fn(), too_long, from_ms(2000)));
}
