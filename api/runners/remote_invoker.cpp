#include "api/runners/remote_invoker.hpp"

#include <algorithm>

#include "common/log.hpp"

namespace stoker {

namespace {

/// So that calls that were refused together do not come back together.
Millis jittered(Millis pause) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_real_distribution<double> factor(0.5, 1.0);
    return Millis(static_cast<Millis::rep>(static_cast<double>(pause.count()) * factor(random)));
}

/// Waiting makes no worker bigger, and an engine that failed is tried once a call, as beside an api
/// of the same process.
bool is_final(Errc refusal) {
    return refusal == Errc::impossible_memory || refusal == Errc::engine_failed;
}

/// Counts a call of ours that a worker has.
class InFlight {
public:
    explicit InFlight(RunnerRef runner) : runner_(std::move(runner)) { ++runner_->in_flight; }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    ~InFlight() { --runner_->in_flight; }

private:
    const RunnerRef runner_;
};

}  // namespace

RemoteInvoker::RemoteInvoker(
    RunnerDirectory& directory,
    std::unique_ptr<Placer> placer,
    Metrics& metrics,
    RemoteInvokerLimits limits
) :
    directory_(directory),
    placer_(std::move(placer)),
    limits_(limits),
    refused_(metrics.counter(
        "stoker_offers_refused_total", "Offers of synchronous calls that a worker refused"
    )),
    silent_(metrics.counter(
        "stoker_offers_unanswered_total", "Offers of synchronous calls that a worker did not answer"
    )),
    lost_(metrics.counter(
        "stoker_sync_calls_lost_total", "Synchronous calls whose worker was lost while they ran"
    )) {}

Task<Result<void>> RemoteInvoker::invoke(
    Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
) {
    const RunnerOffer offer{invocation, body, answer, give_up};
    const auto no_worker_at = std::min(give_up, deadline_in(limits_.no_worker_wait));
    for (auto pause = limits_.first_pause;; pause = std::min(2 * pause, limits_.longest_pause)) {
        auto round = co_await offer_to_all(offer);
        if (round.done) co_return std::move(round.result);
        const auto again_at = deadline_in(jittered(pause));
        if (again_at >= (round.answered ? give_up : no_worker_at)) {
            co_return std::move(round.result);
        }
        co_await sleep_for(again_at - std::chrono::steady_clock::now());
    }
}

Task<RemoteInvoker::Round> RemoteInvoker::offer_to_all(const RunnerOffer& offer) {
    using End = RunnerAttempt::End;
    Round round{.result = fail(Errc::no_worker)};
    const auto runners = directory_.all();
    if (runners.empty()) co_return round;
    std::size_t finals = 0;
    for (const auto& runner : placer_->order(*offer.invocation.fn, runners)) {
        const InFlight counted(runner);
        auto attempt = co_await offer_to(*runner, connections_, offer);
        if (attempt.end == End::silent) {
            silent_.add();
            if (!runner->is_suspect()) {
                const auto& why = attempt.result.error().detail;
                log::warn("runner.silent", {{"worker", runner->name}, {"why", why}});
            }
            runner->suspect(deadline_in(limits_.suspicion));
            continue;
        }
        runner->trust();
        if (attempt.end == End::done) {
            const auto& result = attempt.result;
            if (!result && result.error().code == Errc::worker_lost) lost_.add();
            co_return Round{.done = true, .answered = true, .result = std::move(attempt.result)};
        }
        refused_.add();
        finals += is_final(attempt.result.error().code) ? 1 : 0;
        round = {.done = false, .answered = true, .result = std::move(attempt.result)};
        if (has_passed(offer.give_up)) break;
    }
    round.done = finals == runners.size();
    co_return round;
}

}  // namespace stoker
