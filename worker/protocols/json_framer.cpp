#include "worker/protocols/json_framer.hpp"

#include <algorithm>

namespace stoker {

bool is_json_within_depth(std::string_view text) {
    JsonScanner scanner;
    return std::ranges::all_of(text, [&](char c) { return scanner.take(c) <= json_depth_max; });
}

JsonFramer::State JsonFramer::take(std::string_view bytes) {
    if (object_.empty()) {
        const auto begin = std::ranges::find_if_not(bytes, is_json_space);
        bytes.remove_prefix(static_cast<std::size_t>(begin - bytes.begin()));
        if (bytes.empty()) return State::more;
        if (bytes.front() != '{') return State::no_object;
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        const auto depth = scanner_.take(bytes[at]);
        if (depth > json_depth_max) return State::too_deep;
        if (depth > 0) continue;
        if (object_.size() + at + 1 > bytes_max_) return State::too_large;
        object_ += bytes.substr(0, at + 1);
        has_excess_ = !std::ranges::all_of(bytes.substr(at + 1), is_json_space);
        return State::complete;
    }
    if (object_.size() + bytes.size() > bytes_max_) return State::too_large;
    object_ += bytes;
    return State::more;
}

}  // namespace stoker
