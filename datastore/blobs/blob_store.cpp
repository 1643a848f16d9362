#include "datastore/blobs/blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "common/log.hpp"
#include "common/unique_fd.hpp"
#include "datastore/private_folder.hpp"

namespace stoker {

namespace {

namespace fs = std::filesystem;

bool read_all(int fd, std::string& bytes) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return false;
    bytes.resize(static_cast<std::size_t>(status.st_size));
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto got = ::read(fd, bytes.data() + at, bytes.size() - at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += static_cast<std::size_t>(got);
    }
    return true;
}

bool is_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '.';
    });
}

}  // namespace

Result<void> BlobStore::put(const std::string& name, std::string_view bytes) const {
    if (!is_name(name)) return fail(Errc::internal, {}, "not a blob name: " + name);
    if (auto made = make_private_folder(folder_); !made) return made;
    return write_durably(folder_ / name, bytes);
}

Result<std::string> BlobStore::get(const std::string& name) const {
    if (!is_name(name)) return fail(Errc::internal, {}, "not a blob name: " + name);
    const UniqueFd file(::open((folder_ / name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT) return fail(Errc::internal, {}, "blob is missing: " + name);
        return file_error("open", folder_ / name);
    }
    std::string bytes;
    if (!read_all(file.get(), bytes)) return file_error("read", folder_ / name);
    return bytes;
}

void BlobStore::remove(const std::string& name) const {
    if (is_name(name)) ::unlink((folder_ / name).c_str());
}

std::size_t BlobStore::collect(const std::function<bool(std::string_view name)>& is_needed) const {
    std::size_t removed = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        const auto file = entry.path().filename().string();
        std::string_view name = file;
        if (name.starts_with(unfinished_prefix)) name.remove_prefix(unfinished_prefix.size());
        if (is_needed(name)) continue;
        if (::unlink(entry.path().c_str()) == 0) ++removed;
    }
    if (removed > 0) log::info("store.blobs_collected", {{"removed", removed}});
    return removed;
}

}  // namespace stoker
