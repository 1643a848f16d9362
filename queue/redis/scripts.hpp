#pragma once

// The Lua scripts that are the queue: each operation is one of them, so that it happens whole or
// not at all. Their texts are the files in lua/, built in; each says what it takes and gives.

#include <array>
#include <cstdint>
#include <string_view>

namespace stoker::redis {

enum class Script : std::uint8_t { enqueue, reserve, ack, release, stats };
constexpr std::size_t script_count = 5;

std::string_view text_of(Script script);

}  // namespace stoker::redis
