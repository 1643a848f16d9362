#pragma once

// Which worker a synchronous call is offered to first, and which next. The seam for other ways of
// placing calls; any lane.

#include <memory>

#include "api/runners/runner.hpp"
#include "model/fn_spec.hpp"

namespace stoker {

class Placer {
public:
    virtual ~Placer() = default;
    /// All of them, in the order in which they are to be tried. Not empty.
    virtual RunnerList order(const FnSpec& fn, const RunnerList& runners) = 0;
};

/// In turn, but of the next two the less busy one goes first; those that did not answer lately, or
/// drain, go last.
std::unique_ptr<Placer> make_two_choices_placer();

}  // namespace stoker
