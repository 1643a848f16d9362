#pragma once

// Folders that only the owner of the process may enter, and that are still there after a power cut.
// Blocks on the disk.

#include <filesystem>

#include "model/error.hpp"

namespace stoker {

/// Made with mode 0700, and its parents as usual; nothing happens if it exists.
Result<void> make_private_folder(const std::filesystem::path& folder);

/// Makes the names in the folder durable.
Result<void> sync_folder(const std::filesystem::path& folder);

/// `cannot <what> <path>: <why>`, of errno; store_full when there is no space.
std::unexpected<Error> file_error(std::string_view what, const std::filesystem::path& path);

}  // namespace stoker
