#pragma once

// One place in the pool: a connection that is made, used for several jobs at a time (sent one
// behind the other, answered in that order) and made again when it breaks, for ever, with pauses
// that grow. On the pool's lane. Private to datastore/postgres.

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "datastore/postgres/job.hpp"
#include "datastore/postgres/link.hpp"
#include "datastore/postgres/target.hpp"

namespace stoker::postgres {

using JobRef = std::unique_ptr<Job>;

/// Pauses between tries: 50 ms to 5 s, with full jitter, so that the processes do not come all at
/// once when the server is back.
class Backoff {
public:
    Millis next();
    void reset() { bound_ = first; }

private:
    static constexpr Millis first{50};
    static constexpr Millis last{5'000};
    Millis bound_ = first;
    std::minstd_rand random_{std::random_device{}()};
};

class Connection {
public:
    /// What the pool hears; called on the lane.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void has_room(Connection& connection) = 0;
        virtual void done(JobRef job) = 0;
        /// The server may or may not have done these.
        virtual void broke(const std::string& why, std::vector<JobRef> unfinished) = 0;
        virtual void noticed(Notice notice) = 0;
    };
    struct Options {
        std::string setup_sql;
        std::size_t jobs_max = 8;  ///< at a time
        Millis connect_time{5'000};
        Millis silence_max{8'000
        };  ///< while it has jobs; more than the server lets a statement take
    };

    Connection(const Target& target, const Options& options, Owner& owner) :
        target_(target),
        options_(options),
        owner_(owner) {}

    void start(Executor lane);
    /// Ends it; what it had is given back through broke().
    void stop();

    bool is_open() const { return link_ != nullptr; }
    std::size_t jobs() const { return flights_.size(); }
    bool has_room() const { return is_open() && flights_.size() < options_.jobs_max; }
    void send(JobRef job);
    /// Breaks it when the server has been silent for too long.
    void check_silence(Deadline now);
    int process_id() const { return is_open() ? link_->process_id() : 0; }

private:
    /// A job, or (without one) statements being prepared for the jobs behind it.
    struct Flight {
        JobRef job;
        std::vector<const Statement*> preparing;
    };

    Task<> keep();
    Task<> serve();
    void prepare_for(const Job& job);
    void write_on();
    bool write_some();
    void take_answers();
    void take(Flight& flight, Link::Event event);
    void end_first();
    void give_up(std::string why);

    const Target& target_;
    const Options& options_;
    Owner& owner_;
    std::unique_ptr<Link> link_;
    std::unique_ptr<Timer> pause_;
    std::deque<Flight> flights_;
    std::size_t written_ = 0;  ///< flights that were sent to the end
    bool waits_to_write_ = false;
    bool stopped_ = false;
    Deadline heard_{};
    std::uint64_t life_ = 0;  ///< of the link; a late wake-up of an earlier one is told by it
    Backoff backoff_;
};

}  // namespace stoker::postgres
