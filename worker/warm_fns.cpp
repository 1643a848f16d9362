#include "worker/warm_fns.hpp"

#include <set>

#include "common/log.hpp"

namespace stoker {

namespace {

constexpr std::chrono::seconds refresh_interval{10};

}  // namespace

Task<> WarmFns::keep() {
    const auto lane = co_await asio::this_coro::executor;
    while (!stopped_) {
        co_await refresh();
        OneShot<bool> woken(lane);
        {
            const std::scoped_lock lock(mutex_);
            if (std::exchange(changed_, false)) continue;
            wake_ = woken;
        }
        co_await woken.wait(deadline_in(refresh_interval));
        const std::scoped_lock lock(mutex_);
        wake_.reset();
        changed_ = false;
    }
}

Task<> WarmFns::refresh() {
    auto fns = co_await store_.list_warm_fns();
    if (!fns) {
        log::warn("warm_fns.unknown", {{"why", fns.error().text()}});
        co_return;
    }
    std::set<std::string> listed;
    for (auto& fn : *fns) {
        listed.insert(fn->fn_id);
        // Also what it knows already: a call of an older revision may have taken its place.
        slots_.keep_warm(std::move(fn));
    }
    // The others were changed or deleted; also since they were forgotten, a call of before that may
    // have warmed them again.
    for (const auto& fn_id : slots_.warm_fns()) {
        if (!listed.contains(fn_id)) slots_.forget_warm(fn_id);
    }
}

void WarmFns::changed() {
    const std::scoped_lock lock(mutex_);
    changed_ = true;
    if (wake_) std::exchange(wake_, std::nullopt)->set(true);
}

void WarmFns::stop() {
    stopped_ = true;
    changed();
}

}  // namespace stoker
