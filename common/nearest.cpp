#include "common/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace stoker {

namespace {

/// Insertions, deletions and substitutions between the two (Levenshtein).
std::size_t edits_between(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto substituted = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string nearest_word(std::string_view typed, std::span<const std::string> known) {
    constexpr std::size_t typed_chars_max = 64;
    if (typed.size() > typed_chars_max) return {};
    // One slip in a short word, up to three in a long one.
    auto best = std::min<std::size_t>(3, 1 + typed.size() / 4) + 1;
    std::string nearest;
    for (const auto& word : known) {
        const auto edits = edits_between(typed, word);
        if (edits < best) {
            best = edits;
            nearest = word;
        }
    }
    return nearest;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string> known) {
    const auto nearest = nearest_word(typed, known);
    return nearest.empty() ? std::string{} : " (did you mean " + nearest + "?)";
}

}  // namespace stoker
