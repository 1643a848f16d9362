#pragma once

// Claims whose answer nobody got. Their calls may run in the database though no worker has them,
// and their worker lives on, so that no sweep finds them: they are handed back by the claim's name,
// again and again until the server can no longer be at work on the lost claim. Private to
// datastore/postgres.

#include <string>
#include <vector>

#include "common/clock.hpp"
#include "datastore/postgres/call_sql.hpp"
#include "datastore/postgres/pool.hpp"

namespace stoker::postgres {

class LostClaims {
public:
    /// Before the pool starts.
    LostClaims(Pool& pool, const CallSql& sql, const Clock& clock);

    /// Any thread.
    void add(std::string worker_id, std::string claim);

private:
    /// More than an operation may wait and the server may work on a statement, together.
    static constexpr std::chrono::seconds kept{15};

    struct Lost {
        std::string worker_id;
        std::string claim;
        Deadline until{};
    };
    void hand_back_all(Deadline now);
    void hand_back(const Lost& lost);

    Pool& pool_;
    const CallSql& sql_;
    const Clock& clock_;
    std::vector<Lost> claims_;  ///< of the pool's lane
};

}  // namespace stoker::postgres
