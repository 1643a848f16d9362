// The settings of `stoker api` and `stoker worker`: what each knows, what they refuse to share, and
// how they find each other.

#include <doctest/doctest.h>

#include <map>

#include "cli/start_settings.hpp"

using namespace stoker;

namespace {

using Variables = std::map<std::string, std::string>;
using Texts = std::vector<std::string>;

const Texts shared{"--db=postgres://u:secret@h/d", "--queue=redis://h"};

StartOutcome load(Role role, const Texts& arguments, const Variables& variables = {}) {
    const auto environment = [&](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    return load_start_settings(arguments, environment, role);
}

/// On top of what can be shared.
StartOutcome load_shared(Role role, Texts arguments, const Variables& variables = {}) {
    arguments.insert(arguments.begin(), shared.begin(), shared.end());
    return load(role, arguments, variables);
}

RunnerSettings good(Role role, const Texts& arguments, const Variables& variables = {}) {
    const auto outcome = load_shared(role, arguments, variables);
    for (const auto& error : outcome.errors) FAIL_CHECK(error);
    REQUIRE_FALSE(outcome.exit_code);
    return outcome.settings.runner;
}

std::string only_error(const StartOutcome& outcome) {
    CHECK(outcome.exit_code == 2);
    REQUIRE(outcome.errors.size() == 1);
    return outcome.errors.front();
}

}  // namespace

TEST_CASE("role settings: each role shows and takes what is of use to it") {
    const auto api = load(Role::api, {"--help"}).output;
    const auto worker = load(Role::worker, {"--help"}).output;
    const auto start = load(Role::start, {"--help"}).output;
    CHECK(api.starts_with("Usage: stoker api"));
    CHECK(worker.starts_with("Usage: stoker worker"));
    const auto has = [](const std::string& help, const std::string& name) {
        return help.contains("\n  --" + name + " ");
    };
    for (const auto* name : {"listen", "public-url", "max-sync-body", "slot-wait", "sweep-grace"}) {
        CAPTURE(name);
        CHECK(has(api, name));
        CHECK_FALSE(has(worker, name));
        CHECK(has(start, name));
        CHECK_FALSE(load_shared(Role::worker, {std::string("--") + name + "=1"}).errors.empty());
    }
    for (const auto* name : {"data", "memory", "docker-host", "max-response", "heartbeat"}) {
        CAPTURE(name);
        CHECK(has(worker, name));
        CHECK_FALSE(has(api, name));
        CHECK(has(start, name));
        CHECK_FALSE(load_shared(Role::api, {std::string("--") + name + "=1"}).errors.empty());
    }
    for (const auto* name : {"db", "queue", "lease", "drain", "log-level", "lanes", "insecure"}) {
        CAPTURE(name);
        CHECK(has(worker, name));
        CHECK(has(api, name));
    }
    CHECK(has(api, "workers"));
    CHECK(has(worker, "runner-listen"));
    CHECK(has(worker, "runner-url"));
    for (const auto* name : {"workers", "runner-listen", "runner-url"})
        CHECK_FALSE(has(start, name));
    for (const auto& help : {api, worker}) CHECK_FALSE(has(help, "sqlite-sync"));
}

TEST_CASE("role settings: what belongs to one process is refused, with what to use instead") {
    for (const auto role : {Role::api, Role::worker}) {
        for (const auto* db : {"sqlite:", "sqlite3:///srv/x.db"}) {
            const auto error =
                only_error(load(role, {std::string("--db=") + db, "--queue=redis://h"}));
            CHECK_MESSAGE(error.contains("a SQLite file belongs to one process"), error);
            CHECK_MESSAGE(error.contains("postgres://USER:PASSWORD@HOST/DATABASE"), error);
            CHECK_MESSAGE(error.contains("stoker start"), error);
        }
        for (const auto* queue : {"embedded:", "memory:", "bolt:///x"}) {
            const auto error =
                only_error(load(role, {shared.at(0), std::string("--queue=") + queue}));
            CHECK_MESSAGE(error.contains("the memory of one process"), error);
            CHECK_MESSAGE(error.contains("redis://HOST"), error);
        }
        const auto nothing = load(role, {});
        CHECK(nothing.exit_code == 2);
        REQUIRE(nothing.errors.size() == 2);
        CHECK(nothing.errors[0].starts_with("--db: apis and workers need a datastore"));
        CHECK(nothing.errors[1].starts_with("--queue: apis and workers need a queue"));
        CHECK_FALSE(load(role, {}, {{"FN_DB_URL", "postgres://h/d"}, {"STOKER_QUEUE", "redis://h"}})
                        .exit_code);
    }
    CHECK_FALSE(load(Role::start, shared).exit_code);
}

TEST_CASE("role settings: a runner endpoint, and how apis reach it") {
    CHECK(good(Role::worker, {}).listen == ListenAddress{"127.0.0.1", 8090});
    CHECK(advertised_address(good(Role::worker, {}), 1234) == "127.0.0.1:1234");
    const auto of = [](const Texts& arguments) {
        return advertised_address(good(Role::worker, arguments), 8090);
    };
    CHECK(of({"--runner-listen=[::1]:8090"}) == "[::1]:8090");
    CHECK(of({"--runner-listen=10.0.0.5:8090", "--insecure"}) == "10.0.0.5:8090");
    CHECK(of({"--runner-url=http://outside:81"}) == "outside:81");
    CHECK(of({"--runner-url=http://[::2]:81/"}) == "[::2]:81");
    CHECK(of({"--runner-url=http://outside"}) == "outside:80");
    const auto everywhere = of({"--runner-listen=:8090", "--insecure"});
    CHECK(everywhere.ends_with(":8090"));
    CHECK_FALSE(everywhere.contains("0.0.0.0"));

    const auto error = only_error(load_shared(Role::worker, {"--runner-listen=0.0.0.0:8090"}));
    CHECK_MESSAGE(error.starts_with("--runner-listen 0.0.0.0:8090: other machines"), error);
    for (const auto* bad : {"", "x", "https://x", "http://", "tcp://x:1", "http://x:70000"}) {
        CAPTURE(bad);
        const auto refused =
            only_error(load_shared(Role::worker, {std::string("--runner-url=") + bad}));
        CHECK(refused.contains("is not a URL such as http://10.0.0.5:8090"));
        CHECK(only_error(load_shared(Role::worker, {}, {{"STOKER_RUNNER_URL", bad}})
        ).starts_with("STOKER_RUNNER_URL: "));
    }
}

TEST_CASE("role settings: a fixed list of workers") {
    CHECK(good(Role::api, {}).workers.empty());
    CHECK(good(Role::api, {"--workers="}).workers.empty());
    CHECK(
        good(Role::api, {"--workers=10.0.0.5:8090,[::1]:1,host:2"}).workers ==
        Texts{"10.0.0.5:8090", "[::1]:1", "host:2"}
    );
    CHECK(good(Role::api, {}, {{"STOKER_WORKERS", "a:1"}}).workers == Texts{"a:1"});
    for (const auto* bad : {"host", "a:1,", "a:1 b:2", "a:0", "http://a:1", "a:1,b"}) {
        CAPTURE(bad);
        const auto error = only_error(load_shared(Role::api, {std::string("--workers=") + bad}));
        CHECK_MESSAGE(error.contains("is not a list such as 10.0.0.5:8090,10.0.0.6:8090"), error);
    }
}

TEST_CASE("role settings: what is printed can be read again, and shows no password") {
    for (const auto role : {Role::api, Role::worker}) {
        const auto printed = load_shared(role, {"--print-config"});
        CHECK(printed.exit_code == 0);
        CHECK_FALSE(printed.output.contains("secret"));
        CHECK(printed.output.contains("lease = \"15s\""));
    }
}

TEST_CASE("role settings: timers are checked against each other where they are known") {
    CHECK_FALSE(load_shared(Role::api, {"--lease=2s"}).exit_code);
    CHECK(only_error(load_shared(Role::worker, {"--lease=2s"})).starts_with("--lease 2s: must be"));
}
