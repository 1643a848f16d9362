#pragma once

// What the system tests share: the image of the test function, built once per run, and a Stoker.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/stoker_process.hpp"

namespace stoker::test {

/// The tag of the image of function.c. Built at the first call, removed at the end of the process.
const std::string& function_image();

/// What `say TEXT` prints. The two streams are two pipes: which came first is not known.
bool has_both_lines(const std::string& log, const std::string& text);

/// A Stoker that is ready for calls.
struct Running : StokerProcess {
    explicit Running(std::vector<std::string> flags = {}) : StokerProcess(std::move(flags)) {
        start_ready();
    }
};

}  // namespace stoker::test
