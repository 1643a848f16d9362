// Every setting of `stoker start` with every kind of bad value, from a flag, the environment and a
// file: refused with exit code 2, naming where the value came from and what is allowed. The list of
// settings is the command's own help, so that a new setting without a row fails.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "cli/start_settings.hpp"
#include "common/config_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker {

namespace {

using Variables = std::map<std::string, std::string>;
using Texts = std::vector<std::string>;

StartOutcome load(const Texts& arguments, const Variables& variables = {}) {
    return load_start_settings(arguments, [&](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
}

struct SettingRow {
    std::string name;
    std::string allowed;  ///< what an error says
    Texts bad;
    Texts good;  ///< the bounds among them
};

const std::string a_size = "a size such as 4GB, 512MiB or a number of bytes";
const std::string a_duration = "a duration such as 30s, 250ms, 1h30m or seconds";
const std::string to_a_day = "a duration from 1ms to 24h";
const std::string timer = "a duration from 10ms to 24h";

std::vector<SettingRow> server_rows() {
    const std::string address = "an address such as 127.0.0.1:8080 or [::1]:8080";
    return {
        {"listen",
         address,
         {"",
          "8080",
          "localhost",
          "host.example:80",
          "127.0.0.1:65536",
          "127.0.0.1:-1",
          "127.0.0.1:x",
          "127.0.0.1:",
          "::1:80",
          "[::1]",
          "[127.0.0.1]:80",
          "256.0.0.1:80",
          "127.0.0.1:80 ",
          "http://127.0.0.1:80"},
         {"127.0.0.1:0", "127.0.0.1:65535", "[::1]:1", "localhost:1"}},
        {"port",
         "a number from 0 to 65535",
         {"", "x", "-1", "65536", "99999999999999999999", "80 ", "0x50", "80.0"},
         {"0", "65535"}},
        {"insecure", "true or false", {"", "maybe", "2", "tru"}, {"true", "no", "ON", "0"}},
        {"public-url",
         "a URL",
         {"",
          "x",
          "ftp://x",
          "http:",
          "http://",
          "http:///x",
          "http://a b",
          "http://a/b c",
          "http://u@a",
          "http://a:x",
          "http://a:65536",
          "http://a?q",
          "http://a/#f",
          "http://a/%zz",
          "http://a\r\nX: y"},
         {"http://a", "HTTPS://a.example:8443/base", "http://[::1]:80"}},
        {"log-level",
         "one of debug, info, warn, error",
         {"", "loud", "warning", "inf"},
         {"debug", "ERROR"}},
        {"log-format", "one of auto, json, text", {"", "xml"}, {"auto", "json", "text"}},
        {"lanes", "a number from 0 to 1024", {"", "many", "-1", "1025", "1.5"}, {"0", "1024"}},
        {"max-connections",
         "a number from 1 to 1000000",
         {"", "0", "-5", "1000001"},
         {"1", "1000000"}},
    };
}

std::vector<SettingRow> storage_rows() {
    const std::string depth = "a number from 1 to 100000000";
    return {
        {"data", "a path", {"", std::string("a\0b", 3)}, {"x", "/srv/with space"}},
        {"db",
         "a URL that starts with sqlite:, sqlite3:, postgres:, postgresql:",
         {"", "x", "oracle://x", "sqlite", ":", "/srv/x.db", std::string("sqlite:a\0b", 10)},
         {"sqlite:", "sqlite3:///srv/x.db", "SQLITE:x.db"}},
        {"db",
         "not a URL like postgres://user:password@host:5432/db",
         {"postgres:",
          "postgres:/x",
          "postgresql:x",
          "postgres://h:port/d",
          "postgres://h:0/d",
          "postgres://h:65536/d",
          "postgres://h1:1,h2:x/d",
          "postgres://[::1/d",
          "postgres://h/d?nonsense=1",
          "postgres://h/d?sslmode",
          "postgres://h/%zz"},
         {"postgres://h",
          "postgresql:///d",
          "POSTGRES://u:p@h1:1,h2:65535/d?sslmode=verify-full",
          "postgres://[::1]:5432/d"}},
        {"queue",
         "known are: embedded:, redis:, redis+sentinel:",
         {"", "x", "amqp://x", ":"},
         {"embedded:",
          "memory:",
          "bolt:///x",
          "redis://host",
          "redis://user:password@host:65535/0?prefix=x",
          "redis+sentinel://[::1]:1,host/name"}},
        {"queue",
         "not a Redis URL, redis://user:password@host:port/db:",
         {"redis:",
          "redis://",
          "redis://host:0",
          "redis://host:x",
          "redis://host/x",
          "redis://user@host",
          "redis://u:p%zz@host",
          "redis://host?x=y",
          "redis://host?prefix={x}",
          "redis://a,b",
          "redis+sentinel://host",
          "rediss://host",
          "redis+sentinel://host:1x/name",
          std::string("redis://a\0b", 11)},
         {}},
        {"sqlite-sync", "one of full, normal", {"", "off", "2"}, {"full", "NORMAL"}},
        {"disk-reserve", "a size from 0 to 1TiB", {"1025GiB"}, {"0", "1TiB"}},
        {"disk-reserve", a_size, {"", "5%", "-1"}, {}},
        {"disk-free-min", "a size from 0 to 1024TiB", {"1025TiB"}, {"0", "1024TiB"}},
        {"disk-free-min", a_size, {"", "5%", "-1"}, {}},
        {"queue-depth", depth, {"", "0", "-1", "100000001"}, {"1", "100000000"}},
        {"queue-depth-per-fn", depth, {"", "0", "-1", "100000001"}, {"1", "100000000"}},
        {"delay-max", "a duration from 0s to 87600h", {"87601h"}, {"0", "87600h"}},
        {"delay-max", a_duration, {"", "soon", "-1"}, {}},
        {"idempotency-ttl", "a duration from 1s to 720h", {"0", "999ms", "721h"}, {"1s", "720h"}},
        {"idempotency-ttl", a_duration, {"", "soon"}, {}},
    };
}

std::vector<SettingRow> container_rows() {
    return {
        {"memory", a_size, {"", "x", "4XB", "-1", "1.5GB", "4 GB", "99999999TiB"}, {"0", "1MiB"}},
        {"memory", "a size from 0 to 1024TiB", {"1025TiB"}, {"1024TiB"}},
        {"cpus",
         "a number of processors",
         {"", "x", "-1", "1.5x", "1.2345", "1025", "2000000m"},
         {"0", "1", "0.5", "1500m", "1024"}},
        {"docker-host",
         "unix:",
         {"",
          "x",
          "ssh://x",
          "unix:relative",
          "unix://x",
          "unix:///" + std::string(107, 'x'),
          "tcp://host",
          "tcp://host:0",
          "tcp://host:65536",
          "tcp://:1",
          "http://a b:1",
          "tcp://[::1:1",
          std::string("unix:///a\0b", 11)},
         {"unix:///x", "tcp://host:65535", "http://host", "tcp://[::1]:1"}},
        {"run-dir", "a path", {"", std::string("\0", 1)}, {"x", "/run/x"}},
        {"run-dir-docker", "an absolute path", {"x", "./x", std::string("/\0", 2)}, {"", "/x"}},
        {"start-max", "a number from 0 to 10000", {"", "-1", "10001", "two"}, {"0", "10000"}},
        {"pull-max", "a number from 1 to 10000", {"", "0", "10001"}, {"1", "10000"}},
        {"init-timeout", to_a_day, {"0", "0s", "24h1ms", "25h"}, {"1ms", "24h", "86400"}},
        {"init-timeout",
         a_duration,
         {"", "x", "-1s", "1.5s", "5 s", "1d", "99999999999999999999"},
         {"1h30m"}},
    };
}

std::vector<SettingRow> image_rows() {
    return {
        {"pull-timeout", to_a_day, {"0", "25h"}, {"1ms", "24h"}},
        {"pull-timeout", a_duration, {"", "soon", "10M"}, {}},
        {"pull-silence", timer, {"0", "9ms", "25h"}, {"10ms", "24h"}},
        {"pull-silence", a_duration, {"", "x"}, {}},
        {"image-clean-max-size", "a size from 0 to 1024TiB", {"1025TiB"}, {"0", "1024TiB"}},
        {"image-clean-max-size", a_size, {"", "-1", "5%"}, {}},
        {"image-enable-volume", "true or false", {"", "maybe", "2"}, {"true", "no", "ON", "0"}},
    };
}

std::vector<SettingRow> confinement_rows() {
    const std::string a_count = "a number from 0 to 2147483647";
    std::vector<SettingRow> rows{
        {"freeze-idle", "a duration from 0s to 24h", {"25h"}, {"0", "24h"}},
        {"freeze-idle", a_duration, {"", "soon", "-1"}, {"50ms"}},
    };
    for (const auto* name :
         {"max-pids", "max-open-files", "max-pending-signals", "max-tmpfs-inodes"}) {
        rows.push_back({name, a_count, {"", "-1", "x", "2147483648"}, {"0", "2147483647"}});
    }
    for (const auto* name : {"max-locked-memory", "max-message-queue", "max-root-size"}) {
        rows.push_back({name, a_size, {"", "-1", "x", "1.5MB"}, {"0", "1GiB"}});
        rows.push_back({name, "a size from 0 to 1TiB", {"1025GiB"}, {"1TiB"}});
    }
    for (const auto* name : {"writable-root", "keep-privileges"}) {
        rows.push_back({name, "true or false", {"", "x", "2"}, {"true", "no"}});
    }
    return rows;
}

std::vector<SettingRow> limit_rows() {
    const std::string to_gib = "a size from 0 to 1GiB";
    return {
        {"max-async-body", to_gib, {"1073741825", "2GiB"}, {"0", "1GiB"}},
        {"max-async-body", a_size, {"", "-1", "x"}, {}},
        {"max-sync-body", "a size from 0 to 1TiB", {"2TiB"}, {"0", "1TiB"}},
        {"max-sync-body", a_size, {"", "-1", "1e9"}, {}},
        {"max-response", to_gib, {"2GiB"}, {"0", "1GiB"}},
        {"max-response", a_size, {"", "1.5MB"}, {}},
        {"max-sync-response", "a size from 0 to 1TiB", {"2TiB"}, {"0", "1TiB"}},
        {"max-sync-response", a_size, {"", "-1"}, {}},
        {"max-response-header",
         "a size from 1KiB to 16MiB",
         {"0", "1023", "17MiB"},
         {"1KiB", "16MiB"}},
        {"max-response-header", a_size, {"", "x"}, {}},
        {"max-log", to_gib, {"2TiB"}, {"0", "1GiB"}},
        {"max-log", a_size, {"", "lots"}, {}},
        {"max-header-bytes", "a size from 1KiB to 16MiB", {"0", "1023", "17MiB"}, {"1KiB", "16MiB"}
        },
        {"max-header-bytes", a_size, {"", "x"}, {}},
        {"max-uri-bytes", "a size from 256 to 1MiB", {"0", "255", "2MiB"}, {"256", "1MiB"}},
        {"max-uri-bytes", a_size, {"", "x"}, {}},
        {"header-timeout", to_a_day, {"0", "25h"}, {"1ms", "24h"}},
        {"header-timeout", a_duration, {"", "ten"}, {}},
        {"idle-timeout-http", to_a_day, {"0s", "25h"}, {"1ms", "24h"}},
        {"idle-timeout-http", a_duration, {"", "-1"}, {}},
        {"body-timeout", to_a_day, {"0", "25h"}, {"1ms", "24h"}},
        {"body-timeout", a_duration, {"", "x"}, {}},
        {"slot-wait", to_a_day, {"0", "25h"}, {"1ms", "24h"}},
        {"send-timeout", to_a_day, {"0", "25h"}, {"1ms", "24h"}},
        {"send-timeout", a_duration, {"", "x"}, {}},
    };
}

std::vector<SettingRow> timer_rows() {
    const std::string or_none = "a duration from 0s to 24h";
    return {
        {"heartbeat", timer, {"0", "9ms", "25h"}, {"10ms", "7s"}},
        {"heartbeat", a_duration, {"", "x"}, {}},
        {"lease", timer, {"9ms", "25h"}, {"6s", "24h"}},
        {"lease", a_duration, {"", "2d"}, {}},
        {"visibility", timer, {"9ms", "25h"}, {"10ms", "24h"}},
        {"sweep-interval", timer, {"0", "9ms", "25h"}, {"10ms", "24h"}},
        {"sweep-interval", a_duration, {"", "x"}, {}},
        {"sweep-grace", or_none, {"25h"}, {"0", "24h"}},
        {"sweep-grace", a_duration, {"", "-1s"}, {}},
        {"drain", or_none, {"25h"}, {"0", "24h"}},
        {"drain", a_duration, {"", "soon"}, {}},
    };
}

std::vector<SettingRow> all_rows() {
    std::vector<SettingRow> all;
    for (auto* const rows :
         {server_rows,
          storage_rows,
          container_rows,
          confinement_rows,
          image_rows,
          limit_rows,
          timer_rows}) {
        for (auto& row : rows()) all.push_back(std::move(row));
    }
    return all;
}

/// The names in the help of the command.
Texts settings_of_help() {
    std::istringstream help(load({"--help"}).output);
    Texts names;
    for (std::string line; std::getline(help, line);) {
        if (!line.starts_with("  --")) continue;
        names.push_back(line.substr(4, line.find(' ', 4) - 4));
    }
    return names;
}

std::string with_underscores(std::string name) {
    std::ranges::replace(name, '-', '_');
    return name;
}

std::string variable_of(const std::string& name) {
    auto variable = "STOKER_" + with_underscores(name);
    std::ranges::transform(variable, variable.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    return variable;
}

void check_refused(
    const StartOutcome& outcome, const std::string& where, const std::string& allowed
) {
    CAPTURE(where);
    CHECK(outcome.exit_code == 2);
    REQUIRE(outcome.errors.size() == 1);
    const auto& error = outcome.errors.front();
    CHECK_MESSAGE(error.starts_with(where + ": "), error);
    CHECK_MESSAGE(error.contains(allowed), error);
}

void check_accepted(const StartOutcome& outcome) {
    for (const auto& error : outcome.errors) FAIL_CHECK(error);
    CHECK_FALSE(outcome.exit_code);
}

}  // namespace

TEST_CASE("StartSettings: every setting has rows of bad and good values") {
    // They show a text, name a file, or are looked at when they are used: no value of theirs is bad
    // by itself.
    Texts names{
        "help",
        "config",
        "print-config",
        "docker-networks",
        "container-label-tag",
        "docker-auth",
        "docker-load-file",
        "image-clean-exempt-tags"
    };
    for (const auto& row : all_rows()) {
        if (std::ranges::find(names, row.name) == names.end()) names.push_back(row.name);
    }
    auto settings = settings_of_help();
    CHECK(settings.size() > 30);
    std::ranges::sort(names);
    std::ranges::sort(settings);
    CHECK(names == settings);
}

TEST_CASE("StartSettings: a bad value is refused wherever it comes from") {
    const test::TempDir dir;
    for (const auto& row : all_rows()) {
        CAPTURE(row.name);
        for (const auto& value : row.bad) {
            CAPTURE(value);
            const auto flag = "--" + row.name;
            check_refused(load({flag + "=" + value}), flag, row.allowed);
            const bool needs_value = row.allowed != "true or false";
            if (needs_value) check_refused(load({flag, value}), flag, row.allowed);

            const auto variable = variable_of(row.name);
            check_refused(load({}, {{variable, value}}), variable, row.allowed);
            const auto path = dir.write("value", value);
            check_refused(load({}, {{variable + "_FILE", path}}), variable + "_FILE", row.allowed);

            const auto key = with_underscores(row.name);
            const auto config = dir.write("stoker.toml", key + " = " + toml_quoted(value) + "\n");
            check_refused(load({"--config", config}), config + ": " + key, row.allowed);
        }
    }
}

TEST_CASE("StartSettings: a good value, a bound included, is accepted wherever it comes from") {
    const test::TempDir dir;
    for (const auto& row : all_rows()) {
        CAPTURE(row.name);
        for (const auto& value : row.good) {
            CAPTURE(value);
            check_accepted(load({"--" + row.name + "=" + value}));
            check_accepted(load({}, {{variable_of(row.name), value}}));
            const auto line = with_underscores(row.name) + " = " + toml_quoted(value) + "\n";
            check_accepted(load({"--config", dir.write("stoker.toml", line)}));
        }
    }
}

TEST_CASE("StartSettings: a bad value in a variable of Fn is refused and named") {
    const std::vector<std::pair<std::string, std::string>> bad{
        {"FN_PORT", "65536"},
        {"FN_PUBLIC_LB_URL", "x"},
        {"FN_LOG_LEVEL", "loud"},
        {"FN_LOG_FORMAT", "xml"},
        {"FN_DB_URL", "oracle://x"},
        {"FN_MQ_URL", "amqp://x"},
        {"FN_MAX_TOTAL_MEMORY_BYTES", "-1"},
        {"DOCKER_HOST", "ssh://x"},
        {"FN_IOFS_DOCKER_PATH", "x"},
        {"FN_HOT_START_TIMEOUT_MSECS", "soon"},
        {"FN_HOT_START_TIMEOUT_MSECS", "0"},
        {"FN_HOT_PULL_TIMEOUT_MSECS", "1.5"},
        {"FN_IMAGE_CLEAN_MAX_SIZE", "-1"},
        {"FN_IMAGE_ENABLE_VOLUME", "x"},
        {"FN_MAX_REQUEST_SIZE", "-1"},
        {"FN_MAX_RESPONSE_SIZE", "x"},
        {"FN_MAX_LOG_SIZE_BYTES", "x"},
        {"FN_MAX_REQUEST_HEADER_SIZE", "1"},
        {"FN_REQUEST_HEADER_READ_TIMEOUT", "x"},
        {"FN_HTTP_IDLE_TIMEOUT", "x"},
    };
    for (const auto& [variable, value] : bad) {
        CAPTURE(value);
        check_refused(load({}, {{variable, value}}), variable, "\"");
    }
}

TEST_CASE("StartSettings: values that do not go together are refused, whatever their sources") {
    const std::vector<std::pair<Texts, std::string>> bad{
        {{"--listen=0.0.0.0:80"}, "--listen 0.0.0.0:80: other machines could use it"},
        {{"--listen=[::]:80", "--insecure=false"}, "--listen [::]:80: other machines could use it"},
        {{"--memory=1"}, "--memory: at least 1MiB"},
        {{"--memory=1048575"}, "--memory: at least 1MiB"},
        {{"--lease=5999ms"}, "--lease 5s999ms: must be at least twice --heartbeat 3s"},
        {{"--heartbeat=8s"}, "--lease 15s: must be at least twice --heartbeat 8s"},
        {{"--heartbeat=10s", "--lease=19s"}, "--lease 19s: must be at least twice --heartbeat 10s"},
    };
    for (const auto& [arguments, error] : bad) {
        CAPTURE(error);
        const auto outcome = load(arguments);
        CHECK(outcome.exit_code == 2);
        REQUIRE(outcome.errors.size() == 1);
        CHECK_MESSAGE(outcome.errors.front().starts_with(error), outcome.errors.front());
    }
    CHECK(load({"--heartbeat=10s"}, {{"STOKER_LEASE", "19s"}}).exit_code == 2);
    check_accepted(load({"--heartbeat=10s"}, {{"STOKER_LEASE", "20s"}}));
}

TEST_CASE("StartSettings: a bad configuration file is refused with the place") {
    const test::TempDir dir;
    const auto errors_of = [&](const std::string& text) {
        const auto outcome = load({"--config", dir.write("stoker.toml", text)});
        CHECK(outcome.exit_code == 2);
        REQUIRE_FALSE(outcome.errors.empty());
        return outcome.errors;
    };
    const auto has = [&](const std::string& text, std::string_view part) {
        const auto errors = errors_of(text);
        CHECK_MESSAGE(errors.front().contains(part), errors.front());
    };
    has("lease = ", "stoker.toml:1");
    has("lease = \"15s\"\nlease = \"16s\"\n", "stoker.toml:2");
    has("lease 15s", "stoker.toml:1");
    has("[server]\nlisten = \"127.0.0.1:1\"\n", "server must be a text");
    has("lanes = [1]\n", "lanes must be a text");
    has("lanes = 1.5\n", "lanes must be a text");
    has("lanes = 1979-05-27\n", "lanes must be a text");
    has("leese = \"15s\"\n", "unknown key leese (did you mean lease?)");
    has("config = \"x\"\n", "unknown key config");
    has("lease = \"\xff\"\n", "stoker.toml:1");
    CHECK(errors_of("lanes = -1\nmax_log = \"x\"\nnothing = 1\n").size() == 3);
    CHECK(load({"--config", dir.file("absent")}).errors.front().contains("cannot read"));
    CHECK(load({"--config", dir.path()}).errors.front().contains("cannot read"));
    for (const auto& unreadable : {dir.file("absent"), dir.path().string()}) {
        const auto outcome = load({}, {{"STOKER_LEASE_FILE", unreadable}});
        CHECK(outcome.errors.front().contains("STOKER_LEASE_FILE: cannot read"));
    }
}

TEST_CASE("StartSettings: an error never shows a password") {
    for (const auto* setting : {"--db", "--docker-host", "--queue", "--public-url"}) {
        CAPTURE(setting);
        for (const auto* url : {"amqp://user:secret@host", "http://user:secret@host:x"}) {
            const auto outcome = load({setting, url});
            REQUIRE(outcome.errors.size() == 1);
            CHECK_MESSAGE(!outcome.errors.front().contains("secret"), outcome.errors.front());
        }
    }
}

TEST_CASE("StartSettings: flags of no form are refused") {
    for (const auto* flag : {"-x", "--", "--=x", "---lease", "--lease"}) {
        CAPTURE(flag);
        const auto outcome = load({flag, "--", "stray"});
        CHECK(outcome.exit_code == 2);
    }
    CHECK(load({"--lease"}).errors.front() == "--lease: needs a value (TIME)");
    CHECK(load({"--help=maybe"}).errors.front() == "--help: \"maybe\" is not true or false");
}

}  // namespace stoker
