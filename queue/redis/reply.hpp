#pragma once

// What a Redis server answered, as a value. An error reply is no Reply but an Error.

#include <cstdint>
#include <string>
#include <vector>

namespace stoker::redis {

struct Reply {
    enum class Kind : std::uint8_t { nil, integer, text, list };
    Kind kind = Kind::nil;
    std::int64_t integer = 0;
    std::string text;
    std::vector<Reply> items;

    bool is_list() const { return kind == Kind::list; }
    bool is_text() const { return kind == Kind::text; }
    bool is_integer() const { return kind == Kind::integer; }
};

}  // namespace stoker::redis
