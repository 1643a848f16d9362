#include "cli/instance.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace stoker {

Result<std::string> load_instance(const std::string& data_folder, IdSource& ids) {
    const auto path = std::filesystem::path(data_folder) / "instance";
    std::string name;
    if (std::ifstream(path) >> name) {
        if (is_id(name)) return name;
        return fail(Errc::internal, fmt::format("{} does not hold an instance id", path.string()));
    }
    name = ids.next();
    // Renamed into place: a crash leaves the whole name or none.
    const auto draft = path.string() + ".new";
    std::ofstream out(draft);
    out << name << '\n';
    out.close();
    std::error_code failed;
    if (out) std::filesystem::rename(draft, path, failed);
    if (!out || failed) {
        const auto why = failed ? failed.message() : std::string(std::strerror(errno));
        return fail(Errc::internal, fmt::format("cannot write {}: {}", path.string(), why));
    }
    return name;
}

}  // namespace stoker
