#include "worker/idle_containers.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace stoker {

void IdleContainers::add(const ContainerRef& container, List& from, Time now) {
    auto& list = by_timeout_[container->fn->idle_timeout_s];
    list.splice(list.end(), from, container->place);
    container->idle = true;
    container->idle_since = now;
    ++size_;
    mb_ += container->memory.mb();
}

void IdleContainers::remove(const ContainerRef& container, List& to) {
    auto& list = by_timeout_[container->fn->idle_timeout_s];
    to.splice(to.end(), list, container->place);
    container->idle = false;
    --size_;
    mb_ -= container->memory.mb();
}

IdleContainers::Time IdleContainers::expiry(const Container& container) {
    return container.idle_since + std::chrono::seconds(container.fn->idle_timeout_s);
}

ContainerRef IdleContainers::expired(Time now) const {
    for (const auto& [timeout, list] : by_timeout_) {
        if (!list.empty() && expiry(*list.front()) <= now) return list.front();
    }
    return nullptr;
}

IdleContainers::Time IdleContainers::next_expiry() const {
    auto next = Time::max();
    for (const auto& [timeout, list] : by_timeout_) {
        if (!list.empty()) next = std::min(next, expiry(*list.front()));
    }
    return next;
}

void IdleContainers::oldest_first(const std::function<bool(const ContainerRef&)>& visit) const {
    using Range = std::pair<List::const_iterator, List::const_iterator>;
    std::vector<Range> ranges;
    for (const auto& [timeout, list] : by_timeout_) {
        if (!list.empty()) ranges.emplace_back(list.begin(), list.end());
    }
    const auto older = [](const Range& a, const Range& b) {
        return (*a.first)->idle_since < (*b.first)->idle_since;
    };
    while (!ranges.empty()) {
        const auto oldest = std::ranges::min_element(ranges, older);
        if (!visit(*oldest->first)) return;
        if (++oldest->first == oldest->second) ranges.erase(oldest);
    }
}

}  // namespace stoker
