#pragma once

// The connections and the one thread that drives them. A job waits, until somebody gives up on it,
// for a connection with room; when its connection breaks it is sent again on another, if it may be.
// run() and submit() may be called from any thread; everything else happens on the pool's lane.
// Private to datastore/postgres.

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/async/lanes.hpp"
#include "common/async/one_shot.hpp"
#include "common/metrics.hpp"
#include "datastore/postgres/connection.hpp"

namespace stoker::postgres {

constexpr std::chrono::seconds operation_time_max{5};

class Pool final : private Connection::Owner {
public:
    struct Options {
        std::string name = "calls";  ///< in metrics
        std::size_t connections = 4;
        std::size_t waiting_jobs_max = 100'000;
        Connection::Options connection{};
    };

    Pool(Target target, Options options, Metrics& metrics);
    ~Pool() override { close(); }
    void start();

    /// Back on the caller's lane, by the deadline.
    Task<Outcome> run(std::vector<Step> steps, Repeat repeat = Repeat::until_done);
    Task<Outcome> run(Step step, Repeat repeat = Repeat::until_done);

    /// Any thread. Its `done` is called in any case, also when it cannot be taken.
    void submit(JobRef job);
    /// Any thread.
    void post(std::move_only_function<void()> work);

    /// On the lane: before start(). Called whenever a connection may have room.
    void on_room(std::function<void()> hook) { room_hooks_.push_back(std::move(hook)); }
    /// On the lane: before start(). Called each second.
    void on_tick(std::function<void(Deadline now)> hook) { tick_hooks_.push_back(std::move(hook)); }
    /// On the lane: before start(). Called when there is a connection again after there was none.
    void on_return(std::function<void()> hook) { return_hooks_.push_back(std::move(hook)); }
    /// On the lane: before start(). What LISTEN of the setup brings.
    void on_notice(std::function<void(Notice)> hook) { notice_hook_ = std::move(hook); }
    /// On the lane. As submit(), at once.
    void enqueue(JobRef job);
    /// On the lane. Whether a job would be sent at once.
    bool has_room() const;
    bool is_own_process(int process_id) const;

    /// Any thread. Empty while a connection is open.
    std::string unhealthy_reason() const;
    bool is_closed() const { return closing_; }

    /// Ends what was submitted, within the time of an operation; then the thread. Not from a lane.
    void close();

private:
    void has_room(Connection& connection) override;
    void done(JobRef job) override;
    void broke(const std::string& why, std::vector<JobRef> unfinished) override;
    void noticed(Notice notice) override;

    void take_inbox();
    void dispatch();
    void send_waiting();
    Connection* least_busy();
    Task<> tick();
    void drop_given_up(Deadline now);
    void note_health(const std::string& why);
    bool is_idle() const;
    void end_if_idle();
    static void fail(JobRef job, Failure::Kind kind, std::string why);

    const Target target_;
    const Options options_;
    Counter& jobs_;
    Counter& lost_;
    Lanes lanes_{1};
    std::vector<std::unique_ptr<Connection>> connections_;
    std::deque<JobRef> waiting_;
    std::vector<std::function<void()>> room_hooks_;
    std::vector<std::function<void(Deadline)>> tick_hooks_;
    std::vector<std::function<void()>> return_hooks_;
    std::function<void(Notice)> notice_hook_;

    std::mutex inbox_mutex_;
    std::vector<std::move_only_function<void()>> inbox_;
    bool is_shut_ = false;  ///< nobody empties the inbox any more

    mutable std::mutex health_mutex_;
    std::string unhealthy_;
    /// Metrics may look after the pool has gone.
    const std::shared_ptr<std::atomic<std::size_t>> open_connections_ =
        std::make_shared<std::atomic<std::size_t>>(0);
    std::atomic<bool> closing_{false};
    std::promise<void> idle_;
    bool told_idle_ = false;
};

}  // namespace stoker::postgres
