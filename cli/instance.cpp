#include "cli/instance.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "datastore/private_folder.hpp"

namespace stoker {

Result<std::string> load_instance(const std::string& data_folder, IdSource& ids) {
    const auto path = std::filesystem::path(data_folder) / "instance";
    std::string name;
    if (std::ifstream(path) >> name) {
        if (is_id(name)) return name;
        return fail(Errc::internal, fmt::format("{} does not hold an instance id", path.string()));
    }
    if (auto made = make_private_folder(data_folder); !made) {
        return fail(Errc::internal, std::move(made.error().detail));
    }
    name = ids.next();
    // A name that a power cut took back would orphan the containers labelled with it.
    if (auto written = write_durably(path, name + "\n"); !written) {
        return fail(Errc::internal, std::move(written.error().detail));
    }
    return name;
}

}  // namespace stoker
