#include "datastore/sqlite/engine.hpp"

#include <fmt/format.h>
#include <SQLiteCpp/Exception.h>

#include "datastore/sqlite/connection.hpp"
#include "datastore/sqlite/migrations.hpp"

namespace stoker::sqlite {

Result<std::unique_ptr<Engine>> Engine::open(
    SqliteOptions options, const Clock& clock, Metrics& metrics
) {
    const auto file = file_of(options).string();
    auto lock = FolderLock::take(options.folder);
    if (!lock) {
        auto& error = lock.error();
        return fail(error.code, error.message.empty() ? error.detail : error.message);
    }
    try {
        auto db = open_writer(options);
        if (auto migrated = migrate(db, file); !migrated) return fail(std::move(migrated.error()));
        return std::unique_ptr<Engine>(
            new Engine(std::move(options), std::move(*lock), std::move(db), clock, metrics)
        );
    } catch (const std::exception& e) {
        return fail(Errc::store_unavailable, fmt::format("cannot open {}: {}", file, e.what()));
    }
}

Engine::Engine(
    SqliteOptions options,
    FolderLock lock,
    SQLite::Database db,
    const Clock& clock,
    Metrics& metrics
) :
    options_(std::move(options)),
    lock_(std::move(lock)),
    writer_(std::move(db), options_, clock, metrics),
    readers_(options_),
    batcher_(
        writer_,
        {.batch_jobs_max = options_.batch_jobs_max, .waiting_jobs_max = options_.waiting_writes_max}
    ),
    read_pool_(options_.read_threads, options_.waiting_reads_max) {}

void Engine::close() {
    batcher_.stop();
    read_pool_.stop();
}

}  // namespace stoker::sqlite
