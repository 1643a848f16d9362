#pragma once

// One connection to a Redis server: commands go out in a pipeline, replies come back in order. The
// bytes are hiredis' business (its reader and its formatting), the socket is Asio's, so no thread
// is ever blocked. hiredis' own asynchronous context is not used: it resolves names on the calling
// thread, knows no deadlines, and its assertion ends the process when a server says something that
// nobody asked for.
//
// Belongs to the lane that connected it, its destruction too. A command that is not answered by its
// deadline breaks the connection, because its answer could not be told from the next one's.

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "queue/redis/fault.hpp"
#include "queue/redis/reply.hpp"
#include "queue/redis/url.hpp"

struct redisReader;  // NOLINT(readability-identifier-naming): its name in hiredis

namespace stoker::redis {

using Words = std::span<const std::string_view>;

class Connection : public std::enable_shared_from_this<Connection> {
public:
    static Task<Result<std::shared_ptr<Connection>>> connect(Address address, Deadline deadline);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The words need to live until it returns. An error reply is an Error.
    Task<Result<Reply>> command(Words words, Deadline deadline);

    bool is_open() const { return !failure_; }
    /// Fails every command under way with this.
    void close(Error why);
    /// Why it was closed, once it is.
    Task<Error> wait_closed();

private:
    using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
    struct Pending;
    struct FreeReader {
        void operator()(redisReader* reader) const;
    };

    explicit Connection(Socket socket);

    void send(Words words);
    void write_out();
    void read_more();
    void take(std::size_t bytes);
    bool take_reply();

    Socket socket_;
    Timer closed_;
    std::unique_ptr<redisReader, FreeReader> reader_;
    std::array<char, 16 * 1024> chunk_{};
    std::string outgoing_;  ///< goes out after what is being written
    std::string writing_;
    std::deque<std::shared_ptr<Pending>> pending_;
    std::optional<Error> failure_;
};

}  // namespace stoker::redis
