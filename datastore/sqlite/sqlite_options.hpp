#pragma once

// What can be set about an SQLite store. Values only.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "datastore/disk_space.hpp"

namespace stoker {

struct SqliteOptions {
    std::filesystem::path folder;    ///< made if absent; the process locks it
    std::string file = "stoker.db";  ///< in the folder
    bool survives_power_cut = true;  ///< false: synchronous=NORMAL, a process crash only
    std::size_t inline_body_bytes_max = std::size_t{1} << 20;  ///< longer bodies become files
    std::size_t batch_jobs_max = 512;                          ///< writes that share one commit
    std::size_t waiting_writes_max = 100'000;
    std::size_t waiting_reads_max = 10'000;
    std::size_t read_threads = 2;
    std::size_t file_threads = 2;  ///< write and sync large bodies
    DiskSpaceOptions space{};
    int checkpoint_pages = 4000;      ///< of the WAL, before it is copied into the file
    std::int64_t file_pages_max = 0;  ///< 4 KiB each; 0 leaves SQLite's own bound
};

}  // namespace stoker
