#include "queue/embedded/embedded_queue.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "common/async/one_shot.hpp"
#include "common/log.hpp"
#include "model/id.hpp"
#include "queue/embedded/queue_state.hpp"

namespace stoker {

namespace {

/// Deliveries handed over at once, and puts under one lock: both bound how long others wait.
constexpr std::size_t batch_messages_max = 256;

MonoTime mono_now() { return std::chrono::steady_clock::now(); }

/// Touched on its lane alone; handlers there keep it, so that it dies no later than the lane.
struct Alarm {
    explicit Alarm(Executor on) : lane(on), timer(on) {}
    const Executor lane;
    Timer timer;
};

struct Counters {
    explicit Counters(Metrics& metrics) :
        put(metrics.counter("stoker_queue_put_total", "Messages queued")),
        full(metrics.counter("stoker_queue_full_total", "Messages refused because of the depth")),
        delivered(metrics.counter("stoker_queue_delivered_total", "Deliveries made")),
        dropped(metrics.counter(
            "stoker_queue_dropped_total", "Messages dropped after too many deliveries"
        )) {}
    Counter& put;
    Counter& full;
    Counter& delivered;
    Counter& dropped;
};

}  // namespace

/// Outlives the queue as long as somebody settles a delivery just then.
class EmbeddedQueue::Core final : public std::enable_shared_from_this<Core> {
public:
    Core(const QueueOptions& options, Executor lane, Metrics& metrics) :
        state_(options),
        counters_(metrics),
        alarm_(std::make_shared<Alarm>(lane)) {}

    void put(
        std::span<const Message> messages,
        std::span<const std::optional<IdBits>> ids,
        std::span<Put> answers
    ) {
        const auto now = wall_now();
        std::scoped_lock lock(mutex_);
        if (stopping_) return;
        for (std::size_t i = 0; i < messages.size(); ++i) {
            // What is no id was not made by us; it has no row to point at.
            answers[i] = ids[i] ? state_.put(messages[i], *ids[i], now) : Put::full;
            if (answers[i] == Put::queued) counters_.put.add();
            if (answers[i] == Put::full) counters_.full.add();
        }
        wake_consumer();
    }

    void start(Executor lane, OnDeliveries deliver) {
        std::scoped_lock lock(mutex_);
        consumer_.emplace(lane, std::make_shared<const OnDeliveries>(std::move(deliver)));
        wake_consumer();
    }

    void credit(std::uint32_t allowed) {
        std::scoped_lock lock(mutex_);
        state_.set_credit(allowed);
        wake_consumer();
    }

    void ack(std::uint64_t token) {
        std::scoped_lock lock(mutex_);
        state_.ack(token);
        tell_if_drained();
    }

    void release(std::uint64_t token, Millis after) {
        std::scoped_lock lock(mutex_);
        state_.release(token, after, mono_now());
        tell_if_drained();
        wake_consumer();
        set_alarm();
    }

    QueueStats stats() const {
        std::scoped_lock lock(mutex_);
        return state_.stats(wall_now());
    }

    std::uint64_t depth() const {
        std::scoped_lock lock(mutex_);
        return state_.messages();
    }

    std::uint64_t depth(std::string_view fn_id) const {
        std::scoped_lock lock(mutex_);
        return state_.messages_of(fn_id);
    }

    /// True when nothing is held; else `drained` will be told.
    bool begin_drain(const OneShot<bool>& drained) {
        std::scoped_lock lock(mutex_);
        stopping_ = true;
        if (state_.leased() == 0) return true;
        draining_.push_back(drained);
        return false;
    }

    void stop() {
        std::scoped_lock lock(mutex_);
        stopping_ = true;
        consumer_.reset();
        // The alarm belongs to its lane, and so does its end.
        auto alarm = std::move(alarm_);
        asio::post(alarm->lane, [alarm] { alarm->timer.cancel(); });
    }

private:
    class Settle;
    struct Consumer {
        Executor lane;
        std::shared_ptr<const OnDeliveries> deliver;
    };

    /// Mutex held. Reserving happens on the consumer's lane, so credit taken back before that
    /// counts.
    void wake_consumer() {
        if (stopping_ || !consumer_ || wake_posted_ || !state_.can_reserve()) return;
        wake_posted_ = true;
        asio::post(consumer_->lane, [weak = weak_from_this()] {
            if (const auto core = weak.lock()) core->deliver();
        });
    }

    /// On the consumer's lane.
    void deliver() {
        std::vector<QueueState::Reserved> reserved;
        std::shared_ptr<const OnDeliveries> consumer;
        {
            std::scoped_lock lock(mutex_);
            wake_posted_ = false;
            if (stopping_ || !consumer_) return;
            consumer = consumer_->deliver;
            reserved = state_.reserve(batch_messages_max, mono_now());
            wake_consumer();
            set_alarm();
        }
        if (reserved.empty()) return;
        counters_.delivered.add(reserved.size());
        (*consumer)(to_deliveries(std::move(reserved)));
    }

    std::vector<Delivery> to_deliveries(std::vector<QueueState::Reserved> reserved);

    /// Mutex held.
    void tell_if_drained() {
        if (!stopping_ || state_.leased() > 0) return;
        for (const auto& drained : draining_) drained.set(true);
        draining_.clear();
    }

