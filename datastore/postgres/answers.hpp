#pragma once

// The two usual ways to read the first rows of a job. Private to datastore/postgres.

#include <type_traits>
#include <vector>

#include "datastore/postgres/failures.hpp"
#include "datastore/postgres/job.hpp"

namespace stoker::postgres {

/// The first row, or `absent`.
template <class Read>
auto one(const Outcome& outcome, Read read, Errc absent)
    -> Result<std::invoke_result_t<Read, Row&>> {
    if (!outcome) return fail(to_error(outcome.error()));
    if (outcome->front().empty()) return fail(absent);
    auto row = outcome->front().front();
    return read(row);
}

template <class Read>
auto all(const Outcome& outcome, Read read)
    -> Result<std::vector<std::invoke_result_t<Read, Row&>>> {
    if (!outcome) return fail(to_error(outcome.error()));
    return outcome->front().each(read);
}

}  // namespace stoker::postgres
