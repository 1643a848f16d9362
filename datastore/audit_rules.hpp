#pragma once

// What every SQL backend is asked for an audit: plain SELECTs that they all understand, in one
// snapshot. Private to datastore.

#include <string>
#include <vector>

#include "datastore/audit.hpp"

namespace stoker {

/// A snapshot of a store.
class AuditSource {
public:
    using Row = std::vector<std::string>;  ///< values as text, empty for NULL

    virtual ~AuditSource() = default;
    virtual Result<std::vector<Row>> rows(const std::string& sql) = 0;
};

Result<Audit> audit(AuditSource& source, WallTime now);

}  // namespace stoker
