#include "datastore/sqlite/sqlite_audit.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "common/async/task.hpp"
#include "datastore/sqlite/connection.hpp"
#include "datastore/sqlite/migrations.hpp"

namespace stoker::sqlite {

namespace {

constexpr std::chrono::minutes audit_time_max{10};
constexpr int steps_between_looks = 100'000;  // of SQLite's virtual machine

std::unexpected<Error> failed(const SQLite::Exception& why, const std::filesystem::path& file) {
    return fail(
        Errc::store_unavailable, fmt::format("cannot read {}: {}", file.string(), why.what())
    );
}

class SqliteAudit final : public AuditSource {
public:
    explicit SqliteAudit(const SqliteOptions& options) :
        file_(file_of(options)),
        db_(open_reader(options)) {
        const auto is_late = [](void* deadline) {
            return has_passed(*static_cast<const Deadline*>(deadline)) ? 1 : 0;
        };
        sqlite3_progress_handler(db_.getHandle(), steps_between_looks, is_late, &deadline_);
        db_.exec("BEGIN");
    }

    int version() { return db_.execAndGet("PRAGMA user_version").getInt(); }

    Result<std::vector<Row>> rows(const std::string& sql) override try {
        SQLite::Statement statement(db_, sql);
        std::vector<Row> found;
        while (statement.executeStep()) {
            auto& row = found.emplace_back();
            for (int i = 0; i < statement.getColumnCount(); ++i) {
                row.push_back(statement.getColumn(i).getString());
            }
        }
        return found;
    } catch (const SQLite::Exception& e) {
        return failed(e, file_);
    }

private:
    const std::filesystem::path file_;
    SQLite::Database db_;
    Deadline deadline_ = deadline_in(audit_time_max);
};

}  // namespace

Result<std::unique_ptr<AuditSource>> open_audit(const SqliteOptions& options) {
    const auto file = file_of(options);
    try {
        auto audit = std::make_unique<SqliteAudit>(options);
        const int found = audit->version();
        if (found == schema_version()) return audit;
        return fail(
            Errc::store_unavailable,
            fmt::format(
                "{} was written by another version of Stoker (schema {}, this one knows {})",
                file.string(),
                found,
                schema_version()
            )
        );
    } catch (const SQLite::Exception& e) {
        return failed(e, file);
    }
}

}  // namespace stoker::sqlite
