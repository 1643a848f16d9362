#pragma once

// A call: its record, the words of its life and the only steps between them. The datastore makes
// each step a single compare-and-set; `attempt` is the fencing token it issues on every claim, so
// that a worker that lost a call can change nothing any more.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/http/headers.hpp"
#include "model/body_ref.hpp"
#include "model/error.hpp"
#include "model/fn.hpp"

namespace stoker {

enum class CallStatus : std::uint8_t {
    delayed,
    queued,
    running,
    success,
    error,
    timeout,
    killed,
    cancelled,
};

std::string_view to_word(CallStatus status);
std::optional<CallStatus> parse_call_status(std::string_view word);
constexpr bool is_terminal(CallStatus status) { return status >= CallStatus::success; }
/// Ended otherwise than its caller wanted: a dead letter.
constexpr bool is_dead(CallStatus status) {
    return status == CallStatus::error || status == CallStatus::timeout ||
           status == CallStatus::killed;
}
/// Whether the state machine has this step. Terminal states have none.
bool can_step(CallStatus from, CallStatus to);

/// Where a call that has not ended is.
enum class CallPhase : std::uint8_t { queued, slot, pulling, starting, executing };
std::string_view to_word(CallPhase phase);
std::optional<CallPhase> parse_call_phase(std::string_view word);

/// What the container used for a call; for one that ran long enough to be measured.
struct CallStats {
    std::uint64_t cpu_ms = 0;
    std::uint64_t memory_peak_bytes = 0;  ///< the container's highest so far, not only this call's
    std::uint64_t disk_read_bytes = 0;
    std::uint64_t disk_written_bytes = 0;
    std::uint64_t net_received_bytes = 0;
    std::uint64_t net_sent_bytes = 0;

    bool operator==(const CallStats&) const = default;
};

/// The row as users see it. Image, limits and retry policy were frozen at accept.
struct Call {
    std::string id;
    std::string app_id;
    std::string fn_id;
    std::int64_t fn_rev = 0;
    CallStatus status = CallStatus::queued;
    CallPhase phase = CallPhase::queued;  ///< meaningful until the call has ended
    bool cancel_requested = false;        ///< its worker is to stop it
    std::string waiting_for;              ///< for people: what keeps it from executing, if known
    int priority = 0;                     ///< 0 low .. 2 high
    int attempt = 0;                      ///< executions claimed so far
    int max_attempts = 3;
    RetryOutcomes retry_on{};  ///< and how long before the next attempt: as in RetryPolicy
    std::int64_t retry_base_ms = RetryPolicy{}.base_ms;
    std::int64_t retry_cap_ms = RetryPolicy{}.cap_ms;
    std::string redriven_from;  ///< the dead call that this one repeats
    std::string image;
    FnFormat format = FnFormat::http_stream;
    std::uint64_t memory = 128;      ///< MB
    std::uint64_t cpus = 0;          ///< thousandths of a processor
    std::uint32_t tmpfs_size = 0;    ///< MB
    std::int32_t timeout = 30;       ///< s inside the container
    std::int32_t idle_timeout = 30;  ///< s
    std::string error;               ///< empty unless it, or the attempt before, ended badly
    std::string error_code;          ///< a word of the error table
    WallTime created_at{};
    std::optional<WallTime> run_at;      ///< not before; of a call that was or is delayed
    std::optional<WallTime> expires_at;  ///< it must not start after that
    std::optional<WallTime> claimed_at;
    std::optional<WallTime> started_at;  ///< the request went to the container
    std::optional<WallTime> completed_at;
    std::optional<CallStats> stats;

    bool has_expired(WallTime now) const { return expires_at && *expires_at <= now; }
    RetryPolicy retry() const { return {max_attempts, retry_on, retry_base_ms, retry_cap_ms}; }

    bool operator==(const Call&) const = default;
};

/// What the caller sent, as the function will get it.
struct CallRequest {
    std::string method;
    std::string url;
    Headers headers;
    std::string content_type;
    BodyRef body;
};

/// What the function answered, exactly as it came: `head` is the status line and the header lines
/// up to and with the empty line; `body` still carries its chunk framing if the head says chunked.
struct CallResponse {
    int status = 0;
    std::string head;
    BodyRef body;
};

enum class LogStream : std::uint8_t { out = 1, err = 2 };

/// A piece of a call's log. `seq` counts from 0 within an attempt.
struct LogChunk {
    std::int64_t seq = 0;
    WallTime at{};
    LogStream stream = LogStream::out;
    std::string data;
};

/// How an attempt ended: T4 writes it.
struct CallEnd {
    CallStatus status = CallStatus::success;
    std::string error;
    std::string error_code;
};

/// The end that an Error of the agent means for an asynchronous call.
CallEnd end_of(const Error& error);

}  // namespace stoker
