// The main job: a call is accepted, visible at once, runs in a real container, ends, and shows its
// status, its response as it came, and its log.

#include <set>
#include <thread>

#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;
using nlohmann::json;

namespace {

std::string header(const HttpAnswer& answer, std::string_view name) {
    const auto* value = find_header(answer.headers, name);
    return value ? *value : "";
}

}  // namespace

TEST_CASE("main job: accepted, visible at once, run, and told in full") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto accepted =
        stoker.request("POST", "/invoke/" + fn, "say hello", {{"Fn-Invoke-Type", "ASYNC"}});
    REQUIRE(accepted.status == 202);
    const std::string id = json::parse(accepted.body).at("call_id");
    CHECK(header(accepted, "Fn-Call-Id") == id);
    CHECK(header(accepted, "Location") == "/v2/calls/" + id);

    const auto seen = stoker.json("GET", "/v2/calls/" + id);
    CHECK(seen.at("fn_id") == fn);
    CHECK(seen.at("id") == id);

    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 1);
    CHECK(call.contains("created_at"));
    CHECK(call.contains("claimed_at"));
    CHECK(call.contains("started_at"));
    CHECK(call.contains("completed_at"));
    CHECK_FALSE(call.contains("error"));

    const auto text = stoker.log_of(id);
    CHECK(has_both_lines(text, "hello"));
    const auto log = stoker.json("GET", "/v2/fns/" + fn + "/calls/" + id + "/log");
    CHECK(log.at("call_id") == id);
    CHECK(log.at("log") == text);
    CHECK(stoker.json("GET", "/v2/fns/" + fn + "/calls/" + id).at("status") == "success");
    CHECK(stoker.json("GET", "/v2/fns/" + fn + "/calls").at("items").size() == 1);
}

TEST_CASE("main job: the response is the function's, byte for byte") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"type", "async"}});
    std::string binary = "echo ";
    for (int i = 0; i < 100'000; ++i) binary += static_cast<char>(i * 7);

    const std::string id =
        json::parse(stoker.request("POST", "/invoke/" + fn, binary).body).at("call_id");
    CHECK(stoker.ended(id).at("status") == "success");
    const auto answer = stoker.request("GET", "/v2/calls/" + id + "/response");
    CHECK(answer.status == 200);
    CHECK(answer.body == binary.substr(5));
    CHECK(header(answer, "Content-Type") == "text/plain");
    CHECK(header(answer, "Fn-Call-Status") == "success");

    const auto raw =
        stoker.request("GET", "/v2/calls/" + id + "/response", {}, {{"Accept", "message/http"}});
    CHECK(
        raw.body ==
        "HTTP/1.1 200 Test\r\nContent-Type: text/plain\r\nX-Twice: 1\r\nX-Twice: 2\r\n"
        "Content-Length: 100000\r\n\r\n" +
            binary.substr(5)
    );
}

TEST_CASE("main job: a chunked response replays whole, and raw with its framing") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "chunked abc");
    CHECK(stoker.ended(id).at("status") == "success");
    CHECK(stoker.request("GET", "/v2/calls/" + id + "/response").body == "abc");
    const auto raw =
        stoker.request("GET", "/v2/calls/" + id + "/response", {}, {{"Accept", "message/http"}});
    CHECK(raw.body.ends_with("\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"));
}

TEST_CASE("main job: the function sees the call's id, attempt, deadline and headers") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto accepted = stoker.request(
        "POST",
        "/invoke/" + fn,
        "head",
        {{"Fn-Invoke-Type", "async"},
         {"X-Mine", "one"},
         {"X-Mine", "two"},
         {"Content-Type", "text/x-test"}}
    );
    const std::string id = json::parse(accepted.body).at("call_id");
    stoker.ended(id);
    const auto head = stoker.request("GET", "/v2/calls/" + id + "/response").body;
    CHECK(head.starts_with("POST /call HTTP/1.1\r\n"));
    CHECK(head.contains("Fn-Call-Id: " + id + "\r\n"));
    INFO(head);
    CHECK(head.contains("Fn-Attempt: 1\r\n"));
    CHECK(head.contains("Fn-Deadline: 2"));
    CHECK(head.contains("X-Mine: one\r\nX-Mine: two\r\n"));
    CHECK(head.contains("Content-Type: text/x-test\r\n"));
    CHECK(head.contains("Content-Length: 4\r\n"));
    CHECK_FALSE(head.contains("Fn-Invoke-Type"));
}

