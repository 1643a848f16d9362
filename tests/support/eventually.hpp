#pragma once

// Waits for what nobody tells: looks again and again until it is so.

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace stoker::test {

/// Throws after a minute with `what`.
template <class IsSo>
void eventually(std::string_view what, IsSo is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!is_so()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            throw std::runtime_error("never: " + std::string(what));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

}  // namespace stoker::test
