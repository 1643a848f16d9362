#pragma once

#include <string>

#include "common/unique_fd.hpp"
#include "model/error.hpp"
#include "model/id.hpp"

namespace stoker {

/// The name this installation keeps for life, in `<data>/instance`: containers are labelled with
/// it, so that a start finds what an earlier life left behind. Held by one process at a time, or
/// two workers would take each other's containers for leftovers.
struct Instance {
    std::string name;
    UniqueFd lock;
};

/// Makes folder and name at the first start. Says so when another process has it.
Result<Instance> load_instance(const std::string& data_folder, IdSource& ids);

}  // namespace stoker
