#pragma once

// Everything that goes wrong between us and a Redis server, in one table: how it is recognised (the
// first words of an error reply), whether the command certainly has not run, and what then. Pure
// values, no thread of their own.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace stoker::redis {

enum class Fault : std::uint8_t {
    // The connection.
    unreachable,
    timed_out,
    closed,
    protocol,
    // The server, for now.
    loading,
    busy,
    master_down,
    try_again,
    cluster_down,
    too_many_clients,
    // The server is not the one that we need.
    read_only,
    moved,
    unusable,
    // The server takes no writes, but gives out what it has.
    out_of_memory,
    disk_broken,
    too_few_replicas,
    // The server does not let us.
    auth_needed,
    wrong_password,
    not_permitted,
    // A script.
    script_missing,
    script_failed,
    other,
};

enum class Remedy : std::uint8_t {
    reconnect,     ///< drop the connection; the next one comes after a pause, through the Sentinels
    refuse,        ///< the connection is good; the caller tries again later
    load_scripts,  ///< and send the command again, once
};

struct FaultSpec {
    Fault fault;
    std::string_view word;    ///< stable, for logs and metrics
    std::string_view prefix;  ///< of the error reply; empty for what is none
    Remedy remedy;
    bool has_not_run;       ///< certainly
    bool is_lasting;        ///< wrong until somebody changes a setting: no use in starting
    std::string_view hint;  ///< for the operator
};

const FaultSpec& spec_of(Fault fault);
/// What an error reply means.
Fault classify(std::string_view error_reply);

struct Error {
    Fault fault = Fault::other;
    std::string text;  ///< what the server or the system said
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failed(Fault fault, std::string text) {
    return std::unexpected(Error{fault, std::move(text)});
}

}  // namespace stoker::redis
