#pragma once

// What an audit has to find out, on a store whose rows a test can damage. A Backend has, beside
// what store_fixture.hpp asks of it, url(), damage(sql), and table_prefix() for the names in it.

#include <fmt/format.h>

#include "datastore/audit.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

/// One call in each state.
template <class Backend>
struct Audited : Fixture<Backend> {
    std::string queued, delayed, running, success, failed;

    Audited() {
        this->add_worker("worker-1");
        success = ended(CallStatus::success, "");
        failed = ended(CallStatus::error, "function_failed");
        running = this->run_one().call_id;
        queued = this->accept();
        auto made = this->new_call();
        made.call.status = CallStatus::delayed;
        made.call.run_at = this->clock.now() + Millis(1'000);
        delayed = made.call.id;
        REQUIRE(this->run(this->store->accept(made)));
    }

    Audit audit() {
        const auto made = audit_datastore(this->backend.url(), {}, this->clock.now());
        REQUIRE_MESSAGE(made, (made ? "" : made.error().text()));
        return *made;
    }

    /// `sql` has {t} before the name of each table.
    void damage(std::string_view sql) {
        this->backend.damage(fmt::format(
            fmt::runtime(sql),
            fmt::arg("t", this->backend.table_prefix()),
            fmt::arg("queued", queued),
            fmt::arg("delayed", delayed),
            fmt::arg("running", running),
            fmt::arg("success", success),
            fmt::arg("failed", failed)
        ));
    }

private:
    std::string ended(CallStatus status, std::string code) {
        auto finished = Fixture<Backend>::success(this->run_one());
        finished.end = {status, code.empty() ? "" : "it failed", std::move(code)};
        REQUIRE(this->run(this->store->finish(finished)) == true);
        return finished.fence.call_id;
    }
};

inline std::vector<std::string> names_of(const Audit& audit) {
    std::vector<std::string> names;
    for (const auto& finding : audit.findings) names.push_back(finding.name);
    return names;
}

/// Whatever has been done to calls by the store itself, the ledger is sound and adds up.
template <class Backend>
void check_sound_audit() {
    Audited<Backend> t;
    const auto audit = t.audit();
    CHECK(audit.is_sound());
    CHECK(names_of(audit).empty());
    CHECK(audit.accepted() == 5);
    CHECK(audit.live() == 3);
    CHECK(audit.ended() == 2);
    CHECK(audit.calls.at(CallStatus::queued) == 1);
    CHECK(audit.calls.at(CallStatus::killed) == 0);
    REQUIRE(t.run(t.store->pause_fn(t.fn.id)));
    t.clock.advance(Millis(1'000));
    REQUIRE(t.run(t.store->release_due(10)));
    const auto paused = t.audit();
    CHECK(paused.is_sound());
    CHECK(paused.held == 2);
}

struct Damage {
    std::string_view sql;
    std::string_view finding;
    bool is_passing = false;
};

inline const std::vector<Damage> damages{
    {"UPDATE {t}calls SET status = 'odd' WHERE id = '{success}'", "status_unknown"},
    {"DELETE FROM {t}requests WHERE call_id = '{queued}'", "request_missing"},
    {"UPDATE {t}calls SET max_attempts = 0 WHERE id = '{failed}'", "attempts_exceeded"},
    {"UPDATE {t}calls SET completed_at = NULL WHERE id = '{success}'", "end_misplaced"},
    {"UPDATE {t}calls SET completed_at = 5 WHERE id = '{queued}'", "end_misplaced"},
    {"UPDATE {t}calls SET claimed_at = NULL WHERE id = '{running}'", "owner_missing"},
    {"UPDATE {t}calls SET run_at = NULL WHERE id = '{delayed}'", "due_time_missing"},
    {"UPDATE {t}calls SET dispatched_at = NULL WHERE id = '{queued}'", "held_for_nothing"},
    {"UPDATE {t}calls SET error_code = NULL WHERE id = '{failed}'", "reason_missing"},
    {"UPDATE {t}calls SET log_attempt = 9 WHERE id = '{failed}'", "attempt_unknown"},
    {"DELETE FROM {t}responses WHERE call_id = '{success}'", "response_missing"},
    {"DELETE FROM {t}workers", "worker_dead", true},
    {"UPDATE {t}calls SET run_at = 5 WHERE id = '{delayed}'", "due_late", true},
    {"UPDATE {t}calls SET expires_at = 5 WHERE id = '{queued}'", "expired_late", true},
};

template <class Backend>
void check_damage_is_found() {
    for (const auto& [sql, finding, is_passing] : damages) {
        CAPTURE(sql);
        Audited<Backend> t;
        t.damage(sql);
        const auto audit = t.audit();
        CHECK(audit.is_sound() == is_passing);
        CHECK(names_of(audit) == std::vector{std::string(finding)});
        if (audit.findings.empty()) continue;
        CHECK(audit.findings[0].calls == 1);
        CHECK(audit.findings[0].examples.size() == 1);
    }
}

}  // namespace stoker::test
