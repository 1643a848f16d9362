#pragma once

// The FnSpecs of claimed calls: made once for the revisions of an fn and its app and the limits
// frozen into the call. Thread-safe. Private to datastore/postgres.

#include <mutex>
#include <string>
#include <unordered_map>

#include "datastore/call_spec.hpp"
#include "datastore/postgres/call_sql.hpp"

namespace stoker::postgres {

class SpecCache {
public:
    /// Null when it has to be made.
    FnSpecRef get(const ClaimedRow& row) {
        const std::scoped_lock lock(mutex_);
        const auto found = specs_.find(spec_key(row.call));
        const bool fits = found != specs_.end() && found->second.fn_rev == row.fn_rev &&
                          found->second.app_rev == row.app_rev;
        return fits ? found->second.spec : nullptr;
    }

    void put(const Call& call, std::int64_t fn_rev, std::int64_t app_rev, FnSpecRef spec) {
        const std::scoped_lock lock(mutex_);
        if (specs_.size() >= specs_max) specs_.clear();
        specs_.insert_or_assign(spec_key(call), Made{fn_rev, app_rev, std::move(spec)});
    }

private:
    static constexpr std::size_t specs_max = 4096;

    struct Made {
        std::int64_t fn_rev = 0;
        std::int64_t app_rev = 0;
        FnSpecRef spec;
    };
    std::mutex mutex_;
    std::unordered_map<std::string, Made> specs_;
};

}  // namespace stoker::postgres
