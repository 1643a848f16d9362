#include "worker/run_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "common/log.hpp"
#include "worker/containers/init/init_binary.hpp"

namespace stoker {

namespace {

namespace fs = std::filesystem;
constexpr const char* socket_name = "lsnr.sock";

std::unexpected<Error> broken_socket(std::string_view why) {
    return fail(Errc::init_failed, {}, std::string(why));
}

Result<void> make_private_folder(const std::string& path) {
    std::error_code failed;
    // One that is there already keeps its mode: it may be somebody else's, /run or /tmp say.
    const bool made = fs::create_directories(path, failed);
    if (failed || (made && ::chmod(path.c_str(), 0700) != 0)) {
        const auto why = failed ? failed.message() : std::string(std::strerror(errno));
        return fail(Errc::internal, fmt::format("cannot make the run folder {}: {}", path, why));
    }
    return {};
}

}  // namespace

SocketFolder::SocketFolder(std::string path, std::string engine_path, UniqueFd fd) :
    path_(std::move(path)),
    engine_path_(std::move(engine_path)),
    fd_(std::move(fd)) {}

SocketFolder::~SocketFolder() {
    if (fd_.get() < 0) return;  // moved from
    std::error_code failed;
    fs::remove_all(path_, failed);
    if (failed) log::warn("folder.remove_failed", {{"path", path_}, {"why", failed.message()}});
}

Result<std::optional<UniqueFd>> SocketFolder::find_socket() const {
    // Open first, look after: what the descriptor holds cannot be swapped under us.
    std::string name = socket_name;
    for (int hops = 0; hops < 2; ++hops) {
        UniqueFd found(::openat(fd_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (found.get() < 0) {
            if (errno == ENOENT) return std::nullopt;
            return broken_socket(std::strerror(errno));
        }
        struct stat info{};
        if (::fstat(found.get(), &info) != 0) return broken_socket(std::strerror(errno));
        if (S_ISSOCK(info.st_mode)) return std::optional(std::move(found));
        if (!S_ISLNK(info.st_mode)) return broken_socket("lsnr.sock is not a socket");

        std::array<char, 256> target{};
        const auto length = ::readlinkat(found.get(), "", target.data(), target.size());
        if (length <= 0) return broken_socket("lsnr.sock: unreadable link");
        std::string_view to(target.data(), static_cast<std::size_t>(length));
        if (to.starts_with("./")) to.remove_prefix(2);
        if (to.empty() || to == "." || to == ".." || to.contains('/')) {
            return broken_socket("lsnr.sock links out of its folder");
        }
        name = to;
    }
    return broken_socket("lsnr.sock links to a link");
}

std::expected<UniqueFd, int> connect_to(const UniqueFd& socket) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return std::unexpected(errno);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Through our own descriptor: no symlink race, and no limit on the real path's length.
    const auto end = fmt::format_to_n(
        std::begin(address.sun_path), sizeof address.sun_path - 1, "/proc/self/fd/{}", socket.get()
    );
    *end.out = '\0';
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return std::unexpected(errno);
    }
    return fd;
}

Result<RunDir> RunDir::open(
    const std::string& base, const std::string& engine_base, const std::string& instance
) {
    RunDir dir;
    dir.path_ = fs::absolute(base) / instance;
    dir.engine_path_ =
        engine_base.empty() ? dir.path_ : (fs::path(engine_base) / instance).string();
    if (auto made = make_private_folder(fs::absolute(base).string()); !made)
        return fail(made.error());
    std::error_code ignored;
    fs::remove_all(dir.path_, ignored);
    if (auto made = make_private_folder(dir.path_); !made) return fail(made.error());

    const auto init = dir.path_ + "/stoker-init";
    std::ofstream out(init, std::ios::binary);
    const auto binary = init_binary();
    out.write(binary.data(), static_cast<std::streamsize>(binary.size()));
    out.close();
    if (!out || ::chmod(init.c_str(), 0755) != 0) {
        return fail(Errc::internal, fmt::format("cannot write {}: {}", init, std::strerror(errno)));
    }
    return dir;
}

Result<SocketFolder> RunDir::make_folder(const std::string& container_name) const {
    auto path = path_ + "/" + container_name;
    if (::mkdir(path.c_str(), 0777) != 0 || ::chmod(path.c_str(), 0777) != 0) {
        return fail(Errc::internal, {}, fmt::format("mkdir {}: {}", path, std::strerror(errno)));
    }
    UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) {
        return fail(Errc::internal, {}, fmt::format("open {}: {}", path, std::strerror(errno)));
    }
    return SocketFolder(std::move(path), engine_path_ + "/" + container_name, std::move(fd));
}

}  // namespace stoker
