#pragma once

// What a Stoker left in its data folder, read once no process uses it any more.

#include <filesystem>
#include <map>
#include <string>

namespace stoker::test {

struct Stored {
    std::string integrity;                      ///< `ok`, or what SQLite found
    std::map<std::string, std::string> status;  ///< of every call, by id
    std::map<std::string, int> responses;       ///< how many a call has, by id
    std::size_t blobs_missing = 0;              ///< named by a row, but not there
    std::size_t files_unnamed = 0;              ///< in the blobs' folder, but named by no row
};

Stored read_stored(const std::filesystem::path& data_folder);

}  // namespace stoker::test
