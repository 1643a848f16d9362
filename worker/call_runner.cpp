#include "worker/call_runner.hpp"

#include <algorithm>
#include <functional>

#include "common/log.hpp"
#include "worker/launch_errors.hpp"

namespace stoker {

namespace {

constexpr std::size_t framing_bytes_max = 64 * 1024;

/// Keeps an answer exactly as it came, up to a limit.
class Recording final : public FunctionAnswer {
public:
    explicit Recording(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    Task<Result<void>> head(AnswerHead head, std::string_view raw) override {
        status_ = head.status;
        is_server_error_ = is_5xx(head);
        head_ = raw;
        co_return Result<void>{};
    }
    Task<Result<void>> data(std::string_view raw, std::string_view decoded, bool last) override {
        decoded_bytes_ += decoded.size();
        // Framing is kept, too, and a function chooses how much of it there is.
        const bool too_large = decoded_bytes_ > bytes_max_ ||
                               body_.size() + raw.size() > 2 * bytes_max_ + framing_bytes_max;
        if (too_large) co_return fail(Errc::response_too_large);
        body_ += raw;
        complete_ = last;
        co_return Result<void>{};
    }

    /// Whether the function says that it failed, in the status it gives its caller.
    bool is_server_error() const { return complete_ && is_server_error_; }

    std::optional<CallResponse> take() {
        if (!complete_) return std::nullopt;
        return CallResponse{status_, std::move(head_), BodyRef::of(std::move(body_))};
    }

private:
    static bool is_5xx(const AnswerHead& head) {
        const auto* own = find_header(head.headers, "Fn-Http-Status");
        return own != nullptr ? own->size() == 3 && own->front() == '5' : head.status / 100 == 5;
    }

    const std::uint64_t bytes_max_;
    std::uint64_t decoded_bytes_ = 0;
    int status_ = 0;
    bool is_server_error_ = false;
    bool complete_ = false;
    std::string head_;
    std::string body_;
};

CallEnd end_for(Errc code) { return end_of(Error{code, {}, {}}); }

/// Whether the policy of the call names how this attempt ended.
bool is_worth_retry(const Call& call, CallStatus end, bool is_server_error) {
    switch (end) {
        case CallStatus::error: return call.retry_on.has(RetryOutcome::error);
        case CallStatus::timeout: return call.retry_on.has(RetryOutcome::timeout);
        case CallStatus::killed: return call.retry_on.has(RetryOutcome::killed);
        case CallStatus::success:
            return is_server_error && call.retry_on.has(RetryOutcome::server_error);
        default: return false;
    }
}

/// None when this attempt was the last.
std::optional<Millis> pause_before_next(const Call& call, CallStatus end, bool is_server_error) {
    if (call.attempt >= call.max_attempts) return std::nullopt;
    if (!is_worth_retry(call, end, is_server_error)) return std::nullopt;
    const auto seed = std::hash<std::string>{}(call.id) + static_cast<std::uint64_t>(call.attempt);
    return pause_before_retry(call.retry(), call.attempt, seed);
}

constexpr Millis store_retry_min{50};
constexpr Millis store_retry_max{5'000};
constexpr Millis queue_retry{1'000};
/// Before a call whose launch failed is queued again; the pull itself has tried several times.
constexpr Millis launch_retry{1'000};

}  // namespace

CallRunner::CallRunner(Deps deps, CallRunnerSettings settings) :
    deps_(deps),
    settings_(settings),
    retried_(deps.metrics.counter(
        "stoker_calls_retried_total", "Attempts whose outcome the retry policy named"
    )),
    fenced_(deps.metrics.counter(
        "stoker_calls_fenced_total", "Results refused because the call had moved on"
    )) {
    for (auto i = static_cast<std::size_t>(CallStatus::success); i < ended_.size(); ++i) {
        const auto word = std::string(to_word(static_cast<CallStatus>(i)));
        ended_.at(i) = &deps.metrics.counter(
            "stoker_calls_ended_total", "Asynchronous calls that ended", {{"status", word}}
        );
    }
}

Task<> CallRunner::run(ClaimedCall claimed, std::string owner) {
    Fence fence{claimed.call.id, std::move(owner), claimed.call.attempt};
    if (!claimed.fn) {
        // Deleted after this call was accepted and before a lost worker's calls were queued again.
        co_return co_await record(
            claimed.call,
            {std::move(fence), end_for(Errc::fn_not_found), std::nullopt, std::nullopt, {}}
        );
    }
    if (claimed.call.has_expired(wall_now())) {
        co_return co_await record(
            claimed.call, {std::move(fence), end_for(Errc::expired), std::nullopt, std::nullopt, {}}
        );
    }
    const auto live = deps_.live.add(
        std::move(fence), claimed.fn, settings_.log_bytes_max, claimed.call.expires_at
    );
    auto outcome = co_await execute(claimed, live);
    if (outcome.hand_back) {
        if (*outcome.hand_back == HandBack::counted && !draining_) co_await sleep_for(launch_retry);
        co_await hand_back(claimed.call, live->fence, *outcome.hand_back);
    } else {
        FinishedCall finished{
            live->fence,
            std::move(outcome.end),
            live->started_at(),
            std::move(outcome.response),
            live->log->take(),
            live->stats()
        };
        if (outcome.retry_after) {
            co_await retry(claimed.call, std::move(finished), *outcome.retry_after);
        } else {
            co_await record(claimed.call, std::move(finished));
        }
    }
    deps_.live.remove(live);
}

Task<CallRunner::Outcome> CallRunner::execute(const ClaimedCall& claimed, const LiveCallRef& live) {
    const Invocation invocation{
        .call_id = claimed.call.id,
        .fn = claimed.fn,
        .method = claimed.request.method,
        .url = claimed.request.url,
        .headers = claimed.request.headers,
        .content_type = claimed.request.content_type,
        .attempt = claimed.call.attempt
    };
    InlineBody body(claimed.request.body.bytes);
    Recording recording(settings_.response_bytes_max);
    // It has been accepted and will get a slot, however long that takes, unless it expires.
    const auto expires_at = claimed.call.expires_at;
    const auto give_up = expires_at ? deadline_in(*expires_at - wall_now()) : Deadline::max();
    const auto result = co_await deps_.executor.execute(invocation, body, recording, live, give_up);
    auto outcome = result ? Outcome{} : outcome_of(result.error(), claimed.call, *live);
    // What has expired does not come back.
    if (!outcome.hand_back && !(claimed.call.has_expired(wall_now()))) {
        outcome.retry_after =
            pause_before_next(claimed.call, outcome.end.status, recording.is_server_error());
    }
    outcome.response = recording.take();
    co_return outcome;
}

CallRunner::Outcome CallRunner::outcome_of(
    const Error& error, const Call& call, const LiveCall& live
) const {
    Outcome outcome;
    if (live.cancelled) {
        outcome.end = end_for(Errc::cancelled);
        return outcome;
    }
    const bool never_ran = !live.started_at();
    if (never_ran && call.has_expired(wall_now())) {
        outcome.end = end_for(Errc::expired);
        return outcome;
    }
    if (handing_back_ || live.interrupted || error.code == Errc::shutting_down ||
        // The lease ran out while it waited: whoever has it now decides.
        (never_ran && error.code == Errc::cancelled) ||
        (never_ran && (error.code == Errc::engine_unavailable || error.code == Errc::server_busy)
        )) {
        outcome.hand_back = HandBack::uncounted;
    } else if (never_ran && may_pass(error.code) && call.attempt < call.max_attempts) {
        log::info(
            "call.launch_retry",
            {{"call", call.id}, {"attempt", call.attempt}, {"code", spec_of(error.code).word}}
        );
        outcome.hand_back = HandBack::counted;
    }
    if (never_ran && error.code == Errc::engine_unavailable) engine_away_();
    outcome.end = end_of(error);
    return outcome;
}

template <class Write>
Task<std::optional<bool>> CallRunner::settle(const Call& call, Write write) {
    for (auto pause = store_retry_min;; pause = std::min(pause * 2, store_retry_max)) {
        const auto won = co_await write();
        if (won && !*won) {
            fenced_.add();
            log::info("call.fenced", {{"call", call.id}, {"attempt", call.attempt}});
        }
        if (won) co_return *won;
        if (stopping_) co_return std::nullopt;
        log::warn(
            "call.finish_retry", {{"call", call.id}, {"code", spec_of(won.error().code).word}}
        );
        co_await sleep_for(pause);
    }
}

Task<> CallRunner::record(const Call& call, FinishedCall finished) {
    const auto write = [&] { return deps_.store.finish(finished); };
    if (co_await settle(call, write) != true) co_return;
    ended_.at(static_cast<std::size_t>(finished.end.status))->add();
    publish(call, finished.end.status);
}

Task<> CallRunner::retry(const Call& call, FinishedCall attempt, Millis after) {
    const auto write = [&] { return deps_.store.retry(attempt, after); };
    if (co_await settle(call, write) != true) co_return;
    retried_.add();
    log::info(
        "call.retry",
        {{"call", call.id},
         {"attempt", call.attempt},
         {"after_ms", after.count()},
         {"code", attempt.end.error_code}}
    );
    publish(call, CallStatus::delayed);
}

Task<> CallRunner::hand_back(const Call& call, Fence fence, HandBack how) {
    for (auto pause = store_retry_min;; pause = std::min(pause * 2, store_retry_max)) {
        const auto won = co_await deps_.store.hand_back(fence, how);
        if (won && *won) break;
        if (won || stopping_) co_return;
        co_await sleep_for(pause);
    }
    publish(call, CallStatus::queued);
    const Message message{call.id, call.fn_id, static_cast<std::uint8_t>(call.priority)};
    for (;;) {
        const auto put = co_await deps_.queue.put(std::vector{message});
        if (put.at(0) == Put::queued || put.at(0) == Put::duplicate) co_return;
        // Full, or its answer was lost: the row waits and must not be forgotten. At the end of this
        // process that is the rebuild's business.
        if (draining_) co_return;
        co_await sleep_for(queue_retry);
    }
}

void CallRunner::publish(const Call& call, CallStatus status) {
    deps_.events.publish({call.id, call.fn_id, status, call.attempt});
}

}  // namespace stoker
