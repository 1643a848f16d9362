#include "worker/engine_watch.hpp"

#include "common/log.hpp"

namespace stoker {

EngineWatch::EngineWatch(ContainerDriver& driver, Hooks hooks) :
    EngineWatch(driver, std::move(hooks), Times{}) {}

EngineWatch::EngineWatch(ContainerDriver& driver, Hooks hooks, Times times) :
    driver_(driver),
    hooks_(std::move(hooks)),
    times_(times) {}

Task<> EngineWatch::run() {
    for (int asks = 1;; ++asks) {
        co_await stopped_.wait(deadline_in(times_.between));
        if (stopped_.is_set()) co_return;
        const auto answer = co_await driver_.ping(deadline_in(times_.patience));
        if (stopped_.is_set()) co_return;
        if (!answer) {
            not_reached();
            continue;
        }
        const bool was_up = reached();
        if (!was_up || asks % times_.asks_per_tidy == 0) co_await hooks_.tidy();
    }
}

bool EngineWatch::reached() {
    const std::scoped_lock lock(mutex_);
    const bool was_up = up_.exchange(true);
    if (was_up) return true;
    log::info("engine.back", {});
    hooks_.back();
    return false;
}

void EngineWatch::not_reached() {
    const std::scoped_lock lock(mutex_);
    if (up_.exchange(false)) {
        log::warn("engine.lost", {{"hint", "calls are accepted and wait for it"}});
    }
    hooks_.lost();
}

}  // namespace stoker
