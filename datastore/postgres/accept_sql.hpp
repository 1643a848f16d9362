#pragma once

// T1 for many calls at once, with their idempotency keys: the Kind of a Coalescer (coalescer.hpp).
// Private to datastore/postgres.

#include <span>
#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "datastore/postgres/job.hpp"

namespace stoker::postgres {

struct AcceptedCall {
    NewCall call;
    std::string headers;  ///< the request's, as JSON text
    WallTime now{};
};

/// A call that is accepted only if its schedule was moved on by the firing that ends with the call
/// `firing`.
struct ScheduledCall {
    AcceptedCall accepted;
    std::string schedule_id;
    std::string firing;
};

class AcceptSql {
public:
    using Item = AcceptedCall;
    /// The id of the call that stands. A call that was there before is a success, too: it was our
    /// own earlier try.
    using Value = std::string;

    AcceptSql();

    static std::size_t bytes_of(const Item& item);
    /// The last one tells how it went.
    std::vector<Step> steps(std::span<const Item* const> items) const;
    /// `fns` are those of the calls.
    Step of_schedules(const std::vector<std::string>& fns, const std::vector<ScheduledCall>& calls)
        const;
    static std::vector<Result<Value>> read(const Rows& answer, std::span<const Item* const> items);

private:
    Statement accept_, accept_keyed_, accept_scheduled_, drop_keys_, take_keys_;
};

}  // namespace stoker::postgres
