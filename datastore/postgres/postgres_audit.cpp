#include "datastore/postgres/postgres_audit.hpp"

#include <fmt/format.h>

#include "datastore/postgres/migrations.hpp"
#include "datastore/postgres/session.hpp"

namespace stoker::postgres {

namespace {

class PostgresAudit final : public AuditSource {
public:
    explicit PostgresAudit(Session session) : session_(std::move(session)) {}

    Result<std::vector<Row>> rows(const std::string& sql) override { return session_.rows(sql); }

private:
    Session session_;
};

}  // namespace

Result<std::unique_ptr<AuditSource>> open_audit(const Target& target) {
    auto session = Session::open(target);
    if (!session) return fail(std::move(session.error()));
    const auto begun = session->execute(
        "SET statement_timeout = '10min'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    );
    if (!begun) return fail(begun.error());
    const auto found = session->ask("SELECT coalesce(max(version), 0) FROM stoker_schema");
    if (!found) return fail(found.error());
    if (*found == std::to_string(schema_version())) {
        return std::make_unique<PostgresAudit>(std::move(*session));
    }
    return fail(
        Errc::store_unavailable,
        fmt::format(
            "the database was written by another version of Stoker (schema {}, this one knows {})",
            *found,
            schema_version()
        )
    );
}

}  // namespace stoker::postgres
