#pragma once

// What happened in one simulation, as seen from outside the product, and the checker of it: the
// promises of docs/calls.md, asserted at each event and once more at the end. Also counts the rare
// states that were reached: a campaign that never reaches one proves nothing about it.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "datastore/datastore.hpp"

namespace stoker::test {

class History {
public:
    explicit History(bool is_traced) : is_traced_(is_traced) {}

    // Clients.
    /// The answer to a request with that idempotency key, if any.
    void acknowledged(const std::string& call_id, bool has_row, const std::string& key);
    void cancel_answered(const std::string& call_id, CallStatus status);

    /// The answer to whoever paused a function, and the request of whoever resumes it.
    void paused(const std::string& fn_id) { paused_.insert(fn_id); }
    void resumed(const std::string& fn_id) { paused_.erase(fn_id); }

    // Workers.
    void claimed(const std::string& call_id, const std::string& fn_id);
    void started(const Fence& attempt, bool is_held, bool is_time);

    // The datastore: each change of a row, when it takes effect.
    void stored(const std::string& call_id, int max_attempts);
    void moved(const std::string& call_id, CallStatus from, CallStatus to, std::string_view by);
    /// A write carrying `fence` was let through to a row held by `holder`.
    void passed_fence(const Fence& fence, const Fence& holder);
    void handed_back(const Fence& fence);

    /// The end: nothing is faulty any more and all had time to finish.
    void ended(const std::string& call_id, CallStatus status);
    /// accepted = ended + live, always.
    void counted(std::uint64_t live);

    void require(bool holds, std::string_view what, std::string_view of);
    void reached(std::string_view rare) { ++reached_[rare]; }
    void note(std::string_view what, std::string_view of = {});

    bool is_acknowledged(const std::string& call_id) const {
        const auto found = calls_.find(call_id);
        return found != calls_.end() && found->second.acknowledged;
    }
    const std::vector<std::string>& violations() const { return violations_; }
    const std::map<std::string_view, std::uint64_t>& rare() const { return reached_; }
    /// Equal for equal schedules.
    std::uint64_t digest() const { return digest_; }
    std::uint64_t executions() const { return executions_; }
    /// All that was accepted, and how much of it has ended.
    std::size_t calls() const { return calls_.size(); }

private:
    struct Story {
        bool acknowledged = false;
        bool stored = false;
        bool cancel_acknowledged = false;
        int max_attempts = 0;
        int ends = 0;
        std::set<int> executed;
        std::set<int> handed_back;
    };

    const bool is_traced_;
    std::map<std::string, Story> calls_;
    std::map<std::string, std::string> call_of_key_;
    std::set<std::string> paused_;
    std::vector<std::string> violations_;
    std::map<std::string_view, std::uint64_t> reached_;
    std::uint64_t digest_ = 14695981039346656037U;
    std::uint64_t executions_ = 0;
    std::uint64_t live_ = 0;
};

}  // namespace stoker::test
