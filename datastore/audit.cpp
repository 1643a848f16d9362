#include "datastore/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "datastore/audit_rules.hpp"

namespace stoker {

namespace {

constexpr int examples_max = 3;
/// What the sweeps of a server have had enough time for.
constexpr Millis late_after{60'000};

/// `broken` is an SQL condition on a call `c`; it may name the time `{now}`.
struct Rule {
    std::string_view name;
    std::string_view about;
    std::string_view broken;
    bool is_passing = false;
};

constexpr std::string_view waits = "c.status IN ('queued', 'delayed')";
constexpr std::string_view lives = "c.status IN ('queued', 'delayed', 'running')";

// In this order they are told.
constexpr std::array rules{
    Rule{
        "status_unknown",
        "have a status that this version does not know",
        "c.status NOT IN ('delayed', 'queued', 'running', 'success', 'error', 'timeout', 'killed',"
        " 'cancelled')"
    },
    Rule{
        "request_missing",
        "have lost their request",
        "NOT EXISTS(SELECT 1 FROM requests r WHERE r.call_id = c.id)"
    },
    Rule{
        "attempts_exceeded",
        "were started more often than they may be",
        "c.attempt > c.max_attempts"
    },
    Rule{
        "end_misplaced",
        "have ended without a time of their end, or have one and live",
        "(c.completed_at IS NOT NULL) = ({lives})"
    },
    Rule{
        "owner_missing",
        "run without a worker, or were never claimed",
        "c.status = 'running' AND (c.owner IS NULL OR c.claimed_at IS NULL OR c.attempt < 1)"
    },
    Rule{
        "due_time_missing",
        "are delayed without a time when they are due",
        "c.status = 'delayed' AND c.run_at IS NULL"
    },
    Rule{
        "held_for_nothing",
        "are held although their function is not paused",
        "c.status = 'queued' AND c.dispatched_at IS NULL"
        " AND NOT EXISTS(SELECT 1 FROM fns f WHERE f.id = c.fn_id AND f.paused)"
    },
    Rule{
        "reason_missing",
        "have ended badly and do not say why",
        "c.status IN ('error', 'timeout', 'killed', 'cancelled') AND coalesce(c.error_code, '') = "
        "''"
    },
    Rule{
        "attempt_unknown",
        "name an official attempt that they never had",
        "c.log_attempt > c.attempt OR (c.status = 'success' AND c.log_attempt IS NULL)"
    },
    Rule{
        "response_missing",
        "succeeded and have lost their response",
        "c.status = 'success' AND NOT EXISTS("
        "SELECT 1 FROM responses r WHERE r.call_id = c.id AND r.attempt = c.log_attempt)"
    },
    Rule{
        "worker_dead",
        "run on a worker that is dead or unknown: a sweep queues them again",
        "c.status = 'running'"
        " AND NOT EXISTS(SELECT 1 FROM workers w WHERE w.id = c.owner AND NOT w.dead)",
        true
    },
    Rule{
        "due_late",
        "are delayed and have been due for more than a minute: no api runs, or it lags",
        "c.status = 'delayed' AND c.run_at < {now} - {late}",
        true
    },
    Rule{
        "expired_late",
        "wait although they expired more than a minute ago: no api runs, or it lags",
        "{waits} AND c.expires_at < {now} - {late}",
        true
    },
};

std::string condition_of(const Rule& rule, WallTime now) {
    return fmt::format(
        fmt::runtime(rule.broken),
        fmt::arg("now", to_ms(now)),
        fmt::arg("late", late_after.count()),
        fmt::arg("waits", waits),
        fmt::arg("lives", lives)
    );
}

/// One walk over all calls: a row for each status.
std::string count_sql(WallTime now) {
    std::string sums;
    for (const auto& rule : rules) {
        sums += fmt::format(", sum(CASE WHEN {} THEN 1 ELSE 0 END)", condition_of(rule, now));
    }
    return fmt::format(
        "SELECT c.status, count(*), sum(CASE WHEN c.status = 'queued'"
        " AND EXISTS(SELECT 1 FROM fns f WHERE f.id = c.fn_id AND f.paused) THEN 1 ELSE 0 END){}"
        " FROM calls c GROUP BY c.status",
        sums
    );
}

std::uint64_t number_of(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Result<std::vector<std::string>> examples_of(AuditSource& source, const Rule& rule, WallTime now) {
    const auto rows = source.rows(fmt::format(
        "SELECT c.id FROM calls c WHERE {} ORDER BY c.id LIMIT {}",
        condition_of(rule, now),
        examples_max
    ));
    if (!rows) return fail(rows.error());
    std::vector<std::string> ids;
    for (const auto& row : *rows) ids.push_back(row.at(0));
    return ids;
}

std::uint64_t sum_of(const Audit& audit, bool ended) {
    std::uint64_t sum = 0;
    for (const auto& [status, count] : audit.calls) {
        if (is_terminal(status) == ended) sum += count;
    }
    return sum;
}

}  // namespace

std::uint64_t Audit::live() const { return sum_of(*this, false); }
std::uint64_t Audit::ended() const { return sum_of(*this, true); }
bool Audit::is_sound() const { return std::ranges::all_of(findings, &AuditFinding::is_passing); }

Result<Audit> audit(AuditSource& source, WallTime now) {
    Audit made;
    for (int i = 0; i <= static_cast<int>(CallStatus::cancelled); ++i) {
        made.calls[static_cast<CallStatus>(i)] = 0;
    }
    const auto counts = source.rows(count_sql(now));
    if (!counts) return fail(counts.error());
    std::array<std::uint64_t, rules.size()> broken{};
    for (const auto& row : *counts) {
        if (const auto status = parse_call_status(row.at(0))) {
            made.calls[*status] = number_of(row.at(1));
        }
        made.held += number_of(row.at(2));
        for (std::size_t i = 0; i < rules.size(); ++i) broken.at(i) += number_of(row.at(3 + i));
    }
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (broken.at(i) == 0) continue;
        const auto& rule = rules.at(i);
        auto examples = examples_of(source, rule, now);
        if (!examples) return fail(std::move(examples.error()));
        made.findings.push_back(
            {std::string(rule.name),
             std::string(rule.about),
             rule.is_passing,
             broken.at(i),
             std::move(*examples)}
        );
    }
    return made;
}

}  // namespace stoker
