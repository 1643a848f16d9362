#include "datastore/sqlite/spec_cache.hpp"

#include <fmt/format.h>

namespace stoker::sqlite {

namespace {

std::string key_of(const Call& call) {
    return fmt::format(
        "{}/{}/{}/{}/{}/{}/{}/{}",
        call.fn_id,
        to_word(call.format),
        call.memory,
        call.cpus,
        call.tmpfs_size,
        call.timeout,
        call.idle_timeout,
        call.image
    );
}

/// Image and limits are the call's, the configuration is today's.
FnSpecRef make(CatalogReads& reads, const Call& call) {
    auto fn = reads.find_fn(call.fn_id);
    if (!fn) return nullptr;
    const auto app = reads.find_app(fn->app_id);
    if (!app) return nullptr;
    fn->image = call.image;
    fn->format = call.format;
    fn->memory = call.memory;
    fn->cpus = call.cpus;
    fn->tmpfs_size = call.tmpfs_size;
    fn->timeout = call.timeout;
    fn->idle_timeout = call.idle_timeout;
    return make_fn_spec(*app, *fn);
}

}  // namespace

FnSpecRef SpecCache::get(CatalogReads& reads, const Call& call, std::uint64_t version) {
    auto key = key_of(call);
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
