#include "queue/embedded/ready_index.hpp"

#include <cassert>

namespace stoker {

void ReadyIndex::add(std::string_view fn_id, std::uint8_t priority, Ticket ticket) {
    auto& line = line_of(fn_id, priority);
    if (line.waiting.empty()) join_ring(line);
    line.waiting.push_back(ticket);
    ++line.messages;
    ++ready_;
}

void ReadyIndex::put_back(Line& line, Ticket ticket) {
    if (line.waiting.empty()) join_ring(line);
    line.waiting.push_front(ticket);
    ++ready_;
}

std::optional<ReadyIndex::Taken> ReadyIndex::take() {
    for (std::size_t priority = priorities_count; priority-- > 0;) {
        auto& ring = rings_.at(priority);
        if (ring.empty()) continue;
        auto* line = ring.front();
        ring.pop_front();
        const auto ticket = line->waiting.front();
        line->waiting.pop_front();
        if (!line->waiting.empty()) ring.push_back(line);
        --ready_;
        return Taken{line, ticket};
    }
    return std::nullopt;
}

void ReadyIndex::forget(Line& line) {
    assert(line.messages > 0);
    if (--line.messages > 0) return;
    auto& lines = lines_.at(line.priority);
    lines.erase(lines.find(line.fn_id));
}

std::uint64_t ReadyIndex::messages_of(std::string_view fn_id) const {
    std::uint64_t sum = 0;
    for (const auto& lines : lines_) {
        const auto found = lines.find(fn_id);
        if (found != lines.end()) sum += found->second.messages;
    }
    return sum;
}

Line& ReadyIndex::line_of(std::string_view fn_id, std::uint8_t priority) {
    auto& lines = lines_.at(priority);
    if (const auto found = lines.find(fn_id); found != lines.end()) return found->second;
    const auto made = lines.try_emplace(std::string(fn_id)).first;
    made->second.fn_id = made->first;
    made->second.priority = priority;
    return made->second;
}

void ReadyIndex::join_ring(Line& line) { rings_.at(line.priority).push_back(&line); }

}  // namespace stoker
