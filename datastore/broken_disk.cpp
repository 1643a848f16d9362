#include "datastore/broken_disk.hpp"

#include <cstdlib>

#include "common/log.hpp"

namespace stoker {

void end_broken(std::string_view what, std::string_view why) {
    log::error(
        "store.broken",
        {{"what", what},
         {"why", why},
         {"hint",
          "what was not acknowledged may be lost, nothing else; check the disk, then start again"}}
    );
    std::abort();
}

}  // namespace stoker
