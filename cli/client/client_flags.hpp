#pragma once

// What every client command has: --url, --help, a list of words it needs, and how it complains.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client/api_client.hpp"
#include "cli/console.hpp"
#include "common/settings.hpp"

namespace stoker {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

/// Fill the table with flags, then load().
struct ClientFlags {
    Settings table;
    std::string url = "http://127.0.0.1:8080";
    std::vector<std::string> words;

    /// `usage` names the words needed: as many as its upper-case ones.
    ClientFlags(std::string usage, std::string about);

    /// The exit code when the command is not to be run: after --help or for a wrong command line.
    std::optional<int> load(std::span<const std::string> arguments, Console& console);

    ApiClient client() const { return ApiClient(address_); }

private:
    std::string usage_;
    HttpAddress address_;
};

/// Prints the reason and gives the exit code for it.
int complain(Console& console, const ClientError& error);

/// Runs a command's coroutine to its end on a lane of its own.
int run_on_lane(Task<int> command);

}  // namespace stoker
