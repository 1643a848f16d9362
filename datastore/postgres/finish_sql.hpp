#pragma once

// T4 and T5 for many calls at once, with their responses and last log chunks: the Kind of a
// Coalescer (coalescer.hpp). Private to datastore/postgres.

#include <optional>
#include <span>
#include <vector>

#include "datastore/datastore.hpp"
#include "datastore/postgres/job.hpp"

namespace stoker::postgres {

struct EndedCall {
    FinishedCall finished;
    WallTime now{};
    std::optional<WallTime> run_at{};  ///< again, for this attempt was not the last
};

class FinishSql {
public:
    using Item = EndedCall;
    /// Whether the attempt ended this way by this execution, now or by an earlier try.
    using Value = bool;

    FinishSql();

    static std::size_t bytes_of(const Item& item);
    std::vector<Step> steps(std::span<const Item* const> items) const;
    static std::vector<Result<Value>> read(const Rows& answer, std::span<const Item* const> items);

private:
    Statement finish_;
    Statement find_finished_;
};

}  // namespace stoker::postgres