    /// Mutex held. The timer only ever moves to an earlier time from outside its own handler.
    void set_alarm() {
        const auto next = state_.next_expiry();
        if (!next || !alarm_ || (alarm_at_ && *alarm_at_ <= *next)) return;
        alarm_at_ = next;
        asio::post(alarm_->lane, [alarm = alarm_, weak = weak_from_this()] {
            wait_for_alarm(alarm, weak);
        });
    }

    static void wait_for_alarm(
        const std::shared_ptr<Alarm>& alarm, const std::weak_ptr<Core>& weak
    ) {
        const auto core = weak.lock();
        const auto at = core ? core->alarm_time() : std::nullopt;
        if (!at) return;
        alarm->timer.expires_at(*at);
        alarm->timer.async_wait([alarm, weak](error_code aborted) {
            if (aborted) return;
            if (const auto still = weak.lock()) still->expire();
        });
    }

    std::optional<MonoTime> alarm_time() const {
        std::scoped_lock lock(mutex_);
        return alarm_ ? alarm_at_ : std::nullopt;
    }

    void expire() {
        std::size_t dropped = 0;
        {
            std::scoped_lock lock(mutex_);
            alarm_at_.reset();
            dropped = state_.expire(mono_now());
            tell_if_drained();
            wake_consumer();
            set_alarm();
        }
        if (dropped == 0) return;
        counters_.dropped.add(dropped);
        log::warn("queue.dropped", {{"messages", dropped}, {"why", "delivered too often"}});
    }

    mutable std::mutex mutex_;
    QueueState state_;
    const Counters counters_;
    std::optional<Consumer> consumer_;
    std::vector<OneShot<bool>> draining_;
    std::shared_ptr<Alarm> alarm_;
    std::optional<MonoTime> alarm_at_;
    bool wake_posted_ = false;
    bool stopping_ = false;
};

class EmbeddedQueue::Core::Settle final : public Delivery::Settle {
public:
    Settle(std::weak_ptr<Core> core, std::uint64_t token) : core_(std::move(core)), token_(token) {}
    void ack() noexcept override {
        if (const auto core = core_.lock()) core->ack(token_);
    }
    void release(Millis after) noexcept override {
        if (const auto core = core_.lock()) core->release(token_, after);
    }

private:
    const std::weak_ptr<Core> core_;
    const std::uint64_t token_;
};

std::vector<Delivery> EmbeddedQueue::Core::to_deliveries(std::vector<QueueState::Reserved> reserved
) {
    std::vector<Delivery> deliveries;
    deliveries.reserve(reserved.size());
    for (auto& one : reserved) {
        deliveries.emplace_back(
            Message{encode_id(one.id), std::move(one.fn_id), one.priority},
            one.deliveries,
            one.put_at,
            std::make_unique<Settle>(weak_from_this(), one.token)
        );
    }
    return deliveries;
}

EmbeddedQueue::EmbeddedQueue(const QueueOptions& options, Executor lane, Metrics& metrics) :
    core_(std::make_shared<Core>(options, lane, metrics)) {
    const auto gauge = [&](std::string_view name, std::string_view help, auto read) {
        metrics.gauge(name, help, [weak = std::weak_ptr(core_), read] {
            const auto core = weak.lock();
            return core ? static_cast<double>(read(core->stats())) : 0.0;
        });
    };
    gauge("stoker_queue_ready", "Messages that may be delivered", [](const QueueStats& stats) {
        return stats.ready;
    });
    gauge("stoker_queue_leased", "Messages held by a consumer", [](const QueueStats& stats) {
        return stats.leased;
    });
}

EmbeddedQueue::~EmbeddedQueue() { core_->stop(); }

Task<std::vector<Put>> EmbeddedQueue::put(std::vector<Message> batch) {
    const auto core = core_;
    std::vector<std::optional<IdBits>> ids;
    ids.reserve(batch.size());
    for (const auto& message : batch) ids.push_back(decode_id(message.call_id));
    std::vector<Put> answers(batch.size(), Put::unknown);
    for (std::size_t at = 0; at < batch.size(); at += batch_messages_max) {
        const auto count = std::min(batch_messages_max, batch.size() - at);
        core->put(
            std::span(batch).subspan(at, count),
            std::span(ids).subspan(at, count),
            std::span(answers).subspan(at, count)
        );
    }
    co_return answers;
}

void EmbeddedQueue::start(Executor lane, OnDeliveries deliver) {
    core_->start(lane, std::move(deliver));
}

void EmbeddedQueue::credit(std::uint32_t allowed) noexcept { core_->credit(allowed); }

Task<Result<QueueStats>> EmbeddedQueue::stats() { co_return core_->stats(); }

std::uint64_t EmbeddedQueue::depth(std::string_view fn_id) const noexcept {
    return core_->depth(fn_id);
}

std::uint64_t EmbeddedQueue::depth() const noexcept { return core_->depth(); }

Task<> EmbeddedQueue::drain(Deadline deadline) {
    const auto core = core_;
    const OneShot<bool> drained(co_await asio::this_coro::executor);
    if (!core->begin_drain(drained)) co_await drained.wait(deadline);
}

}  // namespace stoker
