#pragma once

// Looks at the cluster once a second: whether it answers, how much waits, and what was delivered.
// Makes the topics when they are not there, and looks at them again every minute. The questions
// block, so a thread of its own asks them, with a handle of its own; everything else is on the
// queue's lane.
//
// What was delivered, for finding lost calls: where the group has committed all there is,
// everything put before we asked; else the youngest of some ages so that all that is older is
// committed.

#include <array>
#include <memory>
#include <vector>

#include "common/async/blocking_pool.hpp"
#include "queue/kafka/client.hpp"
#include "queue/kafka/condition.hpp"
#include "queue/kafka/in_flight.hpp"
#include "queue/kafka/lag.hpp"
#include "queue/kafka/positions.hpp"
#include "queue/kafka/topics.hpp"

namespace stoker::kafka {

class Observer : public std::enable_shared_from_this<Observer> {
public:
    Observer(
        Settings settings,
        std::shared_ptr<Lag> lag,
        std::shared_ptr<InFlight> in_flight,
        std::shared_ptr<Condition> condition,
        std::function<void()> topics_ready,
        Executor lane
    );

    /// Until stop().
    Task<> run();
    /// As of the last look; waits for the first one for a while.
    Task<stoker::Result<QueueStats>> stats();

    void end() { ended_ = true; }
    void stop() { tick_.cancel(); }

private:
    using Watermarks = std::array<WallTime, 3>;
    struct Look {
        Offsets ends;
        Offsets committed;
        Watermarks watermarks{};
    };

    Task<> look();
    Task<Result<void>> look_at_topics();
    Task<Result<Look>> look_at_positions();
    void tell_warnings(const Topics& topics);
    void learn(const Look& look, std::uint64_t asked_at);

    static Result<Look> ask(
        rd_kafka_s* handle,
        const Settings& settings,
        const Partitions& partitions,
        Deadline deadline
    );
    static Result<void> ask_watermarks(
        rd_kafka_s* handle,
        const Settings& settings,
        const Partitions& partitions,
        WallTime now,
        Deadline deadline,
        Look& look
    );

    const Settings settings_;
    const std::shared_ptr<Lag> lag_;
    const std::shared_ptr<InFlight> in_flight_;
    const std::shared_ptr<Condition> condition_;
    const std::function<void()> topics_ready_;
    const std::shared_ptr<Client> asker_;
    Timer tick_;
    Partitions partitions_;  ///< empty: the topics are not known
    Deadline topics_until_{};
    std::vector<TopicWarning> told_;
    Watermarks watermarks_{};
    bool is_settling_ = false;  ///< the topics are being made
    bool has_looked_ = false;
    std::vector<OneShot<bool>> waiting_;
    std::atomic<bool> ended_{false};
    BlockingPool pool_{1, 4};
};

}  // namespace stoker::kafka
