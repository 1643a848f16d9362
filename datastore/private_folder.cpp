#include "datastore/private_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace stoker {

Result<void> make_private_folder(const std::filesystem::path& folder) {
    const auto parent = std::filesystem::absolute(folder).parent_path();
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (::mkdir(folder.c_str(), 0700) == 0) return sync_folder(parent);
    if (errno == EEXIST) return {};
    return file_error("make the folder", folder);
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return file_error("open the folder", folder);
    Result<void> synced;
    if (::fsync(fd) != 0) synced = file_error("sync the folder", folder);
    ::close(fd);
    return synced;
}

std::unexpected<Error> file_error(std::string_view what, const std::filesystem::path& path) {
    const int error = errno;
    auto text = fmt::format(
        "cannot {} {}: {}", what, path.string(), std::generic_category().message(error)
    );
    const bool full = error == ENOSPC || error == EDQUOT;
    return fail(full ? Errc::store_full : Errc::store_unavailable, {}, std::move(text));
}

}  // namespace stoker
