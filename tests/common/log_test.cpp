#include "common/log.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"

using namespace stoker;

TEST_CASE("Log: a JSON line is one object with time, level, event and the fields") {
    const auto line = log::format_line(
        log::Level::warn,
        "call.ended",
        {{"call", "C\"1"},
         {"attempt", 2},
         {"seconds", 1.5},
         {"ok", true},
         {"bytes", std::uint64_t{1} << 40U}},
        true
    );
    CHECK_FALSE(line.contains('\n'));
    const auto json = nlohmann::json::parse(line);
    CHECK(parse_time(json["time"].get<std::string>()));
    CHECK(json["level"] == "warn");
    CHECK(json["event"] == "call.ended");
    CHECK(json["call"] == "C\"1");
    CHECK(json["attempt"] == 2);
    CHECK(json["seconds"] == 1.5);
    CHECK(json["ok"] == true);
    CHECK(json["bytes"] == 1'099'511'627'776);
}

TEST_CASE("Log: a readable line stays one line whatever the values hold") {
    const auto line = log::format_line(
        log::Level::info,
        "event",
        {{"plain", "word"}, {"odd", "two\nlines = \"x\""}, {"none", ""}},
        false
    );
    CHECK_FALSE(line.contains('\n'));
    CHECK(line.ends_with(R"( info  event plain=word odd="two\nlines = \"x\"" none="")"));
}

TEST_CASE("Log: levels below the lowest are not enabled") {
    log::configure(log::Level::warn, log::Format::json);
    CHECK_FALSE(log::enabled(log::Level::info));
    CHECK(log::enabled(log::Level::warn));
    CHECK(log::enabled(log::Level::error));
    log::configure(log::Level::info, log::Format::automatic);
    CHECK(log::enabled(log::Level::info));
}
