#pragma once

// The FnSpecs of claimed calls: made once for an fn and the limits frozen into its calls, shared,
// and dropped when any app or fn changes. Thread-safe. Private to datastore/sqlite.

#include <mutex>
#include <string>
#include <unordered_map>

#include "datastore/sqlite/catalog_reads.hpp"
#include "model/call.hpp"
#include "model/fn_spec.hpp"

namespace stoker::sqlite {

class SpecCache {
public:
    /// `version` is the catalog's, read before `reads` looks at it. Null when app or fn is gone.
    FnSpecRef get(CatalogReads& reads, const Call& call, std::uint64_t version);

private:
    static constexpr std::size_t specs_max = 4096;

    std::mutex mutex_;
    std::uint64_t version_ = 0;
    std::unordered_map<std::string, FnSpecRef> specs_;
};

}  // namespace stoker::sqlite
