#pragma once

// One offer of a call to one worker: sends it, follows the worker's signs, and streams body and
// answer once the worker has a container for it. Keeps the commit rule of
// model/runner_protocol.hpp: as long as the offer is `refused`, nothing of the body has been read
// or sent.

#include "api/runners/runner.hpp"
#include "api/runners/runner_connections.hpp"
#include "model/invoker.hpp"

namespace stoker {

struct RunnerAttempt {
    enum class End : std::uint8_t {
        refused,  ///< nothing has begun there; `result` says why
        silent,   ///< the same, and the worker did not answer at all
        done,     ///< `result` is that of the call: it must not be offered again
    };
    End end = End::done;
    Result<void> result;
};

struct RunnerOffer {
    const Invocation& invocation;
    BodySource& body;
    AnswerSink& answer;
    Deadline give_up;
};

Task<RunnerAttempt> offer_to(const Runner& runner, RunnerConnections& kept, RunnerOffer offer);

}  // namespace stoker
