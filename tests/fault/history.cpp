#include "tests/fault/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace stoker::test {

namespace {

constexpr std::size_t told_max = 100;

bool is_live(std::string_view status) {
    return status == "delayed" || status == "queued" || status == "running";
}

bool has_ended(std::string_view status) {
    return status == "success" || status == "error" || status == "timeout" || status == "killed" ||
           status == "cancelled";
}

}  // namespace

std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void History::accepted(const std::string& token, const std::string& id, std::int64_t not_before) {
    const std::scoped_lock lock(mutex_);
    ++counts_["accepted"];
    const auto [known, is_new] = id_of_token_.emplace(token, id);
    require(is_new || known->second == id, "one key is two calls", token);
    open_tokens_.erase(token);
    refused_tokens_.erase(token);
    if (!is_new) {
        ++counts_["accepted again by its key"];
        return;
    }
    auto& story = calls_[id];
    story.token = token;
    story.is_accepted = true;
    story.not_before = not_before;
    for (const auto& run : story.runs) check_start(id, story, run);
}

void History::refused(const std::string& token, int status) {
    const std::scoped_lock lock(mutex_);
    ++counts_[fmt::format("refused with {}", status)];
    // An earlier try of the same may have been taken.
    if (!open_tokens_.contains(token) && !id_of_token_.contains(token)) {
        refused_tokens_.insert(token);
    }
}

void History::unknown(const std::string& token) {
    const std::scoped_lock lock(mutex_);
    ++counts_["left open"];
    refused_tokens_.erase(token);
    if (!id_of_token_.contains(token)) open_tokens_.insert(token);
}

void History::called(const std::string& token) {
    const std::scoped_lock lock(mutex_);
    ++counts_["synchronous calls"];
    synchronous_.emplace(token, false);
}

void History::answered(const std::string& token) {
    const std::scoped_lock lock(mutex_);
    ++counts_["synchronous calls answered"];
    synchronous_[token] = true;
}

void History::observed(
    const std::string& id, int http_status, std::string_view status, int attempt
) {
    const std::scoped_lock lock(mutex_);
    ++counts_["observations"];
    require(http_status != 404, "accepted, and not found", id);
    if (http_status != 200) return;
    auto& story = calls_[id];
    require(is_live(status) || has_ended(status), "no such status", status);
    require(attempt >= story.seen_attempt, "seen to go back", id);
    require(story.seen_end.empty() || story.seen_end == status, "seen to end twice", id);
    if (has_ended(status)) story.seen_end = status;
    story.seen_attempt = std::max(attempt, story.seen_attempt);
}

void History::cancelled(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    ++counts_["cancelled while waiting"];
    auto& story = calls_[id];
    story.cancelled_at = now_ms();
    for (const auto& run : story.runs) check_start(id, story, run);
}

void History::started(
    const std::string& token, const std::string& id, int attempt, std::int64_t at
) {
    const std::scoped_lock lock(mutex_);
    ++counts_["executions"];
    require(!refused_tokens_.contains(token), "refused, and ran", token);
    auto& story = calls_[id];
    if (story.token.empty()) story.token = token;
    require(story.token == token, "ran with the body of another", id);
    for (const auto& run : story.runs) {
        require(run.attempt != attempt, "one attempt ran twice", id);
    }
    if (!story.runs.empty()) ++counts_["executed again"];
    const Run run{.attempt = attempt, .started_at = at};
    check_start(id, story, run);
    story.runs.push_back(run);
}

void History::check_start(const std::string& id, const Story& story, const Run& run) {
    require(run.started_at >= story.not_before, "ran before its time", id);
    require(
        story.cancelled_at == 0 || run.started_at <= story.cancelled_at,
        "ran after its cancel was answered",
        id
    );
}

void History::ended(const std::string& id, int attempt) {
    const std::scoped_lock lock(mutex_);
    for (auto& run : calls_[id].runs) run.ended = run.ended || run.attempt == attempt;
}

void History::check(const std::vector<FinalCall>& rows) {
    const std::scoped_lock lock(mutex_);
    std::set<std::string> found;
    std::uint64_t unasked = 0;
    for (const auto& row : rows) {
        found.insert(row.id);
        const auto story = calls_.find(row.id);
        unasked += story == calls_.end() || !story->second.is_accepted;
        check_call(row);
    }
    for (const auto& [id, story] : calls_) {
        require(!story.is_accepted || found.contains(id), "accepted, and lost", id);
    }
    // What was left open may have been stored or not; nothing else may be there.
    require(unasked <= counts_["left open"], "more calls than were asked for", "");
    check_synchronous();
}

void History::check_synchronous() {
    std::map<std::string, std::uint64_t> runs;
    for (const auto& [id, story] : calls_) runs[story.token] += story.runs.size();
    for (const auto& [token, is_answered] : synchronous_) {
        require(runs[token] <= 1, "a synchronous call was repeated", token);
        require(!is_answered || runs[token] == 1, "a synchronous answer without a run", token);
    }
}

void History::check_call(const FinalCall& row) {
    const auto& story = calls_[row.id];
    require(has_ended(row.status), "never ended", row.id);
    require(story.seen_end.empty() || story.seen_end == row.status, "ended twice", row.id);
    ++counts_["ended as " + row.status];
    if (row.status == "cancelled" && story.cancelled_at == 0) ++counts_["cancelled while running"];
    check_runs(row, story);
    if (!row.has_log || row.status != "success") return;
    ++counts_["logs compared"];
    const auto wanted = fmt::format("ran {} {}\n", story.token, row.attempt);
    require(row.log == wanted, "the log of another attempt", row.id + ": " + row.log);
}

void History::check_runs(const FinalCall& row, const Story& story) {
    bool is_witnessed = false;
    for (const auto& run : story.runs) {
        require(run.attempt <= row.max_attempts, "ran more often than it may", row.id);
        require(run.attempt <= row.attempt, "an attempt nobody claimed", row.id);
        is_witnessed = is_witnessed || (run.attempt == row.attempt && run.ended);
    }
    require(row.status != "success" || is_witnessed, "a success that never ran", row.id);
}

void History::require(bool holds, std::string_view what, std::string_view of) {
    if (holds) return;
    auto& told = violations_[std::string(what)];
    if (told.size() < told_max) told.emplace_back(of);
}

void History::violate(std::string_view what, std::string_view of) {
    const std::scoped_lock lock(mutex_);
    require(false, what, of);
}

std::vector<std::string> History::violations() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [what, list] : violations_) {
        for (const auto& of : list) all.push_back(what + ": " + of);
    }
    return all;
}

std::map<std::string, std::uint64_t> History::counts() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
}

void History::count(std::string_view what, std::uint64_t times) {
    const std::scoped_lock lock(mutex_);
    counts_[std::string(what)] += times;
}

std::vector<std::string> History::accepted_ids() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, story] : calls_) {
        if (story.is_accepted) ids.push_back(id);
    }
    return ids;
}

}  // namespace stoker::test
