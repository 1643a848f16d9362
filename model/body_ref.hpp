#pragma once

// A request or response body: inline bytes, or a reference to a blob that is stored (and synced)
// before the row that names it.

#include <cstddef>
#include <cstdint>
#include <string>

namespace stoker {

struct BodyRef {
    std::string bytes;       ///< the body itself, unless it is in a blob
    std::string blob;        ///< id of the blob, empty when inline
    std::uint64_t size = 0;  ///< of the body, wherever it is

    bool is_inline() const { return blob.empty(); }
    static BodyRef of(std::string bytes) {
        const auto size = bytes.size();
        return {std::move(bytes), {}, size};
    }
    bool operator==(const BodyRef&) const = default;
};

}  // namespace stoker
