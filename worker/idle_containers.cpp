#include "worker/idle_containers.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace stoker {

void IdleContainers::add(const ContainerRef& container, List& from, Time now) {
    auto& queue = by_timeout_[container->fn->idle_timeout_s];
    queue.all.splice(queue.all.end(), from, container->place);
    if (queue.next_frozen == queue.all.end()) queue.next_frozen = container->place;
    skip_frozen(queue);
    container->idle = true;
    container->idle_since = now;
    ++size_;
    if (container->rest == Rest::frozen) ++frozen_;
    mb_ += container->memory.mb();
}

void IdleContainers::remove(const ContainerRef& container, List& to) {
    auto& queue = by_timeout_[container->fn->idle_timeout_s];
    if (queue.next_frozen == container->place) {
        ++queue.next_frozen;
        skip_frozen(queue);
    }
    to.splice(to.end(), queue.all, container->place);
    container->idle = false;
    --size_;
    if (container->rest == Rest::frozen) --frozen_;
    mb_ -= container->memory.mb();
}

void IdleContainers::skip_frozen(Queue& queue) {
    while (queue.next_frozen != queue.all.end() && (*queue.next_frozen)->rest != Rest::awake) {
        ++queue.next_frozen;
    }
}

ContainerRef IdleContainers::take_freezable(Time now) {
    if (freeze_after_ <= Millis::zero()) return nullptr;
    Queue* first = nullptr;
    for (auto& [timeout, queue] : by_timeout_) {
        if (queue.next_frozen == queue.all.end()) continue;
        const bool is_older =
            !first || (*queue.next_frozen)->idle_since < (*first->next_frozen)->idle_since;
        if (is_older) first = &queue;
    }
    if (!first || freeze_due(**first->next_frozen) > now) return nullptr;
    auto container = *first->next_frozen;
    container->rest = Rest::freezing;
    skip_frozen(*first);
    return container;
}

void IdleContainers::all_awake() {
    for (auto& [timeout, queue] : by_timeout_) {
        for (const auto& container : queue.all) {
            if (container->rest == Rest::frozen) container->rest = Rest::awake;
        }
        queue.next_frozen = queue.all.begin();
        skip_frozen(queue);
    }
    frozen_ = 0;
}

void IdleContainers::froze(const ContainerRef& container, bool frozen) {
    container->rest = frozen ? Rest::frozen : Rest::awake;
    if (frozen && container->idle) ++frozen_;
}

IdleContainers::Time IdleContainers::expiry(const Container& container) {
    return container.idle_since + std::chrono::seconds(container.fn->idle_timeout_s);
}

ContainerRef IdleContainers::expired(Time now) const {
    for (const auto& [timeout, queue] : by_timeout_) {
        if (!queue.all.empty() && expiry(*queue.all.front()) <= now) return queue.all.front();
    }
    return nullptr;
}

IdleContainers::Time IdleContainers::first_due(const Container& container) const {
    const auto expires = expiry(container);
    const bool freezes = freeze_after_ > Millis::zero() && container.rest == Rest::awake;
    return freezes ? std::min(expires, freeze_due(container)) : expires;
}

IdleContainers::Time IdleContainers::next_due(bool can_freeze) const {
    can_freeze = can_freeze && freeze_after_ > Millis::zero();
    auto next = Time::max();
    for (const auto& [timeout, queue] : by_timeout_) {
        if (queue.all.empty()) continue;
        next = std::min(next, expiry(*queue.all.front()));
        if (!can_freeze || queue.next_frozen == queue.all.end()) continue;
        next = std::min(next, freeze_due(**queue.next_frozen));
    }
    return next;
}

void IdleContainers::oldest_first(const std::function<bool(const ContainerRef&)>& visit) const {
    using Range = std::pair<List::const_iterator, List::const_iterator>;
    std::vector<Range> ranges;
    for (const auto& [timeout, queue] : by_timeout_) {
        if (!queue.all.empty()) ranges.emplace_back(queue.all.begin(), queue.all.end());
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
