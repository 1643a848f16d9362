#pragma once

// The snapshot of an SQLite file that an audit reads, beside the server that has the file: opened
// for reading alone, which neither takes the folder's lock nor ever checkpoints. The WAL cannot be
// reset while it lives.

#include <memory>

#include "datastore/audit_rules.hpp"
#include "datastore/sqlite/sqlite_options.hpp"

namespace stoker::sqlite {

Result<std::unique_ptr<AuditSource>> open_audit(const SqliteOptions& options);

}  // namespace stoker::sqlite
