#pragma once

// A function's own stdin and stdout, at the agent's end.

#include "common/unique_fd.hpp"
#include "worker/protocols/function_stream.hpp"

namespace stoker {

/// Both non-blocking.
struct StdioPipes {
    UniqueFd in;   ///< the agent writes
    UniqueFd out;  ///< the agent reads

    FunctionStream::Ends ends() const { return {.read = out.get(), .write = in.get()}; }
};

/// Nothing of an earlier exchange is left in the pipes and the function still holds its ends. With
/// `spaces_allowed` white space is nothing: it separates objects, and the function need not have
/// read the line break that ended its last request.
bool are_quiet(const StdioPipes& pipes, bool spaces_allowed);

}  // namespace stoker
