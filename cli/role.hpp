#pragma once

// What a server process is: the API, a worker, or both.

#include <cstdint>
#include <string_view>

namespace stoker {

enum class Role : std::uint8_t { start, api, worker };

constexpr bool has_api(Role role) { return role != Role::worker; }
constexpr bool has_worker(Role role) { return role != Role::api; }
/// The command that runs it.
constexpr std::string_view to_word(Role role) {
    if (role == Role::api) return "api";
    return role == Role::worker ? "worker" : "start";
}

}  // namespace stoker
