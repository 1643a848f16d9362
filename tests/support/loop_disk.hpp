#pragma once

// File systems in image files, mounted where only this process and its children see them: small
// disks that fill up, and disks whose image can be copied in the midst of things. Needs the right
// to mount; a test without it is skipped, with the reason:
//
//     REQUIRE_LOOP_DISKS;

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#define REQUIRE_LOOP_DISKS                                                  \
    if (const auto why = stoker::test::why_no_loop_disks(); !why.empty()) { \
        MESSAGE("skipped: ", why);                                          \
        return;                                                             \
    }

namespace stoker::test {

/// Gives the calling thread mounts of its own, which end with the process. Why not, if it cannot.
std::string why_no_loop_disks();

/// Makes a file system in a new file: `kind` is that of mkfs, with its options.
void make_image(const std::filesystem::path& image, std::uint64_t bytes, const std::string& kind);

/// Copies an image as it is at one moment; both must lie on a file system with reflinks.
void reflink(const std::filesystem::path& from, const std::filesystem::path& to);

/// An image, mounted for the life of this object.
class LoopDisk {
public:
    LoopDisk(const std::filesystem::path& image, std::filesystem::path folder);
    ~LoopDisk();
    LoopDisk(const LoopDisk&) = delete;
    LoopDisk& operator=(const LoopDisk&) = delete;

    const std::filesystem::path& folder() const { return folder_; }

private:
    const std::filesystem::path folder_;
};

}  // namespace stoker::test
