#include "api/sweeper.hpp"

#include <algorithm>

#include "api/call_moves.hpp"
#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

DeliveredBefore delivered_before(const QueueStats& stats) {
    DeliveredBefore delivered;
    delivered.of_priority = stats.low_watermark;
    delivered.of_lagging_fn.insert(stats.lagging.begin(), stats.lagging.end());
    return delivered;
}

}  // namespace

Sweeper::Sweeper(
    Datastore& store,
    MessageQueue& queue,
    Outbox& outbox,
    CallEvents& events,
    SweeperLimits limits,
    Metrics& metrics,
    std::uint32_t jitter_seed
) :
    store_(store),
    queue_(queue),
    outbox_(outbox),
    events_(events),
    limits_(limits),
    requeued_(metrics.counter(
        "stoker_calls_requeued_total", "Calls queued again because their worker was lost"
    )),
    ended_(metrics.counter(
        "stoker_calls_swept_total", "Calls ended by a sweep: their attempts were used up"
    )),
    redispatched_(metrics.counter(
        "stoker_calls_redispatched_total", "Waiting calls put again because the queue had lost them"
    )),
    expired_(metrics.counter(
        "stoker_calls_expired_total", "Calls ended because they had waited for longer than they may"
    )),
    random_(jitter_seed),
    guard_(limits.lease + limits.grace, std::chrono::steady_clock::now()) {}

/// What the queue did not take comes again with the next step.
Task<Sweeper::Rebuild> Sweeper::rebuild_step() {
    const auto page = co_await store_.list_queued(rebuilt_to_, limits_.rebuild_page);
    if (!page) co_return Rebuild::stuck;
    if (page->empty()) co_return Rebuild::done;
    const auto puts = co_await queue_.put(messages_of(*page));
    for (std::size_t i = 0; i < puts.size() && i < page->size(); ++i) {
        if (puts[i] != Put::queued && puts[i] != Put::duplicate) co_return Rebuild::stuck;
        rebuilt_to_ = page->at(i).id;
    }
    const bool last = std::cmp_less(page->size(), limits_.rebuild_page);
    co_return last ? Rebuild::done : Rebuild::more;
}

/// Whether the datastore answers; asked with a read, which changes nothing.
Task<> Sweeper::probe(Deadline now) {
    if (co_await store_.count_calls()) {
        guard_.answered(now);
    } else {
        guard_.failed();
    }
}

Task<> Sweeper::sweep(Deadline now) {
    if (!guard_.may_sweep(now)) {
        co_await probe(now);
        co_return;
    }
    const auto moved = co_await store_.sweep_lost(limits_.grace);
    if (!moved) {
        guard_.failed();
        log::warn("sweep.failed", {{"detail", moved.error().detail}});
        co_return;
    }
    if (moved->empty()) co_return;
    publish_moves(events_, *moved);
    auto again = messages_of(*moved);
    log::info("sweep.moved", {{"calls", moved->size()}, {"queued", again.size()}});
    requeued_.add(again.size());
    ended_.add(moved->size() - again.size());
    outbox_.park(std::move(again));
    co_await outbox_.retry();
}

Task<> Sweeper::redispatch_step() {
    const auto stats = co_await queue_.stats();
    if (!stats) co_return;
    auto delivered = delivered_before(*stats);
    waits_.update(delivered, wall_now());
    if (outbox_.full()) co_return;
    const auto step = co_await store_.redispatch(
        redispatch_at_, limits_.redispatch_page, std::move(delivered), limits_.redispatch_slack
    );
    if (!step) co_return;
    redispatch_at_ = step->seen_to;
    if (step->lost.empty()) co_return;
    log::warn("queue.lost_calls", {{"calls", step->lost.size()}, {"then", "put again"}});
    redispatched_.add(step->lost.size());
    outbox_.park(messages_of(step->lost));
    co_await outbox_.retry();
}

Task<> Sweeper::expire_step() {
    const auto expired = co_await store_.expire(limits_.expire_page);
    if (!expired || expired->empty()) co_return;
    expired_.add(expired->size());
    publish_moves(events_, *expired);
}

/// Within 20 % of the interval, so that several processes do not sweep in step.
Millis Sweeper::jittered_interval() {
    std::uniform_real_distribution<double> factor(0.8, 1.2);
    const auto interval = static_cast<double>(limits_.interval.count());
    return Millis(static_cast<Millis::rep>(interval * factor(random_)));
}

void Sweeper::start(Executor lane) {
    stop_ = std::make_unique<OneShot<bool>>(lane);
    spawn(gate_, lane, "sweeper", run());
}

Task<> Sweeper::run() {
    const auto stop = *stop_;
    auto rebuild = limits_.queue_starts_empty ? Rebuild::more : Rebuild::done;
    for (;;) {
        const bool was_done = rebuild == Rebuild::done;
        if (!was_done) rebuild = co_await rebuild_step();
        if (!was_done && rebuild == Rebuild::done) {
            log::info("queue.rebuilt", {{"depth", queue_.depth()}});
        }
        const bool at_once = rebuild == Rebuild::more;
        if (!at_once) co_await sweep(std::chrono::steady_clock::now());
        if (rebuild == Rebuild::done) co_await redispatch_step();
        if (!at_once) co_await expire_step();
        if (!at_once) co_await store_.forget_keys(limits_.forget_page);
        const auto pause = at_once ? Millis{0} : jittered_interval();
        if (co_await stop.wait(deadline_in(pause))) co_return;
    }
}

Task<> Sweeper::stop(Deadline deadline) {
    if (stop_) stop_->set(true);
    co_await gate_.close(deadline);
}

}  // namespace stoker
