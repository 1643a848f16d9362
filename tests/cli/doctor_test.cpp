#include "cli/doctor.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "datastore/open_datastore.hpp"
#include "tests/cli/fake_api.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {

namespace {

using Json = nlohmann::json;

/// A store with calls in it that a server may have open or not.
struct Store {
    TempDir folder;
    SystemClock clock;
    Metrics metrics;
    std::unique_ptr<Datastore> store;
    Fn fn;

    Store() {
        auto opened = open_datastore("sqlite:" + folder.file("data"), {}, clock, metrics);
        REQUIRE(opened);
        store = std::move(*opened);
        App app;
        app.id = "APP";
        app.name = "app";
        REQUIRE(run(store->insert_app(app)));
        fn.id = "FN";
        fn.app_id = app.id;
        fn.name = "fn";
        fn.image = "image";
        REQUIRE(run(store->insert_fn(fn)));
    }
    ~Store() { store->close(); }
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    void accept(const std::string& id) const {
        NewCall made;
        made.call.id = id;
        made.call.app_id = fn.app_id;
        made.call.fn_id = fn.id;
        made.call.created_at = clock.now();
        made.request.method = "POST";
        REQUIRE(run(store->accept(made)));
    }
    auto audit(std::vector<std::string> more = {}) const {
        std::vector<std::string> words{"doctor", "audit", "--data", folder.file("data")};
        words.insert(words.end(), more.begin(), more.end());
        return run_command(words);
    }
};

}  // namespace

TEST_CASE("doctor audit: a sound ledger is told in numbers, beside the process that has it open") {
    const Store t;
    t.accept("CALL-1");
    t.accept("CALL-2");
    REQUIRE(run(t.store->cancel(Scope::all(), "CALL-1")));
    const auto told = t.audit();
    CHECK(told.exit_code == 0);
    CHECK(told.err.empty());
    CHECK(told.out.contains("accepted 2 = ended 1 + live 1\n"));
    CHECK(told.out.contains("the ledger is sound\n"));
    const auto json = Json::parse(t.audit({"--json"}).out);
    CHECK(json["sound"] == true);
    CHECK(json["calls"]["queued"] == 1);
    CHECK(json["calls"]["cancelled"] == 1);
    CHECK(json["findings"].empty());
    CHECK_FALSE(json.contains("queue"));  // it is in the server's memory
}

TEST_CASE("doctor audit: what is wrong is named, with calls to look at, and exit code 1") {
    const Store t;
    t.accept("CALL-1");
    FinishedCall finished;
    REQUIRE(run(t.store->claim("worker", {"CALL-1"})));
    finished.fence = {"CALL-1", "worker", 1};
    REQUIRE(run(t.store->finish(finished)) == true);  // a success that has no response
    const auto told = t.audit();
    CHECK(told.exit_code == 1);
    CHECK(told.out.contains("WRONG: 1 calls succeeded and have lost their response\n    CALL-1\n"));
    CHECK(told.out.contains("the ledger is NOT sound\n"));
    const auto json = Json::parse(t.audit({"--json"}).out);
    CHECK(json["sound"] == false);
    CHECK(json["findings"][0]["name"] == "response_missing");
    CHECK(json["findings"][0]["examples"] == Json::array({"CALL-1"}));
}

TEST_CASE("doctor audit: what passes by itself is a note") {
    const Store t;
    t.accept("CALL-1");
    REQUIRE(run(t.store->claim("worker nobody knows", {"CALL-1"})));
    const auto told = t.audit();
    CHECK(told.exit_code == 0);
    CHECK(told.out.contains("note: 1 calls run on a worker that is dead or unknown"));
}

TEST_CASE("doctor audit: without a datastore, or with a wrong command line, it says so") {
    const TempDir folder;
    const auto absent = run_command({"doctor", "audit", "--data", folder.file("none")});
    CHECK(absent.exit_code == 1);
    CHECK(absent.err.contains(folder.file("none")));
    CHECK(absent.out.empty());
    CHECK(run_command({"doctor", "audit", "--db", "mssql://host/db"}).exit_code == 2);
    CHECK(run_command({"doctor", "audit", "everything"}).exit_code == 2);
    const auto help = run_command({"doctor", "audit", "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.out.contains("--json"));
    CHECK(run_command({"doctor"}).err.contains("doctor audit"));
}

}  // namespace stoker::test
