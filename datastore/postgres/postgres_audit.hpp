#pragma once

// The snapshot of a PostgreSQL database that an audit reads, on a connection of its own.

#include <memory>

#include "datastore/audit_rules.hpp"
#include "datastore/postgres/target.hpp"

namespace stoker::postgres {

Result<std::unique_ptr<AuditSource>> open_audit(const Target& target);

}  // namespace stoker::postgres
