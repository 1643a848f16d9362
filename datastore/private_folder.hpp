#pragma once

// Files and folders that only the owner of the process may open, and that are still there after a
// power cut. Blocks on the disk. A sync that the disk fails ends the process (broken_disk.hpp).

#include <filesystem>
#include <string_view>

#include "model/error.hpp"

namespace stoker {

/// What the names of files begin with that are not whole yet; one that a crash leaves is rubbish.
constexpr std::string_view unfinished_prefix = ".new-";

/// Made with mode 0700, and its parents as usual; nothing happens if it exists.
Result<void> make_private_folder(const std::filesystem::path& folder);

/// Makes the names in the folder durable.
Result<void> sync_folder(const std::filesystem::path& folder);

/// The whole file or, after a failure or a crash, what was there before. Mode 0600.
Result<void> write_durably(const std::filesystem::path& file, std::string_view bytes);

/// `cannot <what> <path>: <why>`, of errno; store_full when there is no space.
std::unexpected<Error> file_error(std::string_view what, const std::filesystem::path& path);

}  // namespace stoker
