#include "datastore/sqlite/idempotency_keys.hpp"

#include "datastore/sqlite/query.hpp"

namespace stoker::sqlite {

IdempotencyKeys::IdempotencyKeys(SQLite::Database& db) :
    drop_if_over_(db, "DELETE FROM idempotency WHERE fn_id = ?1 AND key = ?2 AND expires_at <= ?3"),
    insert_(
        db,
        "INSERT INTO idempotency(fn_id, key, call_id, digest, expires_at) VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING"
    ),
    find_(db, "SELECT call_id, digest FROM idempotency WHERE fn_id = ?1 AND key = ?2"),
    forget_(
        db,
        "DELETE FROM idempotency WHERE (fn_id, key) IN"
        " (SELECT fn_id, key FROM idempotency INDEXED BY idempotency_expiry"
        "  WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)"
    ) {}

Result<std::string> IdempotencyKeys::take(
    const std::string& fn_id, const IdempotencyKey& key, const std::string& call_id, WallTime now
) {
    change(drop_if_over_, fn_id, key.key, now);
    const auto until = now + key.lifetime;
    if (change(insert_, fn_id, key.key, call_id, key.digest, until) > 0) return call_id;
    Query held(find_, fn_id, key.key);
    held.next();
    auto holder = held.text();
    if (held.text() != key.digest) return fail(Errc::idempotency_mismatch);
    return holder;
}

int IdempotencyKeys::forget(int items_max, WallTime now) { return change(forget_, now, items_max); }

}  // namespace stoker::sqlite
