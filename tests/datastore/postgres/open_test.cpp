#include <doctest/doctest.h>

#include "common/metrics.hpp"
#include "datastore/open_datastore.hpp"
#include "datastore/postgres/session.hpp"
#include "datastore/postgres/target.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/postgres_server.hpp"

namespace stoker::test {
namespace {

Result<std::unique_ptr<Datastore>> open(const std::string& url) {
    static const SystemClock clock;
    static Metrics metrics;
    return open_datastore(url, {}, clock, metrics);
}

std::string unsafe_settings_of(const PostgresServer& server) {
    const auto target = postgres::parse_target(server.url());
    REQUIRE(target);
    auto session = postgres::Session::open(*target);
    REQUIRE(session);
    CHECK(postgres::check_server(*session));
    return postgres::unsafe_settings(*session).value();
}

}  // namespace

TEST_CASE("PostgresDatastore: what does not let it in is told without the password") {
    const auto port = std::to_string(shared_postgres().port());
    for (const auto& [url, why] : std::vector<std::pair<std::string, std::string>>{
             {"postgres://stoker:secret@127.0.0.1:" + port + "/postgres", "password"},
             {"postgres://nobody:secret@127.0.0.1:" + port + "/postgres", "password"},
             {"postgres://stoker:stoker@127.0.0.1:" + port + "/nowhere?password=stoker", "nowhere"},
             {"postgres://stoker:secret@127.0.0.1:1/postgres", "refused"},
             {"postgres://stoker:secret@host.invalid/postgres", "host.invalid"},
         }) {
        CAPTURE(url);
        const auto refused = open(url);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::store_unavailable);
        CHECK(refused.error().text().contains(why));
        CHECK_FALSE(refused.error().text().contains("secret"));
    }
}

TEST_CASE("PostgresDatastore: what is no URL is refused without the password") {
    for (const auto* url :
         {"postgres:stoker",
          "postgres://u:secret@h:x/d",
          "postgres://u:secret@[::1/d",
          "postgres://u:secret@h/d?what=secret",
          "postgres://u:secret@h/%zz",
          "postgres://u:%zsecret@h/"}) {
        CAPTURE(url);
        const auto refused = open(url);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::invalid_request);
        CHECK(refused.error().text().contains("postgres://user:password@host"));
        CHECK_FALSE(refused.error().text().contains("secret"));
    }
}

TEST_CASE("PostgresDatastore: of several hosts the one that answers and writes is taken") {
    const auto port = std::to_string(shared_postgres().port());
    const auto schema = shared_postgres().make_schema();
    const auto store = open(
        "postgres://stoker:stoker@127.0.0.1:1,127.0.0.1:" + port +
        "/postgres?options=-csearch_path%3D" + schema
    );
    REQUIRE_MESSAGE(store, (store ? "" : store.error().text()));
    (*store)->close();
    shared_postgres().drop_schema(schema);
}

TEST_CASE("PostgresDatastore: settings of the server that make commits unsafe are named") {
    const auto& server = breakable_postgres();
    CHECK(unsafe_settings_of(server).empty());
    const auto set = [&](const std::string& name, const std::string& value) {
        server.ask("ALTER SYSTEM SET " + name + " = " + value);
        server.ask("SELECT pg_reload_conf()");
        eventually(name, [&] { return server.ask("SHOW " + name) == value; });
    };
    set("fsync", "off");
    set("synchronous_commit", "off");
    CHECK(unsafe_settings_of(server) == "fsync = off, synchronous_commit = off");
    set("fsync", "on");
    set("synchronous_commit", "on");
    CHECK(unsafe_settings_of(server).empty());
}

}  // namespace stoker::test
