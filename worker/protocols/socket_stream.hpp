#pragma once

// A borrowed, connected, non-blocking socket as an object of the current lane: tries the system
// call first and waits only when the kernel says so. Only then is it registered with the lane, and
// a timer ends every wait at the deadline. A peer that always has more to read does not keep the
// lane from its other work, nor the deadline from passing. One Task may read while another writes.
// The descriptor is released, not closed, when destroyed.

#include <boost/asio/local/stream_protocol.hpp>

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "common/async/task.hpp"

namespace stoker {

class SocketStream {
public:
    enum class Failure : std::uint8_t { timed_out, closed, broken };

    SocketStream(Executor lane, int fd, Deadline deadline);
    ~SocketStream();
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;

    /// Appends at least one byte; Failure::closed at the end of the stream.
    Task<std::expected<void, Failure>> read_some(std::string& into);
    /// What the kernel takes at once. A peer that has gone is not an error here: it may have
    /// answered before it went, and the reader finds out.
    std::expected<std::size_t, Failure> try_write(std::string_view bytes) const;
    /// All of it.
    Task<std::expected<void, Failure>> write(std::string_view bytes);

private:
    using Socket = asio::basic_stream_socket<asio::local::stream_protocol, Executor>;
    struct State {
        State(Executor lane, int fd);
        Socket socket;
        Timer timer;
        bool timed_out = false;
    };
    void register_with_lane();
    /// False when the deadline came.
    Task<bool> wait(Socket::wait_type type);

    const Executor lane_;
    const int fd_;
    const Deadline deadline_;
    std::shared_ptr<State> state_;  ///< null until something had to be waited for
    int reads_in_a_row_ = 0;
};

}  // namespace stoker
