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
    static std::vector<Result<Value>> read(const Rows& answer, std::span<const Item* const> items);

private:
    Statement accept_, accept_keyed_, drop_keys_, take_keys_;
};

}  // namespace stoker::postgres
