#pragma once

// Memory as the ticket for running: a container holds a token from before its start until it is
// removed. All amounts are MB. Thread-safe; locked for microseconds.

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace stoker {

class MemoryTokens {
public:
    /// Gives its memory back when destroyed.
    class Token {
    public:
        Token() = default;
        Token(Token&& other) noexcept :
            owner_(std::exchange(other.owner_, nullptr)),
            mb_(std::exchange(other.mb_, 0)) {}
        Token& operator=(Token&& other) noexcept {
            if (this != &other) {
                give_back();
                owner_ = std::exchange(other.owner_, nullptr);
                mb_ = std::exchange(other.mb_, 0);
            }
            return *this;
        }
        ~Token() { give_back(); }
        std::int64_t mb() const { return mb_; }

    private:
        friend class MemoryTokens;
        Token(MemoryTokens* owner, std::int64_t mb) : owner_(owner), mb_(mb) {}
        void give_back() {
            if (owner_) std::exchange(owner_, nullptr)->add(std::exchange(mb_, 0));
        }
        MemoryTokens* owner_ = nullptr;
        std::int64_t mb_ = 0;
    };

    explicit MemoryTokens(std::int64_t total_mb) : total_mb_(total_mb) {}

    std::optional<Token> try_take(std::int64_t mb) {
        const std::scoped_lock lock(mutex_);
        if (mb > total_mb_ - used_mb_) return std::nullopt;
        used_mb_ += mb;
        return Token(this, mb);
    }

    bool can_ever_fit(std::int64_t mb) const { return mb <= total_mb_; }
    std::int64_t total_mb() const { return total_mb_; }
    std::int64_t used_mb() const {
        const std::scoped_lock lock(mutex_);
        return used_mb_;
    }
    std::int64_t free_mb() const { return total_mb_ - used_mb(); }

private:
    void add(std::int64_t mb) {
        const std::scoped_lock lock(mutex_);
        used_mb_ -= mb;
    }

    const std::int64_t total_mb_;
    mutable std::mutex mutex_;
    std::int64_t used_mb_ = 0;
};

/// How many calls to pull now (the half-RAM gate). Open while the memory of busy and starting
/// containers is at most half of the total: then at least one call, and as many as the free half
/// holds of the smallest functions. Signed on purpose: an unsigned difference never closes.
std::uint32_t pull_credit(
    std::int64_t total_mb, std::int64_t used_mb, std::int64_t smallest_mb, std::uint32_t pull_max
);

}  // namespace stoker
