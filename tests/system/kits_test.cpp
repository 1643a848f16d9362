// Functions made with Fn's own kits, unmodified, and without any: those in examples/, in images
// that tests/system/kits has built. Everything holds for synchronous and asynchronous calls alike.

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;
using nlohmann::json;

namespace stoker::test {

// What the greeting functions differ in.
struct Node {
    static constexpr const char* name = "node";
    static constexpr bool all_values = true;
    static constexpr const char* json_error = "SyntaxError";
};
struct Python {
    static constexpr const char* name = "python";
    static constexpr bool all_values = false;  // the kit keeps the last of headers with one name
    static constexpr const char* json_error = "Expecting value";
};
struct Go {
    static constexpr const char* name = "go";
    static constexpr bool all_values = true;
    static constexpr const char* json_error = "invalid character";
};

}  // namespace stoker::test

namespace {

enum class Way : std::uint8_t { sync, async };
constexpr auto ways = {Way::sync, Way::async};

std::string first_line(const std::string& name) {
    std::ifstream in(std::string(STOKER_TEST_KITS) + "/" + name);
    std::string line;
    std::getline(in, line);
    return line;
}

/// None, and the test is skipped, where the kit cannot be had.
std::optional<std::string> kit_image(const std::string& kit) {
    if (auto image = first_line(kit + ".image"); !image.empty()) return image;
    const auto reason = first_line(kit + ".missing");
    if (reason.empty())
        throw std::runtime_error("first: tests/system/kits build " STOKER_TEST_KITS);
    std::printf("Skipped: %s: %s\n", kit.c_str(), reason.c_str());
    return std::nullopt;
}

std::string header(const HttpAnswer& answer, std::string_view name) {
    const auto* value = find_header(answer.headers, name);
    return value ? *value : "";
}

std::string invoke_async(
    const StokerProcess& stoker, const std::string& fn, std::string body, Headers headers
) {
    headers.emplace_back("Fn-Invoke-Type", "async");
    const auto accepted =
        stoker.request("POST", "/invoke/" + fn, std::move(body), std::move(headers));
    REQUIRE(accepted.status == 202);
    return json::parse(accepted.body).at("call_id");
}

/// The function's answer, either way.
HttpAnswer invoke(
    const StokerProcess& stoker,
    const std::string& fn,
    Way way,
    std::string body,
    Headers headers = {}
) {
    if (way == Way::sync) {
        return stoker.request("POST", "/invoke/" + fn, std::move(body), std::move(headers));
    }
    const auto id = invoke_async(stoker, fn, std::move(body), std::move(headers));
    stoker.ended(id);
    return stoker.request("GET", "/v2/calls/" + id + "/response");
}

const Headers json_type{{"Content-Type", "application/json"}};

Headers with(Headers headers, const Headers& more) {
    headers.insert(headers.end(), more.begin(), more.end());
    return headers;
}

std::string every_byte() {
    std::string bytes;
    for (int i = 0; i < 1024; ++i) bytes += static_cast<char>(i);
    return bytes;
}

std::string ten_megabytes() {
    std::string bytes(10UL << 20U, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 7U);
    return bytes;
}

}  // namespace

TEST_CASE_TEMPLATE(
    "kit: input, headers and config go in, the answer comes out", K, Node, Python, Go
) {
    const auto image = kit_image(K::name);
    if (!image) return;
    const Running stoker;
    const auto fn = stoker.make_fn(*image, {{"config", {{"GREETING", "Salut"}}}});
    for (const auto way : ways) {
        CAPTURE(static_cast<int>(way));
        const auto answer = invoke(
            stoker,
            fn,
            way,
            R"({"name":"Ada"})",
            with(json_type, {{"X-Tag", "one"}, {"X-Tag", "two"}})
        );
        CHECK(answer.status == 200);
        CHECK(header(answer, "Content-Type") == "application/json");
        CHECK(header(answer, "X-Greeted") == "Ada");
        const json greeting = json::parse(answer.body);
        CHECK(greeting.at("message") == "Salut, Ada!");
        CHECK(greeting.at("call_id") == header(answer, "Fn-Call-Id"));
        CHECK(greeting.at("attempt") == 1);
        CHECK(greeting.at("deadline").get<std::string>().starts_with("2"));
        CHECK(greeting.at("tags") == (K::all_values ? json{"one", "two"} : json{"two"}));
    }
    CHECK(stoker.containers().size() == 1);
}

