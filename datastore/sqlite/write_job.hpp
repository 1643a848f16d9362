#pragma once

// One write on its way through the batcher, and who still waits for it (datastore/waiting.hpp). A
// result whose waiter has left goes to `orphaned`. Private to datastore/sqlite.

#include <optional>
#include <utility>

#include "datastore/sqlite/writer.hpp"
#include "datastore/waiting.hpp"

namespace stoker::sqlite {

template <class Work, class Orphaned>
class WriteJob {
public:
    using Outcome = decltype(std::declval<Work&>()(std::declval<Writer&>()));

    WriteJob(Executor lane, Work work, Orphaned orphaned) :
        work_(std::move(work)),
        orphaned_(std::move(orphaned)),
        waiting_(lane) {}

    Waiting<Outcome>& waiting() { return waiting_; }

    // On the batcher's thread.

    void run(Writer& writer) {
        if (waiting_.begin()) outcome_.emplace(writer.attempt(work_));
    }

    /// Whether somebody waits for deliver().
    bool completed(error_code committed) {
        if (!outcome_) return false;
        if (committed) {
            const bool full = committed == boost::system::errc::no_space_on_device;
            *outcome_ = fail(full ? Errc::store_full : Errc::store_unavailable);
        }
        if (waiting_.end()) return true;
        orphaned_(std::move(*outcome_));
        return false;
    }

    void deliver() { waiting_.deliver(std::move(*outcome_)); }

private:
    Work work_;
    Orphaned orphaned_;
    Waiting<Outcome> waiting_;
    std::optional<Outcome> outcome_;
};

}  // namespace stoker::sqlite
