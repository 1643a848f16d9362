#pragma once

// The schema in numbered steps. Many processes may start at once: one of them at a time looks and
// moves the schema on, under a lock of the database. Private to datastore/postgres.

#include "model/error.hpp"

namespace stoker::postgres {

class Session;

/// What this program reads and writes.
int schema_version();

/// Makes or moves on the schema; all of it or nothing. Refuses that of a newer program.
Result<void> migrate(Session& session);

}  // namespace stoker::postgres