TEST_CASE_TEMPLATE("kit: bodies come back as they went", K, Node, Python, Go) {
    const auto image = kit_image(K::name);
    if (!image) return;
    const Running stoker;
    const auto fn = stoker.make_fn(*image);
    for (const auto way : ways) {
        CAPTURE(static_cast<int>(way));
        const auto text = invoke(stoker, fn, way, "grüß Gott\n", {{"Content-Type", "text/x-mine"}});
        CHECK(text.body == "grüß Gott\n");
        CHECK(header(text, "Content-Type") == "text/x-mine");
        CHECK(invoke(stoker, fn, way, every_byte()).body == every_byte());
        const auto empty = invoke(stoker, fn, way, "");
        CHECK(empty.status == 200);
        CHECK(empty.body.empty());
        const auto big = invoke(stoker, fn, way, ten_megabytes());
        CHECK(big.body.size() == ten_megabytes().size());
        CHECK((big.body == ten_megabytes()));
    }
    const auto chunked = stoker.raw(
        "POST /invoke/" + fn +
        " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    );
    CHECK(chunked.starts_with("HTTP/1.1 200 "));
    CHECK(chunked.contains("onetwo"));
}

TEST_CASE_TEMPLATE(
    "kit: an exception is a failed call, and the container serves on", K, Node, Python, Go
) {
    const auto image = kit_image(K::name);
    if (!image) return;
    const Running stoker;
    const auto fn = stoker.make_fn(*image);
    const auto failed = stoker.request("POST", "/invoke/" + fn, "no JSON", json_type);
    CHECK(failed.status == 502);
    CHECK(json::parse(failed.body).at("message") == "function failed");
    const auto container = stoker.containers();

    const auto id = invoke_async(stoker, fn, "no JSON", json_type);
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "function_failed");
    CHECK(stoker.log_of(id).contains(K::json_error));

    CHECK(invoke(stoker, fn, Way::sync, "well").body == "well");
    CHECK(stoker.containers() == container);
}

TEST_CASE_TEMPLATE(
    "kit: a call that takes too long is ended, and the next one is well", K, Node, Python, Go
) {
    const auto image = kit_image(K::name);
    if (!image) return;
    const Running stoker;
    const auto fn = stoker.make_fn(*image, {{"timeout", 1}});
    const auto* slow = R"({"name":"Ada","delay_ms":60000})";
    const auto late = stoker.request("POST", "/invoke/" + fn, slow, json_type);
    CHECK(late.status == 504);
    CHECK(json::parse(late.body).at("message") == "Timed out");
    const auto id = invoke_async(stoker, fn, slow, json_type);
    CHECK(stoker.ended(id).at("status") == "timeout");
    CHECK(invoke(stoker, fn, Way::async, "well").body == "well");
}

TEST_CASE_TEMPLATE(
    "kit: a function answers a trigger's call with a status of its own", K, Node, Python, Go
) {
    const auto image = kit_image(K::name);
    if (!image) return;
    const Running stoker;
    const auto fn = stoker.make_fn(*image);
    const auto answer = invoke(
        stoker,
        fn,
        Way::sync,
        "{}",
        with(json_type, {{"Fn-Intent", "httprequest"}, {"Fn-Http-Method", "POST"}})
    );
    CHECK(answer.status == 200);
    CHECK(header(answer, "Fn-Http-Status") == "400");
    CHECK(json::parse(answer.body).at("error") == "name is missing");
}

TEST_CASE_TEMPLATE(
    "kit: calls at once, each with its own answer and log, until a graceful stop",
    K,
    Node,
    Python,
    Go
) {
    const auto image = kit_image(K::name);
    if (!image) return;
    Running stoker;
    const auto fn = stoker.make_fn(*image);
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) {
        ids.push_back(invoke_async(
            stoker, fn, json{{"name", "number " + std::to_string(i)}}.dump(), json_type
        ));
    }
    for (int i = 0; i < 20; ++i) {
        const auto& id = ids.at(static_cast<std::size_t>(i));
        CHECK(stoker.ended(id).at("status") == "success");
        const auto answer = stoker.request("GET", "/v2/calls/" + id + "/response");
        CHECK(json::parse(answer.body).at("call_id") == id);
        CHECK(header(answer, "X-Greeted") == "number " + std::to_string(i));
        const auto log = stoker.log_of(id);
        CHECK(log.contains(std::string(K::name) + ": call " + id + ": "));
        CHECK(std::ranges::count(log, '\n') == 1);  // the kit's frames are not in it
    }
    CHECK(stoker.containers().size() < 20);  // hot ones were used again

    std::atomic<int> good = 0;
    std::vector<std::jthread> clients;
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back([&, text = "number " + std::to_string(i)] {
            good += invoke(stoker, fn, Way::sync, text).body == text;
        });
    }
    clients.clear();
    CHECK(good == 20);

    const auto last = invoke_async(stoker, fn, R"({"name":"Ada","delay_ms":500})", json_type);
    eventually("the last call executes", [&] {
        const auto call = stoker.json("GET", "/v2/calls/" + last);
        return call.value("phase", "") == "executing" || call.at("status") == "success";
    });
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    CHECK(stoker.containers().empty());
    stoker.start_ready();
    CHECK(stoker.json("GET", "/v2/calls/" + last).at("status") == "success");
}

TEST_CASE("kit: C without any kit") {
    const auto image = kit_image("c");
    if (!image) return;
    const Running stoker;
    const auto fn = stoker.make_fn(*image);
    for (const auto way : ways) {
        CAPTURE(static_cast<int>(way));
        CHECK(invoke(stoker, fn, way, "").body == "Hello, world!\n");
        CHECK(invoke(stoker, fn, way, every_byte()).body == "Hello, " + every_byte() + "!\n");
    }
    // What comes back is larger than what went in, and must not be larger than may be stored.
    auto big = ten_megabytes();
    big.resize(big.size() - 9);
    CHECK((invoke(stoker, fn, Way::async, big).body == "Hello, " + big + "!\n"));
    const auto id = invoke_async(stoker, fn, "you", {});
    stoker.ended(id);
    CHECK(stoker.log_of(id) == "hello: call " + id + " attempt 1\n");
    CHECK(stoker.containers().size() == 1);
}
