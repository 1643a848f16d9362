#include "datastore/sqlite/reader.hpp"

#include <sqlite3.h>

#include "datastore/sqlite/connection.hpp"

namespace stoker::sqlite {

namespace {

constexpr int steps_between_looks = 20'000;  // of SQLite's virtual machine: about a millisecond

int is_late(void* deadline) { return has_passed(*static_cast<Deadline*>(deadline)) ? 1 : 0; }

}  // namespace

Reader::Reader(const SqliteOptions& options) :
    db_(open_reader(options)),
    catalog_(db_),
    calls_(db_),
    schedules_(db_) {
    sqlite3_progress_handler(db_.getHandle(), steps_between_looks, is_late, &deadline_);
}

ReaderPool::Lease ReaderPool::take(Deadline deadline) {
    std::unique_ptr<Reader> reader;
    {
        const std::scoped_lock lock(mutex_);
        if (!free_.empty()) {
            reader = std::move(free_.back());
            free_.pop_back();
        }
    }
    if (!reader) reader = std::make_unique<Reader>(options_);
    reader->set_deadline(deadline);
    return {*this, std::move(reader)};
}

void ReaderPool::put(std::unique_ptr<Reader> reader) {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(reader));
}

}  // namespace stoker::sqlite
