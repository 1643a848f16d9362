#include "datastore/sqlite/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "datastore/private_folder.hpp"

namespace stoker {

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
    if (auto made = make_private_folder(folder); !made) return fail(std::move(made.error()));
    const auto path = folder / "lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return file_error("open", path);
    FolderLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return file_error("lock", path);
    return fail(
        Errc::store_unavailable,
        fmt::format(
            "the data folder {} is in use by another Stoker process; stop that one or use another "
            "folder",
            folder.string()
        )
    );
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace stoker
