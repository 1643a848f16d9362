#pragma once

// Opens connections to the store's file with the settings the store relies on. Private to
// datastore/sqlite; a connection is used by one thread at a time.

#include <SQLiteCpp/Database.h>

#include <filesystem>

#include "datastore/sqlite/sqlite_options.hpp"
#include "model/error.hpp"

namespace stoker::sqlite {

/// What an SQLite result code means for the store.
enum class Failure : std::uint8_t {
    full,       ///< no space: refuse work until there is some
    transient,  ///< this transaction only
    fatal,      ///< unknown what is on disk: the process must end and start again
};
/// `system_errno` is that of the call that failed, 0 when not known.
Failure failure_of(int sqlite_code, int system_errno = 0);

/// The one connection that writes and checkpoints. The file is made with mode 0600, never wider.
SQLite::Database open_writer(const SqliteOptions& options);
/// Cannot write.
SQLite::Database open_reader(const SqliteOptions& options);

std::filesystem::path file_of(const SqliteOptions& options);

}  // namespace stoker::sqlite
