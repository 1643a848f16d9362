#include "tests/datastore/audit_cases.hpp"
#include "tests/support/postgres_backend.hpp"

namespace stoker::test {

namespace {

struct DamagedPostgres : PostgresBackend {
    std::string table_prefix() const { return schema + "."; }
    void damage(const std::string& sql) const { server.ask(sql); }
};

}  // namespace

TEST_CASE("audit: what PostgreSQL has stored is sound beside its servers, and adds up") {
    check_sound_audit<DamagedPostgres>();
}

TEST_CASE("audit: each kind of damage in PostgreSQL is found and named") {
    check_damage_is_found<DamagedPostgres>();
}

}  // namespace stoker::test
