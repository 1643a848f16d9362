#pragma once

// The read statements of calls, their requests, responses and logs, prepared once for a connection.
// Private to datastore/sqlite; used on the thread that owns the connection.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <optional>
#include <string>
#include <vector>

#include "datastore/datastore.hpp"

namespace stoker::sqlite {

/// A queued call and when it was last put into the queue.
struct WaitingCall {
    MovedCall call;
    WallTime put_at{};
};

class CallReads {
public:
    explicit CallReads(SQLite::Database& db);

    std::optional<Call> find_call(const Scope& scope, const std::string& call_id);
    std::vector<Call> list_calls(const Scope& scope, const CallFilter& filter, const Page& page);
    std::optional<CallRequest> find_request(const std::string& call_id);
    /// Of the official attempt; its body may still be in a blob.
    std::optional<CallResponse> find_response(const Scope& scope, const std::string& call_id);
    /// Empty for an unknown call.
    std::optional<std::vector<LogChunk>> find_log(
        const Scope& scope, const std::string& call_id, std::int64_t from_seq
    );
    std::vector<MovedCall> list_queued(const std::string& after_id, int items_max);
    /// The same calls, but for those a gate holds.
    std::vector<WaitingCall> list_waiting(const std::string& after_id, int items_max);
    CallCounts count_calls();
    /// Whether a row names the blob that was written for this call.
    bool is_blob_named(const std::string& call_id, const std::string& blob);

private:
    SQLite::Statement find_call_;
    SQLite::Statement list_of_fn_;
    SQLite::Statement list_all_;
    SQLite::Statement list_dead_;
    SQLite::Statement find_request_;
    SQLite::Statement find_response_;
    SQLite::Statement find_log_;
    SQLite::Statement list_queued_;
    SQLite::Statement list_waiting_;
    SQLite::Statement count_delayed_;
    SQLite::Statement count_queued_;
    SQLite::Statement count_running_;
    SQLite::Statement is_blob_named_;
};

}  // namespace stoker::sqlite
