#pragma once

// The steps of single calls, each one compare-and-set inside the writer's transaction: accept (T1),
// claim (T3), finish (T4), retry (T5), hand back, progress, cancel (T7). A step that loses its race
// changes nothing and says so. Private to datastore/sqlite; on the writer's thread.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "datastore/sqlite/call_counter.hpp"
#include "datastore/sqlite/idempotency_keys.hpp"

namespace stoker::sqlite {

class CallWrites {
public:
    CallWrites(SQLite::Database& db, CountChange& counts);

    bool has_call(const std::string& id);
    IdempotencyKeys& keys() { return keys_; }
    struct Accepted {
        std::string call_id;  ///< the call that stands
        bool is_new = false;  ///< and whether this accept made it
    };
    /// `headers` is the request's, as JSON text: made on the caller's thread.
    Result<Accepted> accept(const NewCall& accepted, const std::string& headers, WallTime now);
    std::vector<Call> claim(
        const std::string& worker_id, const std::vector<std::string>& ids, WallTime now
    );
    bool finish(const FinishedCall& finished, WallTime now);
    bool retry(const FinishedCall& attempt, WallTime run_at, WallTime now);
    bool hand_back(const Fence& fence, HandBack how, WallTime now);
    void progress(const CallProgress& entry);
    /// T8. False when the call does not wait any more, or was put meanwhile.
    bool mark_put(const std::string& call_id, WallTime put_at, WallTime now);
    Result<Call> cancel(const Scope& scope, const std::string& call_id, WallTime now);

private:
    bool insert_call(const Call& call, WallTime now);
    void insert_request(const NewCall& call, const std::string& headers);
    void insert_response(const Fence& fence, const CallResponse& response);
    void insert_logs(const Fence& fence, const std::vector<LogChunk>& chunks);
    void insert_outcome(const FinishedCall& attempt);
    bool is_finished_by(const FinishedCall& finished);

    CountChange& counts_;
    IdempotencyKeys keys_;
    SQLite::Statement has_fn_;
    SQLite::Statement has_call_;
    SQLite::Statement insert_call_;
    SQLite::Statement insert_request_;
    SQLite::Statement claim_;
    SQLite::Statement finish_;
    SQLite::Statement is_finished_by_;
    SQLite::Statement insert_response_;
    SQLite::Statement insert_log_;
    SQLite::Statement retry_;
    SQLite::Statement is_retried_;
    SQLite::Statement hand_back_;
    SQLite::Statement is_handed_back_;
    SQLite::Statement progress_;
    SQLite::Statement mark_put_;
    SQLite::Statement is_attempt_;
    SQLite::Statement cancel_;
    SQLite::Statement find_;
    SQLite::Statement find_in_scope_;
};

}  // namespace stoker::sqlite
