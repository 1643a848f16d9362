#include "worker/idle_containers.hpp"

#include <algorithm>

namespace stoker {

void IdleContainers::add(const ContainerRef& container, Time now) {
    auto& place = container->idle_place.emplace();
    container->idle_since = now;
    place.order = order_.insert(order_.end(), container);
    place.expiry =
        expiry_.emplace(now + std::chrono::seconds(container->fn->idle_timeout_s), container);
    if (freeze_after_ > Millis::zero()) place.awake = awake_.insert(awake_.end(), container);
    mb_ += container->memory.mb();
}

void IdleContainers::remove(const ContainerRef& container) {
    const auto place = *container->idle_place;
    container->idle_place.reset();
    order_.erase(place.order);
    expiry_.erase(place.expiry);
    if (place.awake) awake_.erase(*place.awake);
    if (container->rest == Rest::frozen) --frozen_;
    mb_ -= container->memory.mb();
}

ContainerRef IdleContainers::take_freezable(Time now) {
    if (awake_.empty()) return nullptr;
    auto container = awake_.front();
    if (container->idle_since + freeze_after_ > now) return nullptr;
    awake_.pop_front();
    container->idle_place->awake.reset();
    container->rest = Rest::freezing;
    return container;
}

void IdleContainers::froze(const ContainerRef& container, bool frozen) {
    container->rest = frozen ? Rest::frozen : Rest::awake;
    if (frozen && container->idle_place) ++frozen_;
}

ContainerRef IdleContainers::expired(Time now) const {
    if (expiry_.empty() || expiry_.begin()->first > now) return nullptr;
    return expiry_.begin()->second;
}

IdleContainers::Time IdleContainers::next_due(bool freezing) const {
    auto due = expiry_.empty() ? Time::max() : expiry_.begin()->first;
    if (freezing && !awake_.empty()) {
        due = std::min(due, awake_.front()->idle_since + freeze_after_);
    }
    return due;
}

}  // namespace stoker
