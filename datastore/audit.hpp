#pragma once

// Recounts the ledger from its rows, and looks at each call for what must hold of it whatever has
// happened. Reads one snapshot beside whoever uses the store, and changes nothing. Blocks.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "datastore/open_datastore.hpp"
#include "model/call.hpp"

namespace stoker {

/// Calls of which a rule does not hold.
struct AuditFinding {
    std::string name;   ///< a word for programs
    std::string about;  ///< what is wrong, for people
    /// Not a fault of the ledger but something that passes by itself while servers run.
    bool is_passing = false;
    std::uint64_t calls = 0;
    std::vector<std::string> examples;  ///< ids, a few
};

struct Audit {
    std::map<CallStatus, std::uint64_t> calls;  ///< every status has its number
    std::uint64_t held = 0;                     ///< of the queued ones
    std::vector<AuditFinding> findings;

    std::uint64_t live() const;
    std::uint64_t ended() const;
    std::uint64_t accepted() const { return live() + ended(); }
    /// Every rule holds, but for what passes by itself.
    bool is_sound() const;
};

/// An Error's message is for the operator.
Result<Audit> audit_datastore(std::string_view url, const DatastoreOptions& options, WallTime now);

}  // namespace stoker
