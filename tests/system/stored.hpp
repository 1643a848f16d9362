#pragma once

// What a Stoker left in its data folder, read once no process uses it any more.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/stoker_process.hpp"

namespace stoker::test {

struct Stored {
    std::string integrity;                      ///< `ok`, or what SQLite found
    std::map<std::string, std::string> status;  ///< of every call, by id
    std::map<std::string, int> responses;       ///< how many a call has, by id
    std::size_t blobs_missing = 0;              ///< named by a row, but not there
    std::size_t files_unnamed = 0;              ///< in the blobs' folder, but named by no row
};

Stored read_stored(const std::filesystem::path& data_folder);

/// They end, Stoker ends, and its data are whole.
void check_all_ended_well(StokerProcess& stoker, const std::vector<std::string>& accepted);

}  // namespace stoker::test
