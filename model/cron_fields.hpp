#pragma once

// The text of cron's five fields: `*`, numbers, names of months and days, ranges, steps and lists
// of those; or one word that stands for all five, such as `@daily`.

#include <string_view>

#include "model/cron.hpp"

namespace stoker {

/// invalid_request says which field is wrong, and how.
Result<CronFields> parse_cron_fields(std::string_view text);

}  // namespace stoker
