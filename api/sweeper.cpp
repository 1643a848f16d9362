#include "api/sweeper.hpp"

#include <algorithm>
#include <random>

#include "api/call_moves.hpp"
#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

/// Within 20 % of the interval, so that several processes do not sweep in step.
Millis jittered(Millis interval) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_real_distribution<double> factor(0.8, 1.2);
    return Millis(static_cast<Millis::rep>(static_cast<double>(interval.count()) * factor(random)));
}

}  // namespace

Sweeper::Sweeper(
    Datastore& store,
    MessageQueue& queue,
    Outbox& outbox,
    CallEvents& events,
    SweeperLimits limits,
    Metrics& metrics
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

void Sweeper::start(Executor lane) {
    stop_ = std::make_unique<OneShot<bool>>(lane);
    spawn(gate_, lane, "sweeper", run());
}

Task<> Sweeper::run() {
    const auto stop = *stop_;
    auto rebuild = Rebuild::more;
    for (;;) {
        const bool was_done = rebuild == Rebuild::done;
        if (!was_done) rebuild = co_await rebuild_step();
        if (!was_done && rebuild == Rebuild::done) {
            log::info("queue.rebuilt", {{"depth", queue_.depth()}});
        }
        const bool at_once = rebuild == Rebuild::more;
        if (!at_once) co_await sweep(std::chrono::steady_clock::now());
        const auto pause = at_once ? Millis{0} : jittered(limits_.interval);
        if (co_await stop.wait(deadline_in(pause))) co_return;
    }
}

Task<> Sweeper::stop(Deadline deadline) {
    if (stop_) stop_->set(true);
    co_await gate_.close(deadline);
}

}  // namespace stoker
