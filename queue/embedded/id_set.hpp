#pragma once

// A set of call ids in about 30 bytes each. Open addressing over many small tables: growing moves
// one table of the 1,024, so that no insert stops the queue for the rehash of a million ids.
// Not thread-safe.

#include <array>
#include <cstdint>
#include <vector>

namespace stoker {

/// A decoded id (model/id.hpp).
using IdBits = std::array<std::uint8_t, 16>;

class IdSet {
public:
    /// False when it is there already. The id of 128 zero bits is not storable: false as well.
    bool insert(const IdBits& id);
    bool erase(const IdBits& id);
    bool contains(const IdBits& id) const;
    std::size_t size() const { return size_; }

private:
    struct Slot {
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        bool operator==(const Slot&) const = default;
    };
    /// A power of two of slots, at most 3/4 used; the empty Slot marks a free one.
    struct Table {
        std::vector<Slot> slots;
        std::size_t used = 0;
    };
    static constexpr std::size_t tables_count = 1024;

    static Slot slot_of(const IdBits& id);
    static std::uint64_t hash(const Slot& slot);
    static std::size_t find(const Table& table, const Slot& wanted);
    static void resize(Table& table, std::size_t capacity);
    static void close_gap(Table& table, std::size_t gap);
    Table& table_of(const Slot& slot) { return tables_[hash(slot) % tables_count]; }

    std::vector<Table> tables_ = std::vector<Table>(tables_count);
    std::size_t size_ = 0;
};

}  // namespace stoker
