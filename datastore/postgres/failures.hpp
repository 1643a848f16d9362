#pragma once

// What a failed job means to the callers of a Datastore. Private to datastore/postgres.

#include "datastore/postgres/job.hpp"
#include "model/error.hpp"

namespace stoker::postgres {

/// `unknown` is the code when the server may have done it.
Error to_error(const Failure& failure, Errc unknown = Errc::store_unavailable);

}  // namespace stoker::postgres
