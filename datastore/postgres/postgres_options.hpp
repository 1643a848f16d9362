#pragma once

// What can be set about a PostgreSQL store. Values only.

#include <cstddef>
#include <string>

namespace stoker {

struct PostgresOptions {
    std::string url;  ///< postgres://user:password@host:port/database, in libpq's syntax
    std::size_t connections = 4;
    std::size_t jobs_per_connection = 8;                       ///< sent one behind the other
    std::size_t inline_body_bytes_max = std::size_t{1} << 20;  ///< longer bodies go in pieces
    std::size_t chunk_bytes = std::size_t{1} << 20;            ///< of such a body
};

}  // namespace stoker
