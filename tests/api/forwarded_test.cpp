#include "api/forwarded.hpp"

#include <doctest/doctest.h>

namespace stoker::test {

TEST_CASE("invoke_wish: header, then preference, then the fn's type") {
    const auto mode = [](const Headers& headers, InvokeType type = InvokeType::sync) {
        return invoke_wish(headers, type)->mode;
    };
    CHECK(mode({}) == InvokeMode::sync);
    CHECK(mode({}, InvokeType::async) == InvokeMode::async);
    CHECK(mode({{"fn-invoke-type", "ASYNC"}}) == InvokeMode::async);
    CHECK(mode({{"Fn-Invoke-Type", "Sync"}}, InvokeType::async) == InvokeMode::sync);
    CHECK(mode({{"Fn-Invoke-Type", "detached"}}) == InvokeMode::detached);
    CHECK(mode({{"Prefer", "respond-async"}}) == InvokeMode::async);
    CHECK(mode({{"Prefer", "wait=10, Respond-Async ; x=y"}}) == InvokeMode::async);
    CHECK(mode({{"Prefer", "wait=10"}, {"Prefer", "respond-async"}}) == InvokeMode::async);
    CHECK(mode({{"Prefer", "respond-asynchronously"}}) == InvokeMode::sync);
    CHECK(mode({{"Fn-Invoke-Type", "sync"}, {"Prefer", "respond-async"}}) == InvokeMode::sync);
}

TEST_CASE("invoke_wish: only a preference that decided is applied") {
    CHECK(invoke_wish({{"Prefer", "respond-async"}}, InvokeType::sync)->preference_applied);
    CHECK_FALSE(
        invoke_wish({{"Fn-Invoke-Type", "async"}, {"Prefer", "respond-async"}}, InvokeType::sync)
            ->preference_applied
    );
}

TEST_CASE("invoke_wish: an unknown type is refused") {
    for (const auto* word : {"later", "", "async "}) {
        const auto wish = invoke_wish({{"Fn-Invoke-Type", word}}, InvokeType::sync);
        REQUIRE_FALSE(wish);
        CHECK(wish.error().text() == "Invalid Fn-Invoke-Type");
    }
}

TEST_CASE("forwarded_headers: what is about this hop or for Stoker stays here") {
    const Headers incoming{
        {"Host", "h"},
        {"connection", "Close, X-Hop"},
        {"X-Hop", "1"},
        {"Keep-Alive", "1"},
        {"TE", "trailers"},
        {"Transfer-Encoding", "chunked"},
        {"Content-Length", "1"},
        {"Content-Type", "text/plain"},
        {"Expect", "100-continue"},
        {"Prefer", "respond-async"},
        {"FN-INVOKE-TYPE", "async"},
        {"Fn-Call-Id", "forged"},
        {"Fn-Deadline", "forged"},
        {"Fn-Attempt", "9"},
        {"stoker-delay", "1s"},
        {"Stoker-Anything", "1"},
        {"Authorization", "secret"},
        {"X-Kept", "1"},
        {"x-kept", "2"},
        {"Fn-Other", "3"}
    };
    const Headers kept{{"X-Kept", "1"}, {"x-kept", "2"}, {"Fn-Other", "3"}};
    CHECK(forwarded_headers(incoming, false) == kept);
    CHECK(find_header(forwarded_headers(incoming, true), "authorization") != nullptr);
    CHECK(content_type_of(incoming) == "text/plain");
    CHECK(content_type_of({}).empty());
}

}  // namespace stoker::test
