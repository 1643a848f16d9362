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

class Agent final : public Invoker, public CallExecutor {
public:
    Agent(SlotPool& slots, ContainerDriver& driver, Metrics& metrics);

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
    /// Connects anew unless the connection of the last call is still good. False: the container is
    /// gone or not to be trusted.
    static bool connect(Container& container);
    Task<Result<void>> run_in(
        SlotPool::Slot slot,
        const Invocation& invocation,
        BodySource& body,
        FunctionAnswer& answer,
        const LiveCallRef& live
    );
    /// Why the function's connection broke: the exit of its container, if it did exit.
    Task<Error> explain_loss(ContainerRef container);

    SlotPool& slots_;
    ContainerDriver& driver_;
    const CallMeter meter_;
    Histogram& run_seconds_;
    Histogram& slot_wait_seconds_;
};

/// What the exit of its container means to the call in it.
Error error_of_exit(const ExitStatus& exit, bool oom_killed, bool killed_by_us);

}  // namespace stoker
