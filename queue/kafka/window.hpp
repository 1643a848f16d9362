#pragma once

// The messages of one partition that were fetched and are not all settled: where the watermark is,
// the offset before which everything is done, which is what may be committed. Offsets come in
// order, with gaps where the log has some. A value, no thread of its own.

#include <algorithm>
#include <compare>
#include <cstdint>
#include <deque>
#include <utility>

namespace stoker::kafka {

struct Partition {
    std::uint8_t priority = 0;  ///< says which topic
    std::int32_t number = 0;

    auto operator<=>(const Partition&) const = default;
};

class Window {
public:
    /// Whether this offset follows those that came. If not, the log has begun anew.
    bool follows(std::int64_t offset) const { return offset >= next_; }

    void fetched(std::int64_t offset) {
        if (entries_.empty()) watermark_ = offset;
        entries_.push_back({offset});
        next_ = offset + 1;
    }

    /// Of one that was fetched; again is nothing new.
    void done(std::int64_t offset) {
        const auto at = std::ranges::lower_bound(entries_, offset, {}, &Entry::offset);
        if (at == entries_.end() || at->offset != offset || std::exchange(at->is_done, true))
            return;
        ++done_above_;
        while (!entries_.empty() && entries_.front().is_done) {
            entries_.pop_front();
            --done_above_;
        }
        watermark_ = entries_.empty() ? next_ : entries_.front().offset;
    }

    bool has_begun() const { return next_ > 0; }
    std::int64_t watermark() const { return watermark_; }
    /// Above the watermark: fetched, and of those done.
    std::size_t size() const { return entries_.size(); }
    std::int64_t done_above() const { return done_above_; }

private:
    struct Entry {
        std::int64_t offset;
        bool is_done = false;
    };
    std::deque<Entry> entries_;
    std::int64_t next_ = 0;
    std::int64_t watermark_ = 0;
    std::int64_t done_above_ = 0;
};

}  // namespace stoker::kafka
