#include "api/scheduler.hpp"

#include <algorithm>

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

Scheduler::Scheduler(Parts parts, SchedulerLimits limits, Metrics& metrics) :
    parts_(std::move(parts)),
    limits_(limits),
    fired_(metrics.counter("stoker_schedule_calls_total", "Calls made by schedules")),
    left_out_(metrics.counter(
        "stoker_schedule_missed_total", "Due times without a call, by the rule for missed ones"
    )),
    put_off_(metrics.counter(
        "stoker_schedule_put_off_total", "Times a due schedule found no room for its calls"
    )) {}

Task<Millis> Scheduler::fire_due() {
    auto pause = limits_.interval;
    DueCursor at;
    for (;;) {
        const auto page = co_await parts_.store.list_due(at, limits_.page);
        if (!page) {
            log::warn("schedules.failed", {{"detail", page.error().detail}});
            co_return limits_.interval;
        }
        if (page->next_in) pause = std::min(pause, *page->next_in);
        Batch batch;
        for (const auto& schedule : page->due) {
            co_await add(schedule, batch);
            if (batch.firings.empty()) continue;
            // What is fired now may be due again before anything else.
            pause = std::min(pause, batch.firings.back().next_at - parts_.clock.now());
            const bool is_full =
                batch.calls >= limits_.batch_calls || batch.bytes >= limits_.batch_bytes;
            if (is_full) co_await fire(std::exchange(batch, {}));
        }
        if (!batch.firings.empty()) co_await fire(std::move(batch));
        const bool is_last = std::cmp_less(page->due.size(), limits_.page);
        if (is_last || parts_.acceptor.closed()) break;
        at = {*page->due.back().next_at, page->due.back().id};
    }
    co_return std::max(pause, Millis{1});
}

/// Nothing is added when it cannot be fired now: it stays due.
Task<> Scheduler::add(const Schedule& schedule, Batch& batch) {
    const auto due = due_times(schedule, parts_.clock.now());
    if (!due) {
        log::warn("schedule.broken", {{"schedule", schedule.id}, {"why", due.error().text()}});
        co_return;
    }
    const auto fn = co_await parts_.cache.get(schedule.fn_id);
    if (!fn) co_return;
    if (!due->calls.empty() && !parts_.acceptor.has_room((*fn)->fn)) {
        put_off_.add();
        co_return;
    }
    Firing firing{schedule.id, schedule.rev, due->next, std::nullopt, {}};
    for (const auto due_at : due->calls) {
        firing.calls.push_back(call_of(schedule, (*fn)->fn, due_at));
        firing.last_at = due_at;
    }
    if (due->left_out > 0) {
        left_out_.add(due->left_out);
        log::warn("schedule.missed", {{"schedule", schedule.id}, {"times", due->left_out}});
    }
    batch.calls += firing.calls.size();
    batch.bytes += firing.calls.size() * schedule.body.size();
    batch.firings.push_back(std::move(firing));
    batch.fns.push_back(*fn);
}

NewCall Scheduler::call_of(const Schedule& schedule, const Fn& fn, WallTime due_at) {
    const auto& base = parts_.public_url;
    NewCall made{new_call(fn, parts_.ids.next(), {}, parts_.clock.now()), {}, {}};
    made.request = {
        .method = "POST",
        .url = (base.empty() ? "http://localhost" : base) + "/invoke/" + fn.id,
        .headers = schedule.headers,
        .content_type = schedule.content_type,
        .body = BodyRef::of(schedule.body),
    };
    made.request.headers.emplace_back("Fn-Schedule-Id", schedule.id);
    made.request.headers.emplace_back("Fn-Scheduled-At", format_time(due_at));
    return made;
}

/// When nobody can say whether it was done, either all is still due, or its calls are found as ones
/// that the queue has lost.
Task<> Scheduler::fire(Batch batch) {
    const auto fired = co_await parts_.store.fire(batch.firings);
    if (!fired) {
        log::warn("schedules.not_fired", {{"detail", fired.error().detail}});
        co_return;
    }
    for (std::size_t i = 0; i < batch.firings.size(); ++i) {
        if (!fired->at(i)) continue;
        std::vector<Message> messages;
        for (const auto& [call, request, key] : batch.firings[i].calls) {
            messages.push_back({call.id, call.fn_id, static_cast<std::uint8_t>(call.priority)});
        }
        fired_.add(messages.size());
        co_await parts_.acceptor.accepted(batch.fns[i]->fn, std::move(messages));
    }
}

void Scheduler::start(Executor lane) {
    stop_ = std::make_unique<OneShot<bool>>(lane);
    spawn(gate_, lane, "scheduler", run());
}

Task<> Scheduler::run() {
    const auto stop = *stop_;
    for (;;) {
        const auto pause = co_await fire_due();
        if (co_await stop.wait(deadline_in(pause))) co_return;
    }
}

Task<> Scheduler::stop(Deadline deadline) {
    if (stop_) stop_->set(true);
    co_await gate_.close(deadline);
}

}  // namespace stoker
