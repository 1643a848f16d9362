#pragma once

// Reads a function's own stdout and stderr pipes (see worker/containers/init) and gives each byte
// to one call; where stdout carries the answers, stderr alone. What a function wrote before it
// answered is in the pipes when its answer arrives, so draining them at the end of a call
// attributes it exactly, without waiting. Later bytes still go to that call until the container
// takes its next one, and where functions print frames (log_framer.hpp) until the next one's frame.
// What belongs to no call (start-up, unrecorded calls) is kept as the container's own output,
// bounded.
//
// Thread-safe: the home lane reads when bytes arrive, the call's lane drains at its ends.

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/task.hpp"
#include "model/call.hpp"
#include "worker/call_log.hpp"
#include "worker/containers/output_socket.hpp"
#include "worker/log_framer.hpp"
#include "worker/syslog/syslog.hpp"

namespace stoker {

class FunctionOutput : public std::enable_shared_from_this<FunctionOutput> {
public:
    /// `syslog` gets all of it, too; null: none.
    FunctionOutput(Executor home, OutputPipes pipes, std::unique_ptr<SyslogTap> syslog = nullptr);

    /// Starts reading on the home lane, until both pipes end or close().
    void start();
    void close();

    /// From now on output belongs to this call; null keeps it from every call. `call_id` is what
    /// the function has been asked to print in a frame; empty: it has not.
    void begin(std::shared_ptr<CallLog> log, std::string_view call_id);
    /// So does what came before: the container is there for this call alone.
    void begin_only(std::shared_ptr<CallLog> log);
    /// Drains what the function has written so far into its call.
    void end();

    /// Nobody in the container holds the write ends any more: it has ended, or wants no output.
    bool is_over();
    /// What the container has written so far for no call, at most 64 KiB of it.
    std::string own_output();

private:
    using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
    struct Pipe {
        Pipe(Executor home, UniqueFd fd, LogStream of);
        Descriptor descriptor;
        LogStream stream;
        bool open;
        LogFramer framer;
    };

    static Task<> read(std::shared_ptr<FunctionOutput> self, Pipe& pipe);
    // With the mutex held.
    void drain_both();
    std::size_t drain(Pipe& pipe);
    void store(LogStream stream, const std::vector<LogFramer::Piece>& pieces);
    bool expects_frames() const;

    Executor home_;
    std::mutex mutex_;
    Pipe out_;
    Pipe err_;
    std::shared_ptr<CallLog> log_;
    std::shared_ptr<CallLog> previous_;  // of the call before, while its late output is looked for
    std::string own_;
    const std::unique_ptr<SyslogTap> syslog_;
};

}  // namespace stoker
