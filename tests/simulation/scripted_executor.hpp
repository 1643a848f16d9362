#pragma once

// Stands where the agent and its containers are: a call takes a slot of the real slot pool, then
// time, and ends well, badly, or when its container is killed. Part of one worker process; one
// lane.

#include <set>

#include "tests/simulation/sim_context.hpp"
#include "tests/simulation/sim_host.hpp"
#include "worker/call_executor.hpp"
#include "worker/slot_pool.hpp"

namespace stoker::test {

class ScriptedExecutor final : public CallExecutor {
public:
    ScriptedExecutor(SimContext& context, SimHost& host, SlotPool& slots) :
        context_(context),
        host_(host),
        slots_(slots) {}

    bool engine_is_away = false;

    Task<Result<void>> execute(
        const Invocation& invocation,
        BodySource& body,
        FunctionAnswer& answer,
        LiveCallRef live,
        Deadline give_up
    ) override;

    // The slot pool's hooks.
    Task<Result<ContainerRef>> launch(FnSpecRef fn, MemoryTokens::Token memory);
    Task<> remove(ContainerRef container);
    /// Its call notices by itself, so that the order of kills has no effect.
    Task<> kill(ContainerRef container);

private:
    Task<Result<void>> run_script(const Container& container);
    static Task<Result<void>> answer_well(FunctionAnswer& answer);

    SimContext& context_;
    SimHost& host_;
    SlotPool& slots_;
    std::set<const Container*> killed_;
};

}  // namespace stoker::test
