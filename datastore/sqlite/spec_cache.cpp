#include "datastore/sqlite/spec_cache.hpp"

#include "datastore/call_spec.hpp"

namespace stoker::sqlite {

namespace {

FnSpecRef make(CatalogReads& reads, const Call& call) {
    auto fn = reads.find_fn(call.fn_id);
    if (!fn) return nullptr;
    const auto app = reads.find_app(fn->app_id);
    if (!app) return nullptr;
    return spec_of(call, std::move(*fn), *app);
}

}  // namespace

FnSpecRef SpecCache::get(CatalogReads& reads, const Call& call, std::uint64_t version) {
    auto key = spec_key(call);
    {
        const std::scoped_lock lock(mutex_);
        if (version_ < version || specs_.size() >= specs_max) {
            specs_.clear();
            version_ = version;
        }
        if (const auto found = specs_.find(key); found != specs_.end()) return found->second;
    }
    auto spec = make(reads, call);
    const std::scoped_lock lock(mutex_);
    // A newer version may have cleared the cache meanwhile: what was read before must not enter it.
    if (spec && version_ == version) specs_.insert_or_assign(std::move(key), spec);
    return spec;
}

}  // namespace stoker::sqlite
