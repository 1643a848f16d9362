// Synchronous calls: the answer itself, streamed both ways.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <thread>

#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("sync: the function's answer and its headers") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto answer = stoker.request("POST", "/invoke/" + fn, "echo hello");
    CHECK(answer.status == 200);
    CHECK(answer.body == "hello");
    CHECK(*find_header(answer.headers, "Content-Type") == "text/plain");
    CHECK(find_header(answer.headers, "Fn-Call-Id")->size() == 26);
    int twice = 0;
    for (const auto& [name, value] : answer.headers) twice += same_header_name(name, "x-twice");
    CHECK(twice == 2);
    CHECK(stoker.request("POST", "/invoke/" + fn, "chunked abc").body == "abc");
}

TEST_CASE("sync: large bodies stream in and out") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"memory", 512}});
    std::string body = "echo ";
    body.resize(50UL << 20U);
    for (std::size_t i = 5; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
    const auto answer = stoker.request("POST", "/invoke/" + fn, body);
    CHECK(answer.status == 200);
    CHECK(answer.body == body.substr(5));
}

TEST_CASE("sync: many at once share few containers") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    std::atomic<int> good = 0;
    std::vector<std::jthread> clients;
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back([&, i] {
            for (int k = 0; k < 50; ++k) {
                const auto text = std::to_string(i) + "/" + std::to_string(k);
                good += stoker.request("POST", "/invoke/" + fn, "echo " + text).body == text;
            }
        });
    }
    clients.clear();
    CHECK(good == 800);
    CHECK(stoker.containers().size() <= 16);
}

TEST_CASE("sync: a caller that has gone while it waited for a slot costs no run") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"max_concurrency", 1}});
    std::jthread first([&] {
        CHECK(stoker.request("POST", "/invoke/" + fn, "sleep 1500").status == 200);
    });
    eventually("it runs", [&] { return metric(stoker, "stoker_containers{state=\"busy\"}") == 1; });
    {
        asio::io_context io;
        asio::ip::tcp::socket gone(io);
        gone.connect({asio::ip::address_v4::loopback(), stoker.address().port});
        const auto request =
            "POST /invoke/" + fn + " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\necho x";
        asio::write(gone, asio::buffer(request));
        eventually("it waits", [&] { return metric(stoker, "stoker_slot_waiters") == 1; });
    }
    first.join();
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo y").body == "y");
    CHECK(metric(stoker, "stoker_call_run_seconds_count") == 2);
}

TEST_CASE("sync: a call whose caller hangs up while it runs is ended, and its container goes") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"timeout", 300}, {"max_concurrency", 1}});
    {
        asio::io_context io;
        asio::ip::tcp::socket gone(io);
        gone.connect({asio::ip::address_v4::loopback(), stoker.address().port});
        const auto request =
            "POST /invoke/" + fn + " HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\nsleep 200000";
        asio::write(gone, asio::buffer(request));
        eventually("it runs", [&] {
            return metric(stoker, "stoker_containers{state=\"busy\"}") == 1;
        });
    }
    // Its function would go on for minutes, and nobody else would get in.
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo y").body == "y");
    CHECK(metric(stoker, "stoker_container_start_seconds_count{stage=\"socket\"}") == 2);
}

TEST_CASE("sync: an idle container goes after its idle timeout") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"idle_timeout", 1}});
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 200);
    eventually("the idle container is gone", [&] { return stoker.containers().empty(); });
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo y").body == "y");
}

TEST_CASE("sync: the metrics tell each stage of a container's start") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 200);
    const auto metrics = stoker.request("GET", "/metrics").body;
    for (const std::string stage : {"create", "start", "init", "socket"}) {
        const auto line = "stoker_container_start_seconds_count{stage=\"" + stage + "\"} 1\n";
        CAPTURE(line);
        CHECK(metrics.contains(line));
    }
}
