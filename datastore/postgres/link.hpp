#pragma once

// One live connection to the server: libpq's, watched by Asio and never blocking, in pipeline mode.
// It is a thin wrap: what is sent when, and what an answer means, is Connection's concern.
// On one lane. Private to datastore/postgres.

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "common/async/task.hpp"
#include "datastore/postgres/job.hpp"
#include "datastore/postgres/target.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libpq's name
struct pg_conn;

namespace stoker::postgres {

struct FinishConnection {
    void operator()(pg_conn* connection) const;
};
using ConnectionHandle = std::unique_ptr<pg_conn, FinishConnection>;

/// A message of the server's, LISTEN brings them.
struct Notice {
    std::string payload;
    int from_process = 0;
};

class Link {
public:
    using Opened = std::expected<std::unique_ptr<Link>, std::string>;
    /// Connected, `setup_sql` executed; or why not.
    static Task<Opened> open(const Target& target, std::string setup_sql, Deadline deadline);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /// Waits for the server to say something; false when it never will.
    Task<bool> wait_readable();
    /// Takes in what has come; false when the connection is broken.
    bool take_in();

    struct Event {
        enum class Kind : std::uint8_t { nothing_yet, rows, failed, skipped, job_end };
        Kind kind = Kind::nothing_yet;
        ResultHandle result;
    };
    Event next_event();
    std::optional<Notice> next_notice();

    // Sending queues; false when the connection is broken.
    bool is_prepared(const Statement& statement) const;
    bool prepare(const Statement& statement);
    void forget(const Statement& statement);  ///< it could not be prepared
    bool send(const Step& step);
    bool send_job_end();
    enum class Flushed : std::uint8_t { all, partly, broken };
    Flushed flush();
    /// Calls `ready` when the server takes more. Once at a time.
    void when_writable(std::function<void()> ready);

    /// Wakes who waits; the connection is done with.
    void abort();
    std::string last_words() const;
    int process_id() const;

private:
    Link(Executor lane, ConnectionHandle connection);

    ConnectionHandle connection_;
    asio::posix::basic_stream_descriptor<Executor> socket_;
    std::unordered_set<std::string> prepared_;
};

/// A refusal of the server, from the result that told it.
Failure failure_of(const pg_result* result);

}  // namespace stoker::postgres
