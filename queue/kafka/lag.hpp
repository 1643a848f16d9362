#pragma once

// How many messages wait in the cluster, as last known: from the end of each partition's log to
// what was committed. The cluster says both once a second; what this process puts and acks counts
// at once. Kafka does not know functions, so of each function only the messages that this process
// has put are counted. For admission control, which may not wait. Thread-safe; its mutex is held
// for microseconds.

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "queue/kafka/window.hpp"

namespace stoker::kafka {

class Lag {
public:
    /// The cluster has it.
    void put(Partition partition, std::int64_t offset, const std::string& fn_id);
    /// Of a partition that is ours: its watermark, and how many are done above it.
    void settled(Partition partition, std::int64_t watermark, std::int64_t done_above);
    /// No partition is ours any more.
    void revoked();

    /// Taken before the cluster is asked for what learn() is told: what has happened here since
    /// then is not in the answer.
    std::uint64_t now() const;
    void learn(
        Partition partition, std::int64_t end, std::int64_t committed, std::uint64_t asked_at
    );

    std::uint64_t all() const;
    std::uint64_t of(std::string_view fn_id) const;

private:
    using Counts = std::map<std::string, std::uint64_t, std::less<>>;
    struct Put {
        std::int64_t offset;
        Counts::iterator of_fn;
    };
    struct State {
        std::int64_t end = 0;
        std::int64_t committed = 0;
        std::optional<std::int64_t> watermark;  ///< while it is ours
        std::int64_t done_above = 0;
        std::uint64_t changed_at = 0;
        std::deque<Put> puts;  ///< ours that wait

        std::int64_t done() const { return watermark.value_or(committed); }
    };

    void forget(State& state, std::int64_t before);

    mutable std::mutex mutex_;
    std::map<Partition, State> states_;
    Counts of_fns_;
    std::uint64_t clock_ = 0;
};

}  // namespace stoker::kafka
