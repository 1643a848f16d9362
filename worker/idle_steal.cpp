#include "worker/idle_steal.hpp"

#include <algorithm>
#include <utility>

#include "model/id.hpp"

namespace stoker {

namespace {

/// The row is what is taken; there is no message to settle.
class Nothing final : public Delivery::Settle {
public:
    void ack() noexcept override {}
    void release(Millis) noexcept override {}
};

std::chrono::steady_clock::rep ticks_now() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

Delivery make_delivery(const MovedCall& call, WallTime accepted_at) {
    return {
        {call.id, call.fn_id, static_cast<std::uint8_t>(std::clamp(call.priority, 0, 2))},
        1,
        accepted_at,
        std::make_unique<Nothing>()
    };
}

}  // namespace

IdleSteal::IdleSteal(
    MessageQueue& queue, ListQueued list_queued, Metrics& metrics, StealLimits limits
) :
    queue_(queue),
    list_queued_(std::move(list_queued)),
    limits_(limits),
    stolen_(metrics.counter(
        "stoker_calls_stolen_total",
        "Waiting calls that an idle worker tried to take from the datastore"
    )) {}

Task<> IdleSteal::run(Latch<bool>& stopped) {
    while (!stopped.is_set()) {
        co_await stopped.wait(deadline_in(jittered_pause()));
        if (is_idle() && !stopped.is_set()) co_await steal();
    }
}

bool IdleSteal::is_idle() const {
    const auto since = hungry_since_.load();
    const std::chrono::steady_clock::duration for_now(ticks_now() - since);
    return since != 0 && deliver_ && for_now >= limits_.idle_min;
}

Task<> IdleSteal::steal() {
    const auto calls_max = std::min<std::int64_t>(limits_.calls_max, credit_.load());
    const auto page = co_await list_queued_(seen_to_, static_cast<int>(calls_max));
    if (!page) co_return;
    // After the last it begins anew.
    seen_to_ = std::cmp_less(page->size(), calls_max) ? std::string{} : page->back().id;
    std::vector<Delivery> deliveries;
    for (const auto& call : *page) {
        const auto accepted_at = time_of_id(call.id).value_or(WallTime{});
        if (wall_now() - accepted_at < limits_.age_min) continue;
        deliveries.push_back(make_delivery(call, accepted_at));
    }
    // What came meanwhile ends it: the queue has something for us again.
    if (deliveries.empty() || !is_idle()) co_return;
    stolen_.add(deliveries.size());
    (*deliver_)(std::move(deliveries));
}

Millis IdleSteal::jittered_pause() {
    std::uniform_real_distribution<double> factor(0.8, 1.2);
    return Millis(
        static_cast<Millis::rep>(static_cast<double>(limits_.pause.count()) * factor(random_))
    );
}

void IdleSteal::start(Executor lane, OnDeliveries deliver) {
    const auto shared = std::make_shared<const OnDeliveries>(std::move(deliver));
    asio::post(lane, [this, shared] { deliver_ = shared; });
    queue_.start(lane, [this, shared](std::vector<Delivery> deliveries) {
        if (hungry_since_.load() != 0) hungry_since_ = ticks_now();
        (*shared)(std::move(deliveries));
    });
}

void IdleSteal::credit(std::uint32_t allowed) noexcept {
    credit_ = allowed;
    Ticks none = 0;
    if (allowed == 0) {
        hungry_since_ = 0;
    } else {
        hungry_since_.compare_exchange_strong(none, ticks_now());
    }
    queue_.credit(allowed);
}

Task<std::vector<Put>> IdleSteal::put(std::vector<Message> batch) {
    co_return co_await queue_.put(std::move(batch));
}

Task<Result<QueueStats>> IdleSteal::stats() { co_return co_await queue_.stats(); }

std::uint64_t IdleSteal::depth(std::string_view fn_id) const noexcept {
    return queue_.depth(fn_id);
}

Task<> IdleSteal::drain(Deadline deadline) { co_await queue_.drain(deadline); }

}  // namespace stoker
