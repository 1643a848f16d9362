#pragma once

// Schedules as JSON: what a body of the API says, and what an answer shows.

#include "model/json.hpp"
#include "model/schedule.hpp"

namespace stoker {

Json to_json(const Schedule& schedule);
/// A new one from a create body: the id must be absent, defaults apply, not yet validated.
Result<Schedule> schedule_from_json(const Json& body);
Result<SchedulePatch> schedule_patch_from_json(const Json& body);

}  // namespace stoker
