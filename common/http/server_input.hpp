#pragma once

// The bytes a connection has received and not yet used: one block that grows from 4 KiB to its
// bound and shrinks again between requests.

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace stoker {

class InputBuffer {
public:
    explicit InputBuffer(std::size_t bytes_max) : bytes_max_(std::max(bytes_max, bytes_min)) {}

    std::string_view unread() const { return {block_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) { begin_ += bytes; }

    /// Room for more, at least one byte unless the unread bytes fill the bound. Moves what is
    /// unread.
    std::span<char> prepare(std::size_t bytes_wanted) {
        const auto kept = end_ - begin_;
        const auto needed = std::min(bytes_max_, std::max(bytes_min, kept + bytes_wanted));
        if (needed > capacity_) {
            const auto doubled = std::min(bytes_max_, std::max(needed, 2 * capacity_));
            auto larger = std::make_unique_for_overwrite<char[]>(doubled);
            if (kept > 0) std::memcpy(larger.get(), block_.get() + begin_, kept);
            block_ = std::move(larger);
            capacity_ = doubled;
        } else if (begin_ > 0 && kept > 0) {
            std::memmove(block_.get(), block_.get() + begin_, kept);
        }
        begin_ = 0;
        end_ = kept;
        return {block_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t bytes) { end_ += bytes; }

    /// Gives a large block back when nothing in it is needed.
    void shrink() {
        if (begin_ != end_ || capacity_ <= bytes_min) return;
        block_.reset();
        capacity_ = begin_ = end_ = 0;
    }

private:
    static constexpr std::size_t bytes_min = 4096;
    const std::size_t bytes_max_;
    std::unique_ptr<char[]> block_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace stoker
