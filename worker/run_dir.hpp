#pragma once

// The folder tree in which functions put their sockets: <run-dir>/<instance>/<container>/. The
// parent is ours alone (0700); each container's folder is open to it (0777, functions run
// unprivileged) and mounted into it at /tmp/iofs. A folder's owner is its Container.

#include <optional>
#include <string>

#include "common/unique_fd.hpp"
#include "model/error.hpp"

namespace stoker {

/// One container's folder; removed with all it holds when destroyed.
class SocketFolder {
public:
    SocketFolder(SocketFolder&&) noexcept = default;
    SocketFolder& operator=(SocketFolder&&) = delete;
    ~SocketFolder();

    const std::string& path() const { return path_; }
    const std::string& engine_path() const { return engine_path_; }  ///< as the engine sees it
    int fd() const { return fd_.get(); }

    /// Takes hold of the function's socket `lsnr.sock` without following it anywhere: a symlink may
    /// only name a file of the same folder, and the file must be a socket. Empty while it is not
    /// there yet; an error when it breaks the rules.
    Result<std::optional<UniqueFd>> find_socket() const;

private:
    friend class RunDir;
    SocketFolder(std::string path, std::string engine_path, UniqueFd fd);

    std::string path_;
    std::string engine_path_;
    UniqueFd fd_;
};

/// Connects to a socket held by find_socket(): non-blocking fd, or errno.
std::expected<UniqueFd, int> connect_to(const UniqueFd& socket);

class RunDir {
public:
    /// Makes `<base>/<instance>`, empties what an earlier life left there, and writes the init
    /// helper. `engine_base` is `base` as the container engine sees it, empty when it is the same.
    static Result<RunDir> open(
        const std::string& base, const std::string& engine_base, const std::string& instance
    );

    Result<SocketFolder> make_folder(const std::string& container_name) const;
    /// Host path of the helper for bind mounts, as the engine sees it.
    std::string init_engine_path() const { return engine_path_ + "/stoker-init"; }

private:
    std::string path_;
    std::string engine_path_;
};

}  // namespace stoker
