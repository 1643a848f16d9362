#pragma once

// What a command may touch of the terminal: a test gives it strings instead. One thread.

#include <istream>
#include <ostream>

#include "common/settings.hpp"

namespace stoker {

struct Console {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool in_is_terminal = false;
    bool out_is_terminal = false;
    Environment environment;
};

}  // namespace stoker
