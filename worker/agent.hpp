#pragma once

// Runs calls in containers: finds a slot, hands the call to the function there, and says how it
// ended and whether the container may go on. Synchronous calls come through Invoker; the worker's
// own asynchronous ones through execute(). Used on any lane.

#include <memory>

#include "common/metrics.hpp"
#include "model/invoker.hpp"
#include "worker/call_executor.hpp"
#include "worker/call_meter.hpp"
#include "worker/containers/container_driver.hpp"
#include "worker/slot_pool.hpp"

namespace stoker {

/// Of a function's answer.
struct AnswerLimits {
    std::size_t head_bytes_max = 64UL * 1024;
    /// Of the body of a synchronous call, where it is passed on as it arrives.
    std::uint64_t streamed_bytes_max = 1024ULL * 1024 * 1024;
    /// Of every body that is kept before it goes on or into the datastore.
    std::uint64_t kept_bytes_max = 10ULL * 1024 * 1024;
};

class Agent final : public Invoker, public CallExecutor {
public:
    Agent(SlotPool& slots, ContainerDriver& driver, Metrics& metrics, AnswerLimits limits);

    Task<Result<void>> invoke(
        Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
    ) override;

    Task<Result<void>> execute(
        const Invocation& invocation,
        BodySource& body,
        FunctionAnswer& answer,
        LiveCallRef live,
        Deadline give_up
    ) override;

private:
    /// What every step of one call needs.
    struct Run {
        const Invocation& invocation;
        BodySource& body;
        FunctionAnswer& answer;
        LiveCallRef live;
        ExchangeLimits limits;
        Deadline give_up;
    };

    Task<Result<void>> run(Run run);
    Task<Result<void>> run_in(SlotPool::Slot slot, Run& run);
    void kill(ContainerRef container);
    /// Why the function went away: the exit of its container, if it did exit.
    Task<Error> explain_loss(ContainerRef container);

    SlotPool& slots_;
    ContainerDriver& driver_;
    const CallMeter meter_;
    const AnswerLimits limits_;
    Histogram& run_seconds_;
    Histogram& slot_wait_seconds_;
};

/// What the exit of its container means to the call in it.
Error error_of_exit(const ExitStatus& exit, bool oom_killed, bool killed_by_us);

}  // namespace stoker
