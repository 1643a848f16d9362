#pragma once

// Large bodies as files of one folder. A blob is whole and on disk when put() returns, so a row may
// name it; writing the same name again replaces it, which makes a repeated accept harmless. Every
// method blocks on the disk: call it on a thread that may. Thread-safe, as long as one name has one
// writer at a time.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "model/error.hpp"

namespace stoker {

class BlobStore {
public:
    /// The folder is made when the first blob is put.
    explicit BlobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Names are of letters, digits, '-' and '.', and do not start with a dot.
    Result<void> put(const std::string& name, std::string_view bytes) const;
    /// Errc::internal when there is no such blob: a row named it.
    Result<std::string> get(const std::string& name) const;
    /// Nothing happens when there is none.
    void remove(const std::string& name) const;

    /// Removes the blobs and the unfinished writes of blobs that `is_needed` does not want. How
    /// many. Age plays no part: clocks jump.
    std::size_t collect(const std::function<bool(std::string_view name)>& is_needed) const;

private:
    std::filesystem::path folder_;
};

}  // namespace stoker
