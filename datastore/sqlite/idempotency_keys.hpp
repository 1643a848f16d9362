#pragma once

// The keys by which callers repeat their accepts, inside the transaction of the accept. Private to
// datastore/sqlite; on the writer's thread.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>

#include "datastore/datastore.hpp"

namespace stoker::sqlite {

class IdempotencyKeys {
public:
    explicit IdempotencyKeys(SQLite::Database& db);

    /// Takes the key for the call, unless a call holds it: the id of the one that does now.
    /// idempotency_mismatch when that was another request.
    Result<std::string> take(
        const std::string& fn_id,
        const IdempotencyKey& key,
        const std::string& call_id,
        WallTime now
    );
    int forget(int items_max, WallTime now);

private:
    SQLite::Statement drop_if_over_;
    SQLite::Statement insert_;
    SQLite::Statement find_;
    SQLite::Statement forget_;
};

}  // namespace stoker::sqlite
