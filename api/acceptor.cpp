#include "api/acceptor.hpp"

#include <algorithm>

#include "common/sha256.hpp"

namespace stoker {

namespace {

constexpr Millis store_retry_pause{50};

bool leaves_open(Errc code) {
    return code == Errc::store_unavailable || code == Errc::outcome_unknown;
}

constexpr std::int64_t retry_after_s_max = 3'600;

constexpr std::int64_t full_retry_after_s_max = 60;

/// A queue that goes on as it does has delivered what is in it now in about as long as the first of
/// that has waited.
std::unexpected<Error> full(Errc code, std::optional<Millis> wait, std::int64_t retry_after_s_min) {
    Error error{.code = code, .message = {}, .detail = {}};
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait.value_or(Millis{0})).count();
    error.retry_after_s =
        static_cast<int>(std::clamp(seconds, retry_after_s_min, full_retry_after_s_max));
    return fail(std::move(error));
}

int priority_of(const Fn& fn, const CallOptions& options) {
    return options.priority.value_or(fn.priority);
}

/// 0: it does not expire.
Millis age_of(const Fn& fn, const CallOptions& options) {
    return options.max_age.value_or(std::chrono::seconds(fn.max_age));
}

/// The same whichever host it was reached by.
std::string_view target_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return url;
    url.remove_prefix(scheme + 3);
    return url.substr(std::min(url.find('/'), url.size()));
}

/// Of what makes it the same request, each part with its length before it.
std::string digest_of(const CallRequest& request) {
    Sha256 digest;
    for (const std::string_view part :
         {std::string_view(request.method),
          target_of(request.url),
          std::string_view(request.content_type),
          std::string_view(request.body.bytes)}) {
        digest.add(std::to_string(part.size())).add(":").add(part);
    }
    return digest.hex();
}

Message message_of(const Call& call) {
    return {call.id, call.fn_id, static_cast<std::uint8_t>(call.priority)};
}

}  // namespace

Call new_call(const Fn& fn, std::string id, const CallOptions& options, WallTime now) {
    Call call;
    call.id = std::move(id);
    call.app_id = fn.app_id;
    call.fn_id = fn.id;
    call.fn_rev = fn.rev;
    call.max_attempts = fn.retry.max_attempts;
    call.retry_on = fn.retry.on;
    call.retry_base_ms = fn.retry.base_ms;
    call.retry_cap_ms = fn.retry.cap_ms;
    call.image = fn.image;
    call.format = fn.format;
    call.memory = fn.memory;
    call.cpus = fn.cpus;
    call.tmpfs_size = fn.tmpfs_size;
    call.timeout = fn.timeout;
    call.idle_timeout = fn.idle_timeout;
    call.created_at = now;
    call.run_at = options.run_at;
    if (call.run_at) call.status = CallStatus::delayed;
    call.redriven_from = options.redriven_from;
    call.priority = priority_of(fn, options);
    const auto age = age_of(fn, options);
    if (age > Millis{0}) call.expires_at = call.run_at.value_or(now) + age;
    return call;
}

Acceptor::Acceptor(
    Datastore& store,
    MessageQueue& queue,
    Outbox& outbox,
    DelayedCalls& delayed,
    const WaitEstimate& waits,
    CallEvents& events,
    const Clock& clock,
    AcceptorLimits limits,
    Metrics& metrics,
    ExpectImage expect_image
) :
    store_(store),
    queue_(queue),
    outbox_(outbox),
    delayed_(delayed),
    waits_(waits),
    events_(events),
    clock_(clock),
    limits_(limits),
    expect_image_(std::move(expect_image)),
    accepted_(metrics.counter("stoker_calls_accepted_total", "Asynchronous calls accepted")),
    refused_(metrics.counter("stoker_calls_refused_total", "Asynchronous calls not admitted")),
    unknown_(metrics.counter(
        "stoker_calls_accept_unknown_total",
        "Calls of which the datastore did not say whether it has them"
    )),
    replayed_(metrics.counter(
        "stoker_calls_replayed_total", "Calls that an earlier one with the same key stands for"
    )) {}

