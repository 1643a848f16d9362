#pragma once

// Runs synchronous calls on workers in other processes. A call is offered to one worker after the
// other until one takes it: while nothing has begun anybody may have it; once a function may have
// begun with it, it ends with what that worker answers, or with worker_lost. Any lane.

#include <memory>
#include <random>

#include "api/runners/placer.hpp"
#include "api/runners/runner_attempt.hpp"
#include "api/runners/runner_directory.hpp"
#include "common/metrics.hpp"
#include "model/invoker.hpp"

namespace stoker {

struct RemoteInvokerLimits {
    Millis no_worker_wait{3'000};  ///< for one to come when none answers
    Millis first_pause{10};        ///< after all have refused; doubled each time
    Millis longest_pause{250};
    Millis suspicion{1'000};  ///< others are asked before one that did not answer
};

class RemoteInvoker final : public Invoker {
public:
    RemoteInvoker(
        RunnerDirectory& directory,
        std::unique_ptr<Placer> placer,
        Metrics& metrics,
        RemoteInvokerLimits limits = {}
    );

    Task<Result<void>> invoke(
        Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
    ) override;

private:
    /// What a round of offers came to.
    struct Round {
        bool done = false;
        bool answered = false;  ///< by one that refused
        Result<void> result;    ///< of the call if done, else of the last refusal
    };
    Task<Round> offer_to_all(const RunnerOffer& offer);

    RunnerDirectory& directory_;
    const std::unique_ptr<Placer> placer_;
    const RemoteInvokerLimits limits_;
    RunnerConnections connections_;
    Counter& refused_;
    Counter& silent_;
    Counter& lost_;
};

}  // namespace stoker
