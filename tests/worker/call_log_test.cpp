#include "worker/call_log.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace stoker;

namespace {

std::string text_of(const std::vector<LogChunk>& chunks) {
    std::string text;
    for (const auto& chunk : chunks) text += chunk.data;
    return text;
}

}  // namespace

TEST_CASE("CallLog: small writes of one stream share a chunk, another stream begins its own") {
    CallLog log(1000);
    log.append(LogStream::out, "a");
    log.append(LogStream::out, "b");
    log.append(LogStream::err, "c");
    const auto chunks = log.take();
    REQUIRE(chunks.size() == 2);
    CHECK(chunks[0].data == "ab");
    CHECK(chunks[1].stream == LogStream::err);
}

TEST_CASE("CallLog: chunks are numbered on over takes") {
    CallLog log(1000);
    log.append(LogStream::out, "a");
    CHECK(log.take().at(0).seq == 0);
    CHECK_FALSE(log.has_chunks());
    log.append(LogStream::out, "b");
    CHECK(log.take().at(0).seq == 1);
}

TEST_CASE("CallLog: at the limit one line says so and the rest is dropped") {
    CallLog log(10);
    log.append(LogStream::out, "0123456789abc");
    log.append(LogStream::out, "more");
    CHECK(
        text_of(log.take()) ==
        "0123456789\n-----max log size 10 bytes exceeded, truncating log-----\n"
    );
    log.append(LogStream::out, "more");
    CHECK_FALSE(log.has_chunks());
}

TEST_CASE("CallLog: a flood is kept in chunks of bounded size") {
    CallLog log(1 << 20);
    for (int i = 0; i < 100; ++i) log.append(LogStream::out, std::string(10'000, 'x'));
    for (const auto& chunk : log.take()) CHECK(chunk.data.size() <= 64 * 1024);
}
