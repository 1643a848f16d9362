#include "queue/embedded/id_set.hpp"

#include <cstring>
#include <utility>

namespace stoker {

namespace {

constexpr std::size_t capacity_min = 8;

/// The table is picked by the low bits of the hash, the place in it by the high ones.
std::size_t home_of(std::uint64_t hash, std::size_t capacity) {
    return static_cast<std::size_t>(hash >> 32U) & (capacity - 1);
}

}  // namespace

bool IdSet::insert(const IdBits& id) {
    const auto wanted = slot_of(id);
    if (wanted == Slot{}) return false;
    auto& table = table_of(wanted);
    if (table.slots.empty()) table.slots.resize(capacity_min);
    auto at = find(table, wanted);
    if (table.slots[at] == wanted) return false;
    if (4 * (table.used + 1) > 3 * table.slots.size()) {
        resize(table, 2 * table.slots.size());
        at = find(table, wanted);
    }
    table.slots[at] = wanted;
    ++table.used;
    ++size_;
    return true;
}

bool IdSet::erase(const IdBits& id) {
    const auto wanted = slot_of(id);
    auto& table = table_of(wanted);
    if (wanted == Slot{} || table.slots.empty()) return false;
    const auto at = find(table, wanted);
    if (table.slots[at] != wanted) return false;
    close_gap(table, at);
    --table.used;
    --size_;
    if (table.used == 0) {
        table.slots = {};
    } else if (table.slots.size() > capacity_min && 8 * table.used < table.slots.size()) {
        resize(table, table.slots.size() / 2);
    }
    return true;
}

bool IdSet::contains(const IdBits& id) const {
    const auto wanted = slot_of(id);
    const auto& table = tables_[hash(wanted) % tables_count];
    return wanted != Slot{} && !table.slots.empty() && table.slots[find(table, wanted)] == wanted;
}

IdSet::Slot IdSet::slot_of(const IdBits& id) {
    Slot slot;
    std::memcpy(&slot.high, id.data(), sizeof slot.high);
    std::memcpy(&slot.low, id.data() + sizeof slot.high, sizeof slot.low);
    return slot;
}

std::uint64_t IdSet::hash(const Slot& slot) {
    // Ids differ in few bits (a counter, a clock): spread them over the whole word.
    auto mixed = slot.high * 0x9E3779B97F4A7C15ULL ^ slot.low;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBULL;
    return mixed ^ (mixed >> 31U);
}

/// Where it is, or the free slot where it would go.
std::size_t IdSet::find(const Table& table, const Slot& wanted) {
    const auto mask = table.slots.size() - 1;
    auto at = home_of(hash(wanted), table.slots.size());
    while (table.slots[at] != Slot{} && table.slots[at] != wanted) at = (at + 1) & mask;
    return at;
}

void IdSet::resize(Table& table, std::size_t capacity) {
    const auto old = std::exchange(table.slots, std::vector<Slot>(capacity));
    for (const auto& slot : old) {
        if (slot != Slot{}) table.slots[find(table, slot)] = slot;
    }
}

/// Moves back those that a now free slot had pushed on, so that no tombstones are needed.
void IdSet::close_gap(Table& table, std::size_t gap) {
    const auto mask = table.slots.size() - 1;
    for (auto at = (gap + 1) & mask; table.slots[at] != Slot{}; at = (at + 1) & mask) {
        const auto home = home_of(hash(table.slots[at]), table.slots.size());
        // It may move only if the gap lies between its home and where it is.
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        table.slots[gap] = table.slots[at];
        gap = at;
    }
    table.slots[gap] = Slot{};
}

}  // namespace stoker
