#include <fmt/format.h>

#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/start.hpp"
#include "cli/version.hpp"

int main(int argc, char** argv) {
    using namespace stoker;
    const std::vector<std::string> words(argv + 1, argv + argc);
    const std::string command = words.empty() ? "" : words.front();
    if (command == "--version" || command == "version") {
        fmt::print("stoker {}\n", version);
        return 0;
    }
    for (const auto role : {Role::start, Role::api, Role::worker}) {
        if (command == to_word(role)) return run_server(role, std::span(words).subspan(1));
    }
    return run_client(words);
}
