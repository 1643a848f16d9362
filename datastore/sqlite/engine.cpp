#include "datastore/sqlite/engine.hpp"

#include <fmt/format.h>
#include <SQLiteCpp/Exception.h>

#include "datastore/sqlite/connection.hpp"
#include "datastore/sqlite/migrations.hpp"

namespace stoker::sqlite {

namespace {

/// Gives up the reserve when there is no room even to open.
SQLite::Database open_with_room(const SqliteOptions& options, DiskSpace& space) {
    try {
        return open_writer(options);
    } catch (const SQLite::Exception& e) {
        if (failure_of(e.getExtendedErrorCode()) != Failure::full) throw;
        space.ran_out(e.what());
        return open_writer(options);
    }
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(
    SqliteOptions options, const Clock& clock, Metrics& metrics
) {
    const auto file = file_of(options).string();
    auto lock = FolderLock::take(options.folder);
    if (!lock) {
        auto& error = lock.error();
        return fail(error.code, error.message.empty() ? error.detail : error.message);
    }
    auto space = std::make_unique<DiskSpace>(options.folder, options.space, metrics);
    try {
        auto db = open_with_room(options, *space);
        if (auto migrated = migrate(db, file); !migrated) return fail(std::move(migrated.error()));
        return std::unique_ptr<Engine>(new Engine(
            std::move(options), std::move(*lock), std::move(space), std::move(db), clock, metrics
        ));
    } catch (const std::exception& e) {
        return fail(Errc::store_unavailable, fmt::format("cannot open {}: {}", file, e.what()));
    }
}

Engine::Engine(
    SqliteOptions options,
    FolderLock lock,
    std::unique_ptr<DiskSpace> space,
    SQLite::Database db,
    const Clock& clock,
    Metrics& metrics
) :
    options_(std::move(options)),
    lock_(std::move(lock)),
    space_(std::move(space)),
    writer_(std::move(db), options_, *space_, clock, metrics),
    readers_(options_),
    batcher_(
        writer_,
        {.batch_jobs_max = options_.batch_jobs_max, .waiting_jobs_max = options_.waiting_writes_max}
    ),
    read_pool_(options_.read_threads, options_.waiting_reads_max) {
    space_->start();
}

void Engine::close() {
    batcher_.stop();
    read_pool_.stop();
    space_->stop();
}

}  // namespace stoker::sqlite
