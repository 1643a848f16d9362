#pragma once

// A disk whose power can be cut at any moment: an ext4 image on an XFS file system with reflinks. A
// cut is a reflink copy of the image: what the disk held at that moment, and nothing of what the
// page cache still held. The copy is mounted in turn, and whatever kept its data there recovers.
// kill -9 tests none of this: the page cache survives it.
//
// It knows nothing of Stoker: any store that keeps its files in folder() can be cut.

#include <filesystem>
#include <optional>

#include "tests/support/loop_disk.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {

class PowerCutDisk {
public:
    PowerCutDisk() {
        // Servers may run as other users.
        std::filesystem::permissions(place_.path(), std::filesystem::perms(0711));
        make_image(place_.path() / "outer.img", std::uint64_t{2} << 30, "xfs -m reflink=1");
        outer_.emplace(place_.path() / "outer.img", place_.path() / "outer");
        make_image(image(), std::uint64_t{512} << 20, "ext4");
        inner_.emplace(image(), place_.path() / "inner");
    }

    const std::filesystem::path& folder() const { return inner_->folder(); }

    /// The image of the disk after a cut now.
    std::filesystem::path cut() {
        auto copy = outer_->folder() / ("cut-" + std::to_string(++cuts_) + ".img");
        reflink(image(), copy);
        return copy;
    }
    /// Mounts a cut; one at a time.
    LoopDisk mount(const std::filesystem::path& cut) { return {cut, place_.path() / "after"}; }

private:
    std::filesystem::path image() const { return outer_->folder() / "inner.img"; }

    TempDir place_;
    std::optional<LoopDisk> outer_;
    std::optional<LoopDisk> inner_;
    int cuts_ = 0;
};

}  // namespace stoker::test
