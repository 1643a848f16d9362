#include "api/fn_cache.hpp"

namespace stoker {

namespace {

/// Two reads, each of which ends by itself.
constexpr Millis load_wait_max{12'000};

}  // namespace

/// The one load that others wait for: however it ends, they hear of it and it is not waited for
/// again.
class FnCache::Leading {
public:
    Leading(FnCache& cache, std::string fn_id, std::shared_ptr<Loaded> loading) :
        cache_(cache),
        fn_id_(std::move(fn_id)),
        loading_(std::move(loading)) {}
    Leading(const Leading&) = delete;
    Leading& operator=(const Leading&) = delete;
    ~Leading() {
        cache_.keep(fn_id_, loading_, outcome.value_or(nullptr));
        loading_->set(outcome);
    }

    Result<FnEntryRef> outcome = fail(Errc::internal);

private:
    FnCache& cache_;
    const std::string fn_id_;
    const std::shared_ptr<Loaded> loading_;
};

Task<Result<FnEntryRef>> FnCache::get(std::string fn_id) {
    if (auto entry = find(fn_id)) co_return entry;
    std::shared_ptr<Loaded> loading;
    bool leads = false;
    {
        const std::scoped_lock lock(mutex_);
        auto& slot = loading_[fn_id];
        leads = !slot;
        if (leads) slot = std::make_shared<Loaded>();
        loading = slot;
    }
    if (!leads) {
        auto loaded = co_await loading->wait(deadline_in(load_wait_max));
        if (!loaded) co_return fail(Errc::store_unavailable);
        co_return *loaded;
    }
    Leading leading(*this, fn_id, loading);
    leading.outcome = co_await load(std::move(fn_id));
    co_return leading.outcome;
}

FnEntryRef FnCache::find(const std::string& fn_id) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_id_.find(fn_id);
    if (found == by_id_.end()) return nullptr;
    if (has_passed(found->second->fresh_until)) {
        recent_.erase(found->second);
        by_id_.erase(found);
        return nullptr;
    }
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->entry;
}

Task<Result<FnEntryRef>> FnCache::load(std::string fn_id) {
    auto fn = co_await store_.get_fn(std::move(fn_id));
    if (!fn) co_return fail(std::move(fn.error()));
    const auto app = co_await store_.get_app(fn->app_id);
    if (!app) co_return fail(app.error());
    auto spec = make_fn_spec(*app, *fn);
    co_return std::make_shared<const FnEntry>(FnEntry{std::move(*fn), std::move(spec)});
}

void FnCache::keep(
    const std::string& fn_id, const std::shared_ptr<Loaded>& loading, FnEntryRef entry
) {
    const std::scoped_lock lock(mutex_);
    const auto mine = loading_.find(fn_id);
    // Changed while it was read: the callers that waited get it, the cache does not.
    if (mine == loading_.end() || mine->second != loading) return;
    loading_.erase(mine);
    if (!entry) return;
    if (const auto old = by_id_.find(fn_id); old != by_id_.end()) recent_.erase(old->second);
    recent_.push_front({fn_id, std::move(entry), deadline_in(limits_.ttl)});
    by_id_[fn_id] = recent_.begin();
    if (by_id_.size() > limits_.entries_max) {
        by_id_.erase(recent_.back().fn_id);
        recent_.pop_back();
    }
}

void FnCache::drop_fn(const std::string& fn_id) {
    const std::scoped_lock lock(mutex_);
    loading_.erase(fn_id);
    const auto found = by_id_.find(fn_id);
    if (found == by_id_.end()) return;
    recent_.erase(found->second);
    by_id_.erase(found);
}

void FnCache::drop_app(std::string_view app_id) {
    const std::scoped_lock lock(mutex_);
    loading_.clear();  // it is not known yet whose fns they are
    std::erase_if(recent_, [&](const Slot& slot) {
        if (slot.entry->fn.app_id != app_id) return false;
        by_id_.erase(slot.fn_id);
        return true;
    });
}

}  // namespace stoker
