#pragma once

// A connection that comes back. run() connects, waits until the connection breaks, and connects
// again, for ever, with pauses (backoff.hpp). Commands fail at once while there is none. It alone
// decides what follows from a fault (fault.hpp): scripts are loaded when the server does not have
// them, a server that is the wrong one is left. Everything on its lane but state().

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "common/async/latch.hpp"
#include "common/metrics.hpp"
#include "queue/redis/backoff.hpp"
#include "queue/redis/connection.hpp"
#include "queue/redis/scripts.hpp"

namespace stoker::redis {

class Link : public std::enable_shared_from_this<Link> {
public:
    enum class State : std::uint8_t {
        connecting,  ///< for the first time
        up,
        down,
    };
    /// What else has to go well before a new connection counts as up.
    using Prepare = std::function<Task<Result<void>>(Connection&)>;

    /// `name` must be a literal: it stands in logs and metrics.
    Link(
        std::string_view name,
        Settings settings,
        Executor lane,
        Metrics& metrics,
        Prepare prepare = {}
    );

    /// Until stop().
    Task<> run();
    /// Its owner goes, and the metrics perhaps soon after: it touches them no more. Any thread;
    /// stop() has to follow.
    void abandon() { stopped_ = true; }
    void stop();

    /// Any thread.
    State state() const { return state_.load(std::memory_order_relaxed); }
    /// Waits until the first attempt to connect has ended; true when it is up.
    Task<bool> wait_first(Deadline deadline);

    /// Breaks a connection that does not answer; else nobody would learn of it while all is quiet.
    Task<> ping(Deadline deadline);
    /// The words need to live until these return.
    Task<Result<Reply>> command(Words words, Deadline deadline);
    /// The prefix of all keys is added to the arguments.
    Task<Result<Reply>> run_script(Script script, Words arguments, Deadline deadline);

    const std::string& key_prefix() const { return key_prefix_; }

private:
    Task<> serve(std::shared_ptr<Connection> connection);
    Task<> pause();
    Task<Result<Reply>> send(Words words, Deadline deadline);
    Task<Result<void>> load(Script script, Deadline deadline);
    void enter(State state);
    void count(const Error& error);
    void tell(std::string_view event, const Error& error);

    const std::string_view name_;
    const Settings settings_;
    const std::string key_prefix_;
    const Executor lane_;
    const Prepare prepare_;
    Metrics& metrics_;
    Counter& connected_;
    Counter& scripts_loaded_;
    std::atomic<State> state_{State::connecting};
    Latch<bool> first_attempt_ended_;
    Timer pause_;
    Backoff backoff_;
    std::shared_ptr<Connection> connection_;
    /// As the server calls the scripts (their SHA-1); empty until one was loaded.
    std::array<std::string, script_count> shas_;
    /// What was told last: the same fault again and again is told once, until a command succeeds.
    std::optional<Fault> told_;
    std::atomic<bool> stopped_ = false;
};

}  // namespace stoker::redis
