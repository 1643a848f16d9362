#include "worker/containers/cgroup/cgroup_text.hpp"

#include <charconv>

namespace stoker {

namespace {

template <class Number>
Number leading_number(std::string_view text) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// Takes the next word off the front.
std::string_view take_word(std::string_view& text) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return text = {};
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

}  // namespace

std::int64_t number_after(std::string_view text, std::string_view key) {
    const auto at = text.find(key);
    if (at == std::string_view::npos) return 0;
    return leading_number<std::int64_t>(text.substr(at + key.size()));
}

std::uint64_t sum_after(std::string_view text, std::string_view key) {
    std::uint64_t sum = 0;
    for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at)) {
        at += key.size();
        sum += leading_number<std::uint64_t>(text.substr(at));
    }
    return sum;
}

Traffic traffic_of(std::string_view net_dev) {
    constexpr std::size_t received_at = 0;
    constexpr std::size_t sent_at = 8;
    Traffic traffic;
    // Two lines of titles, then "<name>: <received bytes> … <sent bytes> …".
    while (!net_dev.empty()) {
        const auto end = net_dev.find('\n');
        auto line = net_dev.substr(0, end);
        net_dev.remove_prefix(end == std::string_view::npos ? net_dev.size() : end + 1);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        auto name = line.substr(0, colon);
        if (take_word(name) == "lo") continue;
        line.remove_prefix(colon + 1);
        for (std::size_t i = 0; i <= sent_at; ++i) {
            const auto bytes = leading_number<std::uint64_t>(take_word(line));
            if (i == received_at) traffic.received += bytes;
            if (i == sent_at) traffic.sent += bytes;
        }
    }
    return traffic;
}

}  // namespace stoker
