#include "worker/syslog/syslog_line.hpp"

#include <doctest/doctest.h>

#include "worker/syslog/syslog_address.hpp"

using namespace stoker;

namespace {

std::vector<std::string> cut(const std::vector<std::string>& pieces, bool ends = true) {
    std::vector<std::string> lines;
    LineCutter cutter;
    const auto note = [&](std::string_view line) { lines.emplace_back(line); };
    for (const auto& piece : pieces) cutter.feed(piece, note);
    if (ends) cutter.end(note);
    return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("syslog: a line becomes an RFC 5424 message with Fn's tag") {
    const SyslogSource source{.host = "host", .app_id = "A", .fn_id = "F", .container = "C"};
    const auto at = from_ms(1'500'000'000'123);
    CHECK(
        syslog_message(source, LogStream::out, at, "hello, you") ==
        "<14>1 2017-07-14T02:40:00.123Z host app_id=A,fn_id=F C - - hello, you"
    );
    CHECK(syslog_message(source, LogStream::err, at, "x").starts_with("<11>1 "));
    CHECK(syslog_message({}, LogStream::out, at, "").contains("Z - app_id=,fn_id= - - - "));
    CHECK(octet_counted("hello") == "5 hello");
}

TEST_CASE("syslog: output is cut into lines however its pieces come") {
    CHECK(cut({"a\nb\n"}) == Lines{"a", "b"});
    CHECK(cut({"a", "b", "\nc"}) == Lines{"ab", "c"});
    CHECK(cut({"a", "b", "\nc"}, false) == Lines{"ab"});
    CHECK(cut({"a\r\n\r\nb\n\n"}) == Lines{"a", "b"});
    CHECK(cut({""}).empty());
    CHECK(cut({"\n\n"}).empty());
}

TEST_CASE("syslog: a line without end comes in pieces of bounded size") {
    const auto lines = cut({std::string(2 * LineCutter::line_bytes_max + 5, 'x'), "\nrest"});
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].size() == LineCutter::line_bytes_max);
    CHECK(lines[1].size() == LineCutter::line_bytes_max);
    CHECK(lines[2] == "xxxxx");
    CHECK(lines[3] == "rest");
}

TEST_CASE("syslog: addresses") {
    CHECK(*parse_syslog_url("tcp://logs:6000") == SyslogAddress{false, {{}, "logs", 6000}});
    CHECK(*parse_syslog_url("udp://logs") == SyslogAddress{true, {{}, "logs", 514}});
    CHECK(*parse_syslog_url("udp://[::1]/") == SyslogAddress{true, {{}, "::1", 514}});
    CHECK(*parse_syslog_url("tcp://[::1]:99") == SyslogAddress{false, {{}, "::1", 99}});
    CHECK(parse_syslog_url("unix:///dev/log")->peer.unix_path == "/dev/log");
    CHECK_FALSE(parse_syslog_url("unix:///dev/log")->datagrams);
    CHECK(parse_syslog_url("unixgram:///dev/log")->datagrams);
    for (const auto* bad :
         {"tcp+tls://logs", "http://logs", "", "tcp://logs:x", "unix://relative"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_syslog_url(bad));
    }
}
