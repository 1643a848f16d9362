#include "cli/instance.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "datastore/private_folder.hpp"

namespace stoker {

namespace {

std::unexpected<Error> for_operator(const Error& error) {
    return fail(error.code, error.detail.empty() ? std::string(error.text()) : error.detail);
}

/// The folder itself is locked: the file in it is replaced as a whole.
Result<UniqueFd> lock(const std::filesystem::path& folder) {
    UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return for_operator(file_error("open", folder).error());
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno != EWOULDBLOCK) return for_operator(file_error("lock", folder).error());
    return fail(
        Errc::conflict,
        fmt::format(
            "{} is the data folder of another Stoker process; stop that one or give this one a "
            "folder of its own (--data)",
            folder.string()
        )
    );
}

Result<std::string> name_in(const std::filesystem::path& folder, IdSource& ids) {
    const auto path = folder / "instance";
    std::string name;
    if (std::ifstream(path) >> name) {
        if (is_id(name)) return name;
        return fail(Errc::internal, fmt::format("{} does not hold an instance id", path.string()));
    }
    name = ids.next();
    // A name that a power cut took back would orphan the containers labelled with it.
    if (auto written = write_durably(path, name + "\n"); !written) {
        return for_operator(written.error());
    }
    return name;
}

}  // namespace

Result<Instance> load_instance(const std::string& data_folder, IdSource& ids) {
    if (auto made = make_private_folder(data_folder); !made) return for_operator(made.error());
    auto locked = lock(data_folder);
    if (!locked) return fail(std::move(locked.error()));
    auto name = name_in(data_folder, ids);
    if (!name) return fail(std::move(name.error()));
    return Instance{std::move(*name), std::move(*locked)};
}

}  // namespace stoker
