#pragma once

// The right to use a data folder, held by one process for as long as this object lives. The kernel
// drops it when the process ends in whatever way, so a crash leaves nothing to clean up.

#include <filesystem>

#include "model/error.hpp"

namespace stoker {

class FolderLock {
public:
    /// Makes the folder (0700) and locks it; says which folder when another process has it.
    static Result<FolderLock> take(const std::filesystem::path& folder);

    FolderLock(FolderLock&& other) noexcept;
    FolderLock& operator=(FolderLock&&) = delete;
    ~FolderLock();

private:
    explicit FolderLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace stoker
