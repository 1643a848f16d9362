#include "datastore/blobs/blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "common/log.hpp"
#include "datastore/private_folder.hpp"

namespace stoker {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view unfinished_prefix = ".new-";

class File {
public:
    File(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    bool is_open() const { return fd_ >= 0; }
    int fd() const { return fd_; }
    bool sync() const { return ::fsync(fd_) == 0; }

    bool write_all(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto written = ::write(fd_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
    }

    bool read_all(std::string& bytes) const {
        struct stat status{};
        if (::fstat(fd_, &status) != 0) return false;
        bytes.resize(static_cast<std::size_t>(status.st_size));
        std::size_t at = 0;
        while (at < bytes.size()) {
            const auto got = ::read(fd_, bytes.data() + at, bytes.size() - at);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return false;
            at += static_cast<std::size_t>(got);
        }
        return true;
    }

private:
    const int fd_;
};

Result<void> write_file(const fs::path& path, std::string_view bytes) {
    const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open()) return file_error("make", path);
    if (file.write_all(bytes) && file.sync()) return {};
    auto error = file_error("write", path);
    ::unlink(path.c_str());
    return error;
}

bool is_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '.';
    });
}

bool is_older(const fs::path& file, std::chrono::seconds age) {
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           std::time(nullptr) - status.st_mtime > age.count();
}

}  // namespace

Result<void> BlobStore::put(const std::string& name, std::string_view bytes) const {
    if (!is_name(name)) return fail(Errc::internal, {}, "not a blob name: " + name);
    if (auto made = make_private_folder(folder_); !made) return made;
    const auto unfinished = folder_ / (std::string(unfinished_prefix) + name);
    if (auto written = write_file(unfinished, bytes); !written) return written;
    if (::rename(unfinished.c_str(), (folder_ / name).c_str()) != 0) {
        return file_error("name", folder_ / name);
    }
    return sync_folder(folder_);
}

Result<std::string> BlobStore::get(const std::string& name) const {
    if (!is_name(name)) return fail(Errc::internal, {}, "not a blob name: " + name);
    const File file(folder_ / name, O_RDONLY);
    if (!file.is_open()) {
        if (errno == ENOENT) return fail(Errc::internal, {}, "blob is missing: " + name);
        return file_error("open", folder_ / name);
    }
    std::string bytes;
    if (!file.read_all(bytes)) return file_error("read", folder_ / name);
    return bytes;
}

void BlobStore::remove(const std::string& name) const {
    if (is_name(name)) ::unlink((folder_ / name).c_str());
}

std::size_t BlobStore::collect(
    std::chrono::seconds age, const std::function<bool(const std::string& name)>& is_named
) const {
    std::size_t removed = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        const auto name = entry.path().filename().string();
        if (!is_older(entry.path(), age)) continue;
        if (!name.starts_with(unfinished_prefix) && is_named(name)) continue;
        if (::unlink(entry.path().c_str()) == 0) ++removed;
    }
    if (removed > 0) log::info("store.blobs_collected", {{"removed", removed}});
    return removed;
}

}  // namespace stoker
