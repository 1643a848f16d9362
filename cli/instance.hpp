#pragma once

#include <string>

#include "model/error.hpp"
#include "model/id.hpp"

namespace stoker {

/// The name this installation keeps for life, in `<data>/instance`: containers are labelled with
/// it, so that a start finds what an earlier life left behind. Made at the first start.
Result<std::string> load_instance(const std::string& data_folder, IdSource& ids);

}  // namespace stoker
