#pragma once

// How many messages the server has, of all functions and of each, as last known: what the server
// said a second ago, what it did for us since, and what it is being asked to do. For admission
// control, which may not wait. Thread-safe; its mutex is held for microseconds.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace stoker::redis {

class Depths {
public:
    using OfFunctions = std::map<std::string, std::int64_t, std::less<>>;

    /// What the server says takes the place of what we thought it had.
    void learn(std::int64_t all, OfFunctions of_functions) {
        const std::scoped_lock lock(mutex_);
        known_ = {all, std::move(of_functions)};
    }

    /// The server has queued one.
    void queued(const std::string& fn_id) {
        const std::scoped_lock lock(mutex_);
        known_.add(fn_id, 1);
    }

    /// One is on its way to be removed; then it is, or the server was not reached.
    void removing(const std::string& fn_id) {
        const std::scoped_lock lock(mutex_);
        leaving_.add(fn_id, 1);
    }
    void removed(const std::string& fn_id, bool is_gone) {
        const std::scoped_lock lock(mutex_);
        leaving_.add(fn_id, -1);
        if (is_gone) known_.add(fn_id, -1);
    }

    std::uint64_t all() const {
        const std::scoped_lock lock(mutex_);
        return not_negative(known_.all - leaving_.all);
    }
    std::uint64_t of(std::string_view fn_id) const {
        const std::scoped_lock lock(mutex_);
        return not_negative(known_.of(fn_id) - leaving_.of(fn_id));
    }

private:
    struct Counts {
        std::int64_t all = 0;
        OfFunctions of_functions;  ///< those with any

        void add(const std::string& fn_id, std::int64_t messages) {
            all += messages;
            const auto at = of_functions.try_emplace(fn_id, 0).first;
            at->second += messages;
            if (at->second == 0) of_functions.erase(at);
        }
        std::int64_t of(std::string_view fn_id) const {
            const auto found = of_functions.find(fn_id);
            return found == of_functions.end() ? 0 : found->second;
        }
    };

    static std::uint64_t not_negative(std::int64_t count) {
        return count < 0 ? 0 : static_cast<std::uint64_t>(count);
    }

    mutable std::mutex mutex_;
    Counts known_;
    Counts leaving_;
};

}  // namespace stoker::redis
