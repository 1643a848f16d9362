#pragma once

// The bytes a connection has received and not yet used: one block that grows from 4 KiB to its
// bound and shrinks again between requests.

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace stoker {

class InputBuffer {
public:
    explicit InputBuffer(std::size_t bytes_max) : bytes_max_(std::max(bytes_max, bytes_min)) {}

    std::string_view unread() const { return {block_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) { begin_ += bytes; }

    /// Room for more, at least one byte unless the unread bytes fill the bound. Moves what is
    /// unread.
    std::span<char> prepare(std::size_t bytes_wanted) {
        const auto kept = end_ - begin_;
        if (begin_ > 0 && kept > 0) std::memmove(block_.data(), block_.data() + begin_, kept);
        begin_ = 0;
        end_ = kept;
        const auto needed = std::min(bytes_max_, std::max(bytes_min, kept + bytes_wanted));
        if (needed > block_.size()) {
            block_.resize(std::min(bytes_max_, std::max(needed, 2 * block_.size())));
        }
        return std::span(block_).subspan(end_);
    }
    void commit(std::size_t bytes) { end_ += bytes; }

    /// Gives a large block back when nothing in it is needed.
    void shrink() {
        if (begin_ != end_ || block_.size() <= bytes_min) return;
        block_ = {};
        begin_ = end_ = 0;
    }

private:
    static constexpr std::size_t bytes_min = 4096;
    const std::size_t bytes_max_;
    std::vector<char> block_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace stoker
