#include "tests/simulation/history.hpp"

#include <fmt/format.h>

#include "tests/simulation/sim_clock.hpp"

namespace stoker::test {

void History::note(std::string_view what, std::string_view of) {
    const auto now = VirtualTime::now().count();
    const auto mix = [this](std::string_view bytes) {
        for (const char c : bytes) {
            digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 1099511628211U;
        }
    };
    mix(what);
    mix(of);
    digest_ = (digest_ ^ static_cast<std::uint64_t>(now)) * 1099511628211U;
    if (is_traced_) fmt::print("{:8.3f}  {}  {}\n", static_cast<double>(now) / 1000, what, of);
}

void History::require(bool holds, std::string_view what, std::string_view of) {
    if (holds) return;
    note(fmt::format("VIOLATION {}", what), of);
    violations_.push_back(fmt::format("at {} ms: {}: {}", VirtualTime::now().count(), what, of));
}

void History::acknowledged(const std::string& call_id, bool has_row, const std::string& key) {
    note("202", call_id);
    calls_[call_id].acknowledged = true;
    require(has_row, "an acknowledged call has no row", call_id);
    if (key.empty()) return;
    const auto& first = call_of_key_.try_emplace(key, call_id).first->second;
    require(first == call_id, "a key stands for two calls", key);
}

void History::cancel_answered(const std::string& call_id, CallStatus status) {
    note("cancel answered", fmt::format("{} {}", call_id, to_word(status)));
    auto& story = calls_[call_id];
    if (status == CallStatus::cancelled) {
        story.cancel_acknowledged = true;
        reached("cancel won");
    } else if (is_terminal(status)) {
        reached("cancel lost");
    }
}

void History::claimed(const std::string& call_id, const std::string& fn_id) {
    require(!paused_.contains(fn_id), "a call of a paused function is claimed", call_id);
}

void History::started(const Fence& attempt, bool is_held, bool is_time) {
    const auto name = fmt::format("{} #{} {}", attempt.call_id, attempt.attempt, attempt.owner);
    note("executing", name);
    ++executions_;
    auto& story = calls_[attempt.call_id];
    require(story.stored, "a call is executed that is not stored", name);
    require(is_held, "an attempt begins that its worker does not hold any more", name);
    require(is_time, "a call is executed before it is due or after it has expired", name);
    require(!story.cancel_acknowledged, "a call is executed after its cancel was answered", name);
    require(story.executed.insert(attempt.attempt).second, "an attempt is executed twice", name);
}

void History::stored(const std::string& call_id, int max_attempts) {
    note("stored", call_id);
    auto& story = calls_[call_id];
    story.stored = true;
    ++live_;
    story.max_attempts = max_attempts;
}

void History::moved(
    const std::string& call_id, CallStatus from, CallStatus to, std::string_view by
) {
    const auto name = fmt::format("{} {} -> {} by {}", call_id, to_word(from), to_word(to), by);
    note("moved", name);
    auto& story = calls_[call_id];
    require(!is_terminal(from), "a call that has ended changes", name);
    require(is_terminal(from) || can_step(from, to), "the state machine has no such step", name);
    if (!is_terminal(to)) return;
    --live_;
    require(++story.ends == 1, "a call ends twice", name);
    require(
        to != CallStatus::success || !story.executed.empty(), "success without execution", name
    );
}

void History::passed_fence(const Fence& fence, const Fence& holder) {
    require(
        fence.owner == holder.owner && fence.attempt == holder.attempt,
        "a stale attempt is let through",
        fmt::format(
            "{} #{} {}, held by #{} {}",
            fence.call_id,
            fence.attempt,
            fence.owner,
            holder.attempt,
            holder.owner
        )
    );
}

void History::handed_back(const Fence& fence) {
    note("handed back", fmt::format("{} #{}", fence.call_id, fence.attempt));
    calls_[fence.call_id].handed_back.insert(fence.attempt);
    reached("hand-back");
}

void History::counted(std::uint64_t live) {
    require(live == live_, "the count of live calls is wrong", std::to_string(live));
}

void History::ended(const std::string& call_id, CallStatus status) {
    auto& story = calls_[call_id];
    require(is_terminal(status), "a call never ends", call_id);
    int counted = 0;
    for (const int attempt : story.executed) counted += story.handed_back.contains(attempt) ? 0 : 1;
    require(counted <= story.max_attempts, "more executions than max_attempts", call_id);
}

}  // namespace stoker::test
