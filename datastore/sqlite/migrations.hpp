#pragma once

// The schema as numbered steps. The number of the last step applied is in PRAGMA user_version; a
// step once released is never edited, a change is a new step. Private to datastore/sqlite.

#include <SQLiteCpp/Database.h>

#include <string_view>

#include "model/error.hpp"

namespace stoker::sqlite {

/// The schema this program writes.
int schema_version();

/// Brings the file to schema_version(), all missing steps in one transaction. A file of a newer
/// program is refused untouched.
Result<void> migrate(SQLite::Database& db, std::string_view file);

}  // namespace stoker::sqlite