Result<void> Acceptor::admit(const Fn& fn, const CallOptions& options) {
    auto verdict = judge(fn, options);
    if (!verdict) refused_.add();
    return verdict;
}

Result<void> Acceptor::judge(const Fn& fn, const CallOptions& options) const {
    if (closed_) return fail(Errc::shutting_down);
    if (auto admission = store_.admission(); !admission) return admission;
    // Held calls wait in the store alone.
    const auto depth = std::max(queue_.depth(), delayed_.queued()) + delayed_.count();
    const auto lag = waits_.known(fn.id, priority_of(fn, options), clock_.now());
    if (outbox_.full() || depth >= limits_.depth_max) return full(Errc::queue_full, lag, 5);
    if (queue_.depth(fn.id) >= limits_.fn_depth_max) return full(Errc::fn_queue_full, lag, 1);
    const auto age = age_of(fn, options);
    if (options.run_at || age == Millis{0}) return {};
    const auto wait = lag.value_or(Millis{0});
    if (wait <= age) return {};
    // By then the queue is as short as this call needs it, if it goes on as it does.
    const auto over = std::chrono::ceil<std::chrono::seconds>(wait - age);
    Error error{.code = Errc::would_expire, .message = {}, .detail = {}};
    error.retry_after_s = static_cast<int>(std::min<std::int64_t>(over.count(), retry_after_s_max));
    return fail(std::move(error));
}

Task<Result<std::string>> Acceptor::accept(
    FnEntryRef fn, std::string call_id, CallRequest request, CallOptions options
) {
    auto call = new_call(fn->fn, std::move(call_id), options, clock_.now());
    std::optional<IdempotencyKey> key;
    if (options.idempotency_key) {
        auto digest = digest_of(request);
        key = {std::move(*options.idempotency_key), std::move(digest), limits_.key_lifetime};
    }
    auto stored = co_await store(NewCall{call, std::move(request), std::move(key)});
    if (!stored) {
        // If it was stored after all it shall run, and a message without a row does no harm.
        const bool may_wait = call.status == CallStatus::queued;
        if (stored.error().code == Errc::outcome_unknown && may_wait) {
            outbox_.park(std::vector<Message>(1, message_of(call)));
        }
        co_return stored;
    }
    if (*stored != call.id) {
        replayed_.add();
        co_return stored;
    }
    accepted_.add();
    events_.publish({call.id, call.fn_id, call.status, 0});
    co_await dispatch(std::move(call), fn->fn.paused);
    co_return stored;
}

Task<> Acceptor::accepted(const Fn& fn, std::vector<Message> messages) {
    accepted_.add(messages.size());
    for (const auto& message : messages) {
        events_.publish({message.call_id, message.fn_id, CallStatus::queued, 0});
    }
    if (fn.paused) co_return;  // until it is resumed
    if (expect_image_) expect_image_(fn.image);
    outbox_.park(std::move(messages));
    co_await outbox_.retry();
}

Task<> Acceptor::dispatch(Call call, bool is_held) {
    if (call.status == CallStatus::delayed) {
        delayed_.expect(*call.run_at);
        co_return;
    }
    if (is_held) co_return;  // until its function is resumed
    if (expect_image_) expect_image_(call.image);
    co_await outbox_.put(message_of(call));
}

/// A store that does not answer leaves open whether the row is there; the same id makes trying
/// again safe.
Task<Result<std::string>> Acceptor::store(NewCall call) {
    const auto last_start = deadline_in(limits_.store_time_max);
    for (int tries = 1;; ++tries) {
        auto stored = co_await store_.accept(call);
        if (stored || !leaves_open(stored.error().code)) co_return stored;
        if (tries == limits_.store_tries_max || has_passed(last_start)) {
            unknown_.add();
            co_return fail(Errc::outcome_unknown, {}, std::move(stored.error().detail));
        }
        co_await sleep_for(store_retry_pause);
    }
}

}  // namespace stoker
