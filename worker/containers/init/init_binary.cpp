#include "worker/containers/init/init_binary.hpp"

// STOKER_INIT_FILE is the path of the executable made by this folder's CMakeLists.txt.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "stoker_init_begin:\n"
    ".incbin \"" STOKER_INIT_FILE
    "\"\n"
    "stoker_init_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char stoker_init_begin[];
extern const char stoker_init_end[];
}

namespace stoker {

std::string_view init_binary() { return {stoker_init_begin, stoker_init_end}; }

}  // namespace stoker
