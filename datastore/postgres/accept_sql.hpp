#pragma once

// T1 for many calls at once: the Kind of a Coalescer (coalescer.hpp). Private to
// datastore/postgres.

#include <span>
#include <string>
#include <variant>
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
    /// A call that was there before is a success, too: it was our own earlier try.
    using Value = std::monostate;

    AcceptSql();

    static std::size_t bytes_of(const Item& item);
    std::vector<Step> steps(std::span<const Item* const> items) const;
    static std::vector<Result<Value>> read(const Answer& answer, std::size_t items);

private:
    Statement accept_;
};

}  // namespace stoker::postgres
