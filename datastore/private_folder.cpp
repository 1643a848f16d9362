#include "datastore/private_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/unique_fd.hpp"
#include "datastore/broken_disk.hpp"

namespace stoker {

namespace {

/// A file system may refuse a sync for want of space or for its kind; EIO means that data is lost.
Result<void> sync(int fd, const std::filesystem::path& path) {
    if (::fsync(fd) == 0) return {};
    auto error = file_error("sync", path);
    if (errno == EIO) end_broken("sync", error.error().detail);
    return error;
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

Result<void> write_synced(const std::filesystem::path& path, std::string_view bytes) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return file_error("make", path);
    if (!write_all(file.get(), bytes)) return file_error("write", path);
    return sync(file.get(), path);
}

}  // namespace

Result<void> make_private_folder(const std::filesystem::path& folder) {
    const auto parent = std::filesystem::absolute(folder).parent_path();
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (::mkdir(folder.c_str(), 0700) == 0) return sync_folder(parent);
    if (errno == EEXIST) return {};
    return file_error("make the folder", folder);
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return file_error("open the folder", folder);
    return sync(fd.get(), folder);
}

Result<void> write_durably(const std::filesystem::path& file, std::string_view bytes) {
    const auto folder = file.parent_path();
    const auto draft = folder / (std::string(unfinished_prefix) + file.filename().string());
    auto written = write_synced(draft, bytes);
    if (written && ::rename(draft.c_str(), file.c_str()) != 0) written = file_error("name", file);
    if (!written) {
        ::unlink(draft.c_str());
        return written;
    }
    return sync_folder(folder);
}

std::unexpected<Error> file_error(std::string_view what, const std::filesystem::path& path) {
    const int error = errno;
    auto text = fmt::format(
        "cannot {} {}: {}", what, path.string(), std::generic_category().message(error)
    );
    errno = error;
    const bool full = error == ENOSPC || error == EDQUOT;
    return fail(full ? Errc::store_full : Errc::store_unavailable, {}, std::move(text));
}

}  // namespace stoker
