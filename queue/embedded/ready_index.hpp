#pragma once

// What may be delivered and in which order: the higher priority first; within a priority the
// functions take turns; within a function first in, first out. Not thread-safe.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.hpp"
#include "queue/embedded/id_set.hpp"

namespace stoker {

constexpr std::size_t priorities_count = 3;

/// A waiting message in 24 bytes.
struct Ticket {
    IdBits id{};
    std::uint64_t put_at_ms : 48 = 0;
    std::uint64_t deliveries : 16 = 0;  ///< made so far
};

/// The messages of one function at one priority. It exists as long as it has any, waiting here or
/// held by somebody, so a pointer to it can stand for its name.
struct Line {
    std::string_view fn_id;  ///< the key in the index
    std::uint8_t priority = 0;
    std::uint64_t messages = 0;
    std::deque<Ticket> waiting;
};

class ReadyIndex {
public:
    struct Taken {
        Line* line;
        Ticket ticket;
    };

    /// A new message.
    void add(std::string_view fn_id, std::uint8_t priority, Ticket ticket);
    /// A message that comes back, before the others of its line.
    void put_back(Line& line, Ticket ticket);
    /// The next in order; it still counts as a message of its line.
    std::optional<Taken> take();
    /// The message taken is no more; the line may go with it.
    void forget(Line& line);

    std::uint64_t ready() const { return ready_; }
    std::uint64_t messages_of(std::string_view fn_id) const;

    /// Calls visit(line) for every line with waiting messages.
    template <class Visit>
    void for_each_waiting(Visit visit) const {
        for (const auto& ring : rings_) {
            for (const auto* line : ring) visit(*line);
        }
    }

private:
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Lines = std::unordered_map<std::string, Line, TextHash, std::equal_to<>>;

    Line& line_of(std::string_view fn_id, std::uint8_t priority);
    void join_ring(Line& line);

    std::array<Lines, priorities_count> lines_;
    /// Per priority the lines that have something waiting, next turn first.
    std::array<std::deque<Line*>, priorities_count> rings_;
    std::uint64_t ready_ = 0;
};

}  // namespace stoker
