#pragma once

// Spreads containers over the networks they may join: each takes the one that the fewest of this
// worker's containers are in. Thread-safe; outlives its leases.

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace stoker {

class Networks {
public:
    /// A container's place in a network, given back when destroyed.
    class Lease {
    public:
        Lease() = default;
        Lease(Lease&& other) noexcept :
            owner_(std::exchange(other.owner_, nullptr)),
            index_(other.index_) {}
        Lease& operator=(Lease&& other) noexcept {
            if (this == &other) return *this;
            leave();
            owner_ = std::exchange(other.owner_, nullptr);
            index_ = other.index_;
            return *this;
        }
        ~Lease() { leave(); }
        /// Empty: the engine's default.
        std::string name() const { return owner_ ? owner_->networks_[index_].name : std::string(); }

    private:
        friend class Networks;
        Lease(Networks* owner, std::size_t index) : owner_(owner), index_(index) {}
        void leave() {
            if (owner_) std::exchange(owner_, nullptr)->leave(index_);
        }
        Networks* owner_ = nullptr;
        std::size_t index_ = 0;
    };

    explicit Networks(const std::vector<std::string>& names) {
        for (const auto& name : names) networks_.push_back({name, 0});
    }

    /// Of equally used ones the first.
    Lease join() {
        const std::scoped_lock lock(mutex_);
        if (networks_.empty()) return {};
        std::size_t least = 0;
        for (std::size_t i = 1; i < networks_.size(); ++i) {
            if (networks_[i].containers < networks_[least].containers) least = i;
        }
        ++networks_[least].containers;
        return {this, least};
    }

private:
    struct Network {
        std::string name;
        std::size_t containers = 0;
    };
    void leave(std::size_t index) {
        const std::scoped_lock lock(mutex_);
        --networks_[index].containers;
    }

    std::mutex mutex_;
    std::vector<Network> networks_;  // their names never change
};

}  // namespace stoker
