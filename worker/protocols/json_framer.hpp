#pragma once

// Cuts one JSON object out of a stream of bytes: finds where it ends, by braces and strings alone,
// without waiting for a line break that may never come. What is inside is for a parser to judge.
// No I/O; bounded in size and depth.

#include <cstdint>
#include <string>
#include <string_view>

namespace stoker {

/// Follows the nesting of JSON text, whether valid or not.
class JsonScanner {
public:
    /// Takes one byte; the depth after it.
    std::size_t take(char c) {
        if (in_string_) {
            if (escaped_) {
                escaped_ = false;
            } else if (c == '\\') {
                escaped_ = true;
            } else if (c == '"') {
                in_string_ = false;
            }
        } else if (c == '"') {
            in_string_ = true;
        } else if (c == '{' || c == '[') {
            ++depth_;
        } else if ((c == '}' || c == ']') && depth_ > 0) {
            --depth_;
        }
        return depth_;
    }
    bool in_string() const { return in_string_; }

private:
    std::size_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
};

constexpr bool is_json_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Deeper values are refused: writing one out again takes stack for every level.
constexpr std::size_t json_depth_max = 256;
bool is_json_within_depth(std::string_view text);

class JsonFramer {
public:
    enum class State : std::uint8_t {
        more,      ///< the object has not ended
        complete,  ///< object() and has_excess() say what came
        no_object,
        too_deep,
        too_large,
    };

    explicit JsonFramer(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    /// Takes the next bytes. After anything but `more`, no further ones.
    State take(std::string_view bytes);

    std::string_view object() const { return object_; }
    /// More than white space followed the object.
    bool has_excess() const { return has_excess_; }

private:
    const std::uint64_t bytes_max_;
    JsonScanner scanner_;
    std::string object_;
    bool has_excess_ = false;
};

}  // namespace stoker
