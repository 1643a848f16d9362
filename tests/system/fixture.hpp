#pragma once

// What the system tests share: the image of the test function, built once per run, and a Stoker.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/stoker_process.hpp"

namespace stoker::test {

/// The executable of function.c with its parts.
std::string function_program();
/// The tag of its image. Built at the first call, removed at the end
/// of the process.
const std::string& function_image();

/// What `say TEXT` prints. The two streams are two pipes: which came first is not known.
bool has_both_lines(const std::string& log, const std::string& text);

/// What a Stoker holds right now.
struct Resources {
    std::ptrdiff_t descriptors = 0;
    std::ptrdiff_t threads = 0;
    std::ptrdiff_t folders = 0;  ///< of containers, in its run folder
    std::int64_t resident_mb = 0;
};
Resources resources_of(const StokerProcess& stoker);

/// MB that AddressSanitizer holds back on purpose: what was freed is not used again so soon.
#if __has_feature(address_sanitizer)
inline constexpr std::int64_t quarantine_mb = 256;
#else
inline constexpr std::int64_t quarantine_mb = 0;
#endif

/// What a sanitizer takes says nothing of Stoker.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

/// The same once nothing is left to do: no container, no memory taken.
Resources at_rest(const StokerProcess& stoker);

/// The value of one series, "name" or "name{label=\"value\"}"; 0 when it is not there.
double metric(const StokerProcess& stoker, std::string_view series);

/// The call is in its container.
void wait_until_executing(const StokerProcess& stoker, const std::string& call_id);

/// A Stoker that is ready for calls.
struct Running : StokerProcess {
    explicit Running(std::vector<std::string> flags = {}) : StokerProcess(std::move(flags)) {
        start_ready();
    }
};

}  // namespace stoker::test
