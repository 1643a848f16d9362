#pragma once

// What a call and its answer go through: a connected socket, or the pipes of a function's stdin and
// stdout. An object of the current lane over borrowed, non-blocking descriptors: tries the system
// call first and waits only when the kernel says so. Only then are they registered with the lane,
// and a timer ends every wait at the deadline. A peer that always has more to read does not keep
// the lane from its other work, nor the deadline from passing. One Task may read while another
// writes. The descriptors are released, not closed, when destroyed. SIGPIPE must be ignored.

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/task.hpp"

namespace stoker {

class FunctionStream {
public:
    enum class Failure : std::uint8_t { timed_out, closed, broken };
    /// The same descriptor twice for a socket.
    struct Ends {
        int read = -1;
        int write = -1;
    };

    FunctionStream(Executor lane, Ends ends, Deadline deadline);
    ~FunctionStream();
    FunctionStream(const FunctionStream&) = delete;
    FunctionStream& operator=(const FunctionStream&) = delete;

    /// Appends at least one byte; Failure::closed at the end of the stream.
    Task<std::expected<void, Failure>> read_some(std::string& into);
    /// What the kernel takes at once. A peer that has gone is not an error here: it may have
    /// answered before it went, and the reader finds out.
    std::expected<std::size_t, Failure> try_write(std::string_view bytes);
    /// All of it.
    Task<std::expected<void, Failure>> write(std::string_view bytes);
    /// Lets go of the write end of a pair, so that its owner may close it. No write may be waiting.
    void release_write();

private:
    using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
    struct State {
        State(Executor lane, Ends ends);
        Descriptor in;
        std::optional<Descriptor> out;  // of a pair
        Timer timer;
        bool timed_out = false;
    };
    enum class Direction : std::uint8_t { read, write };

    void register_with_lane();
    /// False when the deadline came.
    Task<bool> wait(Direction direction);

    const Executor lane_;
    Ends ends_;
    const Deadline deadline_;
    std::shared_ptr<State> state_;  ///< null until something had to be waited for
    int reads_in_a_row_ = 0;
};

}  // namespace stoker
