#include "tests/support/loop_disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "common/unique_fd.hpp"

namespace stoker::test {

namespace {

void run_command(const std::string& command) {
    const int code = std::system(command.c_str());
    if (code != 0) throw std::runtime_error(fmt::format("{}: exit status {}", command, code));
}

bool has_command(const std::string& name) {
    return std::system(("command -v " + name + " >/dev/null").c_str()) == 0;
}

}  // namespace

std::string why_no_loop_disks() {
    for (const auto* name : {"mount", "mkfs.ext4", "mkfs.xfs"}) {
        if (!has_command(name)) return fmt::format("no {} (scripts/setup installs it)", name);
    }
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) return "no loop devices here";
    if (::unshare(CLONE_NEWNS) != 0) {
        return fmt::format("mounts are not allowed: {}", std::strerror(errno));
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return fmt::format("mounts cannot be private: {}", std::strerror(errno));
    }
    return {};
}

void make_image(const std::filesystem::path& image, std::uint64_t bytes, const std::string& kind) {
    const UniqueFd fd(::open(image.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
        throw std::runtime_error("cannot make " + image.string());
    }
    run_command(fmt::format("mkfs.{} -q {}", kind, image.string()));
}

void reflink(const std::filesystem::path& from, const std::filesystem::path& to) {
    const UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd copy(::open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (::ioctl(copy.get(), FICLONE, source.get()) != 0) {
        throw std::runtime_error(fmt::format("reflink {}: {}", to.string(), std::strerror(errno)));
    }
}

LoopDisk::LoopDisk(const std::filesystem::path& image, std::filesystem::path folder) :
    folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    run_command(fmt::format("mount -o loop {} {}", image.string(), folder_.string()));
}

LoopDisk::~LoopDisk() {
    // Lazily: a process that was just killed may still hold a file.
    ::umount2(folder_.c_str(), MNT_DETACH);
}

}  // namespace stoker::test