TEST_CASE("main job: bodies of several megabytes go in and out") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    std::string body = "echo ";
    body.resize(9UL << 20U, 'z');
    const auto id = stoker.call_async(fn, body);
    CHECK(stoker.ended(id).at("status") == "success");
    const auto answer = stoker.request("GET", "/v2/calls/" + id + "/response");
    CHECK(answer.body.size() == body.size() - 5);
    CHECK(answer.body == body.substr(5));

    const auto too_big = stoker.request(
        "POST", "/invoke/" + fn, std::string((10UL << 20U) + 1, 'x'), {{"Fn-Invoke-Type", "async"}}
    );
    CHECK(too_big.status == 413);
}

TEST_CASE("main job: output written after the answer still belongs to its call") {
    const Running stoker({"--freeze-idle", "0"});  // frozen, it would not come to write
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "late words");
    CHECK(stoker.ended(id).at("status") == "success");
    eventually("the late line is in the log", [&] { return stoker.log_of(id) == "late: words\n"; });
}

TEST_CASE("main job: many calls of many functions all end, each with its own answer and log") {
    const Running stoker;
    std::vector<std::string> fns;
    for (int i = 0; i < 3; ++i) fns.push_back(stoker.make_fn(function_image()));
    std::vector<std::pair<std::string, std::string>> calls;
    for (int i = 0; i < 300; ++i) {
        const auto text = "call number " + std::to_string(i);
        calls.emplace_back(
            stoker.call_async(fns[static_cast<std::size_t>(i % 3)], "say " + text), text
        );
    }
    for (const auto& [id, text] : calls) {
        CHECK(stoker.ended(id).at("status") == "success");
        CHECK(stoker.request("GET", "/v2/calls/" + id + "/response").body == text);
        CHECK(has_both_lines(stoker.log_of(id), text));
    }
}

TEST_CASE("main job: a deleted function's waiting calls are cancelled, its ended ones stay") {
    // So little memory that one sleeping call closes the gate and the rest waits in the queue.
    const Running stoker({"--memory", "200MB"});
    const auto fn = stoker.make_fn(function_image());
    const auto done = stoker.call_async(fn, "echo x");
    stoker.ended(done);
    const auto running = stoker.call_async(fn, "sleep 2000");
    wait_until_executing(stoker, running);
    const auto waiting = stoker.call_async(fn, "echo y");
    CHECK(stoker.json("GET", "/v2/calls/" + waiting).at("status") == "queued");

    CHECK(stoker.request("DELETE", "/v2/fns/" + fn).status == 204);
    CHECK(stoker.json("GET", "/v2/calls/" + waiting).at("status") == "cancelled");
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo").status == 404);
    CHECK(stoker.ended(running).at("status") == "success");
    CHECK(stoker.json("GET", "/v2/calls/" + done).at("status") == "success");
}

TEST_CASE("main job: the half-memory gate holds calls back while busy, and lets them go after") {
    const Running stoker({"--memory", "300MB"});
    const auto slow = stoker.make_fn(function_image(), {{"memory", 160}});
    const auto other = stoker.make_fn(function_image(), {{"memory", 64}});
    const auto busy = stoker.call_async(slow, "sleep 1500");
    wait_until_executing(stoker, busy);
    // 160 of 300 MB are busy: more than half. There is room for 64 MB, but not for asynchronous
    // work…
    const auto held = stoker.call_async(other, "echo x");
    // …while a synchronous call may use it.
    CHECK(stoker.request("POST", "/invoke/" + other, "echo sync").body == "sync");
    const auto seen = stoker.json("GET", "/v2/calls/" + held);
    const auto still_busy = stoker.json("GET", "/v2/calls/" + busy);
    if (still_busy.at("status") == "running") CHECK(seen.at("status") == "queued");
    CHECK(stoker.ended(held).at("status") == "success");
    CHECK(stoker.ended(busy).at("status") == "success");
    const auto claimed = stoker.json("GET", "/v2/calls/" + held).at("claimed_at");
    const auto freed = stoker.json("GET", "/v2/calls/" + busy).at("completed_at");
    CHECK(claimed.get<std::string>() >= freed.get<std::string>());
}
