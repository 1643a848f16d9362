#pragma once

// Receives the stdio pipes of one container. stoker-init (init/) connects from inside, hands over
// the read ends of the function's stdout and stderr, if asked for the write end of its stdin, and
// becomes the function. So the agent reads
// the pipes themselves: whatever a function wrote before it answered is in them when the answer
// comes.
//
// Made by the agent before the container starts, in the container's socket folder; belongs to the
// lane given. The folder is the container's too, so what arrives is checked and not trusted.

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <optional>
#include <string>

#include "common/async/task.hpp"
#include "common/unique_fd.hpp"
#include "model/error.hpp"

namespace stoker {

/// The agent's ends, non-blocking, closed on exec.
struct OutputPipes {
    UniqueFd out;
    UniqueFd err;
    UniqueFd in;  ///< only of a function whose stdin was asked for
    /// The container's first process, as this machine counts it; 0: it cannot be seen from here.
    int pid = 0;
};

class OutputSocket {
public:
    static constexpr const char* file_name = "output.sock";

    /// Listens on `folder`/output.sock, open to every user. `folder` must exist; its path may be
    /// longer than a socket address.
    static Result<OutputSocket> listen(Executor lane, const std::string& folder);

    OutputSocket(OutputSocket&&) = default;
    OutputSocket& operator=(OutputSocket&&) = delete;
    ~OutputSocket();

    /// Accepts one connection and what it hands over, then closes and unlinks the socket. Errors:
    /// init_timeout at the deadline, init_failed when the hand-over is not what stoker-init sends.
    Task<Result<OutputPipes>> receive(Deadline deadline, bool with_input = false);
    /// Nobody will come any more: a receive() under way takes what has already been handed over, or
    /// ends with init_failed. On the lane.
    void end();

private:
    // Only waited on; accept and recvmsg are called directly, for asio receives no descriptors.
    using Socket = asio::posix::basic_stream_descriptor<Executor>;
    OutputSocket(UniqueFd folder, Socket listening);
    Task<Result<OutputPipes>> receive_from_peer(bool with_input);
    Task<bool> wait_readable(Socket& socket);
    void close();

    UniqueFd folder_;
    Socket listening_;
    std::optional<Socket> peer_;
    bool ended_ = false;
};

}  // namespace stoker
