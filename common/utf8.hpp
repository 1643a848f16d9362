#pragma once

// Just enough UTF-8 to tell text from bytes and to look at its code points.

#include <optional>
#include <string_view>

namespace stoker {

/// Removes one code point from the front; empty when the bytes there are not UTF-8 (overlong forms
/// and surrogates are not).
std::optional<char32_t> take_code_point(std::string_view& text);
bool is_utf8(std::string_view text);
/// Letters and digits of every script.
bool is_letter_or_digit(char32_t c);

}  // namespace stoker
