#pragma once

// Fns with their apps as invocations need them, by fn id: read from the datastore on a miss (one
// read for all who wait), dropped at once by a change through this process, and after `ttl` in any
// case, for changes made elsewhere. Bounded; the least recently used goes first. Any lane.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/async/latch.hpp"
#include "datastore/datastore.hpp"

namespace stoker {

/// An app or a function was made, changed or deleted. Must not block.
using CatalogChanged = std::function<void()>;

struct FnEntry {
    Fn fn;
    FnSpecRef spec;
};
using FnEntryRef = std::shared_ptr<const FnEntry>;

struct FnCacheLimits {
    Millis ttl{5'000};
    std::size_t entries_max = 10'000;
};

class FnCache {
public:
    FnCache(Datastore& store, FnCacheLimits limits) : store_(store), limits_(limits) {}

    /// fn_not_found, app_not_found or what the datastore says. Only good answers are kept.
    Task<Result<FnEntryRef>> get(std::string fn_id);

    void drop_fn(const std::string& fn_id);
    void drop_app(std::string_view app_id);

private:
    using Loaded = Latch<Result<FnEntryRef>>;
    class Leading;
    struct Slot {
        std::string fn_id;
        FnEntryRef entry;
        Deadline fresh_until;
    };

    FnEntryRef find(const std::string& fn_id);
    Task<Result<FnEntryRef>> load(std::string fn_id);
    void keep(const std::string& fn_id, const std::shared_ptr<Loaded>& loading, FnEntryRef entry);

    Datastore& store_;
    const FnCacheLimits limits_;
    std::mutex mutex_;
    std::list<Slot> recent_;  // the most recently used first
    std::unordered_map<std::string, std::list<Slot>::iterator> by_id_;
    /// A change drops the load under way too: whoever asks later gets a new one.
    std::unordered_map<std::string, std::shared_ptr<Loaded>> loading_;
};

}  // namespace stoker
