#pragma once

// The steps of single calls, each one compare-and-set: claim (T3), hand back, progress, cancel
// (T7); and what is read about calls. Accept and finish, which are made for many at once, are in
// accept_sql.hpp and finish_sql.hpp. Private to datastore/postgres.

#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "datastore/postgres/job.hpp"

namespace stoker::postgres {

class CallSql {
public:
    CallSql();

    /// The last answer has a row for each call that is now the claim's (ClaimedRow), also when an
    /// earlier try made it so. `claim` is a word of its own for every claim.
    std::vector<Step> claim(
        const std::string& worker_id,
        const std::string& claim,
        const std::vector<std::string>& ids,
        WallTime now
    ) const;
    /// A row in one of the two answers: handed back, now or by an earlier try.
    std::vector<Step> hand_back(const Fence& fence, HandBack how, WallTime now) const;
    /// What a lost claim may have left running. The rows are the calls.
    Step hand_back_claim(const std::string& worker_id, const std::string& claim, WallTime now)
        const;
    std::vector<Step> progress(const std::vector<CallProgress>& entries) const;
    /// The last answer is the call as it is afterwards; no row when it is not in scope.
    std::vector<Step> cancel(const Scope& scope, const std::string& call_id, WallTime now) const;

    Step find_call(const Scope& scope, const std::string& call_id) const;
    Step list_calls(const Scope& scope, const CallFilter& filter, const Page& page) const;
    Step find_request(const Scope& scope, const std::string& call_id) const;
    Step find_response(const Scope& scope, const std::string& call_id) const;
    /// The first answer has a row when the call is in scope, the second has its chunks.
    std::vector<Step> find_log(
        const Scope& scope, const std::string& call_id, std::int64_t from_seq
    ) const;

    // Bodies too large for a row: pieces under a name that the row has.
    /// Only if the request or response that names the blob was stored by the same job.
    Step insert_request_chunk(
        const std::string& blob,
        std::int64_t seq,
        std::string_view bytes,
        const std::string& call_id
    ) const;
    Step insert_response_chunk(
        const std::string& blob, std::int64_t seq, std::string_view bytes, const Fence& fence
    ) const;
    Step find_blob(const std::string& blob) const;

private:
    Statement claim_, find_claimed_;
    Statement hand_back_, is_handed_back_, hand_back_claim_;
    Statement progress_, insert_logs_;
    Statement cancel_, find_call_;
    Statement list_of_fn_, list_all_, list_dead_, find_request_, find_response_, find_log_;
    Statement insert_request_chunk_, insert_response_chunk_, find_blob_;
};

/// A row of the last answer of a claim.
struct ClaimedRow {
    Call call;
    bool has_request = false;
    CallRequest request;
    std::int64_t fn_rev = 0;  ///< as they are now; 0 when the fn or app is gone
    std::int64_t app_rev = 0;
};
ClaimedRow read_claimed(Row& row);

}  // namespace stoker::postgres
