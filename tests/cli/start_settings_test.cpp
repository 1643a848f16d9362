#include "cli/start_settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "tests/support/temp_dir.hpp"

using namespace stoker;
using namespace std::chrono_literals;

namespace {

using Variables = std::map<std::string, std::string>;

StartOutcome load(const std::vector<std::string>& arguments, const Variables& variables = {}) {
    return load_start_settings(arguments, [&](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
}

StartSettings good(const std::vector<std::string>& arguments, const Variables& variables = {}) {
    const auto outcome = load(arguments, variables);
    for (const auto& error : outcome.errors) CAPTURE(error);
    REQUIRE(outcome.errors.empty());
    REQUIRE_FALSE(outcome.exit_code);
    return outcome.settings;
}

}  // namespace

TEST_CASE("StartSettings: the defaults are good and stay on this machine") {
    const auto settings = good({});
    CHECK(settings.listen == ListenAddress{"127.0.0.1", 8080});
    CHECK(settings.db == "sqlite:./data/stoker.db");
    CHECK(settings.queue == "embedded:");
    CHECK(settings.memory == 0);
    CHECK(settings.max_async_body == 10 * 1024 * 1024);
    CHECK(settings.max_sync_body == 1024 * 1024 * 1024);
    CHECK(settings.init_timeout == 5s);
    CHECK(settings.pull_timeout == 10min);
    CHECK_FALSE(settings.run_dir.empty());
}

TEST_CASE("StartSettings: the datastore lies in the data folder unless it is named") {
    CHECK(good({"--data", "/srv/x"}).db == "sqlite:/srv/x/stoker.db");
    CHECK(good({"--data=/srv/x", "--db=sqlite:/else.db"}).db == "sqlite:/else.db");
    CHECK(good({}, {{"FN_DB_URL", "sqlite3:///srv/fn.db"}}).db == "sqlite3:///srv/fn.db");
    CHECK(good({}, {{"FN_DB_URL", ""}}).db == "sqlite:./data/stoker.db");
}

TEST_CASE("StartSettings: a port variable sets the port alone, and the stronger source wins") {
    CHECK(good({}, {{"FN_PORT", "9001"}}).listen == ListenAddress{"127.0.0.1", 9001});
    CHECK(good({}, {{"STOKER_PORT", "9002"}, {"FN_PORT", "9001"}}).listen.port == 9002);
    CHECK(
        good({"--listen", "[::1]:9"}, {{"STOKER_PORT", "9002"}}).listen == ListenAddress{"::1", 9}
    );
    CHECK(
        good({}, {{"STOKER_LISTEN", "127.0.0.2:9003"}, {"STOKER_PORT", "9002"}}).listen ==
        ListenAddress{"127.0.0.2", 9002}
    );
    CHECK(good({}, {{"STOKER_LISTEN", "127.0.0.2:9003"}, {"FN_PORT", "9001"}}).listen.port == 9003);
    CHECK(good({"--port", "7", "--listen", "127.0.0.1:8"}).listen.port == 7);
}

TEST_CASE("StartSettings: Fn's bound on responses is for all of them, ours for each kind") {
    const Variables fn{{"FN_MAX_RESPONSE_SIZE", "5000"}};
    CHECK(good({}, fn).max_sync_response == 5000);
    CHECK(good({"--max-sync-response", "6000"}, fn).max_sync_response == 6000);
    CHECK(good({"--max-response", "6000"}).max_sync_response == std::uint64_t{1} << 30U);
}

TEST_CASE("StartSettings: Fn's variables mean what they mean there") {
    const auto settings = good(
        {},
        {{"FN_MQ_URL", "bolt:///srv/fn.mq"},
         {"FN_MAX_LOG_SIZE_BYTES", "4096"},
         {"FN_HOT_START_TIMEOUT_MSECS", "1500"},
         {"FN_HOT_PULL_TIMEOUT_MSECS", "-1"},
         {"FN_MAX_TOTAL_MEMORY_BYTES", "1073741824"},
         {"FN_MAX_REQUEST_SIZE", "0"},
         {"FN_MAX_RESPONSE_SIZE", "6291456"},
         {"FN_MAX_HDR_RESPONSE_SIZE", "8192"},
         {"FN_LOG_LEVEL", "warning"},
         {"FN_LOG_FORMAT", "json"},
         {"FN_PUBLIC_LB_URL", "https://fn.example"},
         {"FN_IOFS_PATH", "/run/a"},
         {"FN_IOFS_DOCKER_PATH", "/run/b"},
         {"FN_DOCKER_AUTH", "{}"},
         {"FN_DOCKER_LOAD_FILE", "/srv/images.tar"},
         {"FN_IMAGE_ENABLE_VOLUME", "true"},
         {"FN_IMAGE_CLEAN_MAX_SIZE", "1024"},
         {"FN_IMAGE_CLEAN_EXEMPT_TAGS", "a:1 b"},
         {"DOCKER_HOST", "tcp://engine:2375"}}
    );
    CHECK(settings.queue == "bolt:///srv/fn.mq");
    CHECK(settings.max_log == 4096);
    CHECK(settings.init_timeout == 1500ms);
    CHECK(settings.pull_timeout == 24h);
    CHECK(settings.memory == 1024 * 1024 * 1024);
    CHECK(settings.max_sync_body == 1024 * 1024 * 1024);
    CHECK(settings.max_response == 6291456);
    CHECK(settings.max_sync_response == 6291456);
    CHECK(settings.max_response_header == 8192);
    CHECK(settings.log_level == "warn");
    CHECK(settings.log_format == "json");
    CHECK(settings.public_url == "https://fn.example");
    CHECK(settings.run_dir == "/run/a");
    CHECK(settings.run_dir_docker == "/run/b");
    CHECK(settings.docker_host == "tcp://engine:2375");
    CHECK(settings.images.docker_auth == "{}");
    CHECK(settings.images.load_file == "/srv/images.tar");
    CHECK(settings.images.enable_volume);
    CHECK(settings.images.clean_max_size == 1024);
    CHECK(settings.images.clean_exempt_tags == "a:1 b");
}

TEST_CASE("StartSettings: registry credentials are never shown") {
    const std::string secret = R"({"auths":{"reg.example":{"auth":"dTpzZWNyZXQ="}}})";
    for (const auto& outcome :
         {load({"--print-config", "--docker-auth", secret}),
          load({"--print-config"}, {{"STOKER_DOCKER_AUTH", secret}}),
          load({"--help", "--docker-auth", secret})}) {
        CHECK(outcome.exit_code == 0);
        CHECK_FALSE(outcome.output.contains("dTpzZWNyZXQ="));
    }
}

TEST_CASE("StartSettings: all errors are listed at once") {
    const auto outcome = load(
        {"--memory", "x", "--lissten", ":1", "stray", "--heartbeat", "10s"},
        {{"STOKER_DRAIN", "y"}, {"FN_PORT", "z"}}
    );
    CHECK(outcome.exit_code == 2);
    const auto has = [&](std::string_view part) {
        return std::ranges::any_of(outcome.errors, [&](const std::string& error) {
            return error.contains(part);
        });
    };
    CHECK(outcome.errors.size() == 7);
    CHECK(has("--memory: \"x\""));
    CHECK(has("unknown flag --lissten (did you mean --listen?)"));
    CHECK(has("unexpected argument \":1\""));
    CHECK(has("unexpected argument \"stray\""));
    CHECK(has("STOKER_DRAIN: \"y\""));
    CHECK(has("FN_PORT: \"z\""));
    CHECK(has("--lease 15s"));
}

TEST_CASE("StartSettings: listening beyond this machine needs --insecure") {
    for (const auto* address : {":8080", "0.0.0.0:8080", "[::]:8080", "192.0.2.1:80"}) {
        CAPTURE(address);
        const auto outcome = load({"--listen", address});
        CHECK(outcome.exit_code == 2);
        REQUIRE(outcome.errors.size() == 1);
        CHECK(outcome.errors[0].contains("--insecure"));
        CHECK_FALSE(load({"--listen", address, "--insecure"}).exit_code);
        CHECK_FALSE(load({"--listen", address}, {{"STOKER_INSECURE", "1"}}).exit_code);
    }
    for (const auto* address : {"localhost:1", "127.9.9.9:1", "[::1]:1"}) {
        CHECK_FALSE(load({"--listen", address}).exit_code);
    }
}

TEST_CASE("StartSettings: short timers are allowed, a lease shorter than two heartbeats is not") {
    CHECK(good({"--heartbeat", "1s", "--lease", "4s", "--sweep-grace", "1s"}).lease == 4s);
    CHECK(load({"--heartbeat", "1s", "--lease", "1999ms"}).exit_code == 2);
}

TEST_CASE("StartSettings: help and the configuration are printed with exit code 0") {
    const auto help = load({"--help", "--memory", "x"});
    CHECK(help.exit_code == 0);
    CHECK(help.output.starts_with("Usage: stoker start"));
    for (const auto* part :
         {"--listen HOST:PORT", "--queue-depth-per-fn", "Timers:", "(default 15s)"}) {
        CAPTURE(part);
        CHECK(help.output.contains(part));
    }
    const auto printed = load({"--print-config", "--memory=4GB"}, {{"STOKER_LEASE", "20s"}});
    CHECK(printed.exit_code == 0);
    for (const auto* line :
         {"listen = \"127.0.0.1:8080\"  # default\n",
          "memory = \"3906250KiB\"  # from a flag\n",
          "lease = \"20s\"  # from the environment\n",
          "queue_depth = 1000000  # default\n",
          "db = \"sqlite:./data/stoker.db\"",
          "insecure = false",
          "# public_url =\n"}) {
        CAPTURE(line);
        CHECK(printed.output.contains(line));
    }
}

TEST_CASE("StartSettings: what --print-config prints is a configuration file of the same settings"
) {
    const test::TempDir dir;
    const std::vector<std::string> flags{"--memory=4GB", "--port=9000", "--insecure", "--lease=1m"};
    auto with_print = flags;
    with_print.emplace_back("--print-config");
    const auto path = dir.write("stoker.toml", load(with_print).output);
    const auto settings = good({"--config", path});
    CHECK(settings.memory == 4'000'000'000);
    CHECK(settings.listen == ListenAddress{"127.0.0.1", 9000});
    CHECK(settings.insecure);
    CHECK(settings.lease == 1min);
}
