#include "cli/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <string_view>
#include <vector>

#include "cli/client/client_commands.hpp"
#include "cli/doctor.hpp"
#include "common/nearest.hpp"

namespace stoker {

namespace {

struct Command {
    std::string_view name;  ///< one word or two
    std::string_view about;
    int (*run)(std::span<const std::string> arguments, Console& console);  ///< null: main() does it
};

constexpr std::array commands{
    Command{"start", "Run the API and a worker in one process", nullptr},
    Command{"api", "Run the API alone; workers elsewhere run the calls", nullptr},
    Command{"worker", "Run a worker alone, for APIs elsewhere", nullptr},
    Command{"invoke", "Call a function", run_invoke},
    Command{"calls get", "Show a call, or wait for its end", run_calls_get},
    Command{"calls list", "List the calls of a function", run_calls_list},
    Command{"logs", "Show what a call wrote, or follow it", run_logs},
    Command{"doctor audit", "Recount the calls of a datastore", run_doctor_audit},
    Command{"version", "Show the version", nullptr},
};

constexpr int exit_usage = 2;

std::string overview() {
    std::string text = "Usage: stoker COMMAND [flags]\n\nCommands:\n";
    for (const auto& command : commands) {
        text += fmt::format("  {:<14}{}\n", command.name, command.about);
    }
    return text + "\nEvery command has --help.\n";
}

/// How many words of the name are at the front; 0 when it is another command.
std::size_t matched_words(std::string_view name, std::span<const std::string> words) {
    std::size_t count = 0;
    while (!name.empty()) {
        const auto word = name.substr(0, name.find(' '));
        if (count == words.size() || words[count] != word) return 0;
        name.remove_prefix(std::min(name.size(), word.size() + 1));
        ++count;
    }
    return count;
}

int explain_unknown(std::span<const std::string> words, Console& console) {
    std::string typed = words[0];
    std::vector<std::string> names;
    std::string group;
    for (const auto& command : commands) {
        names.emplace_back(command.name);
        if (command.name.starts_with(words[0] + ' ')) {
            group += fmt::format("  {:<14}{}\n", command.name, command.about);
        }
    }
    if (!group.empty()) {
        const bool asked = words.size() > 1 && (words[1] == "--help" || words[1] == "-h");
        (asked ? console.out : console.err) << "Commands:\n" << group;
        return asked ? 0 : exit_usage;
    }
    auto hint = did_you_mean(typed, names);
    if (hint.empty() && words.size() > 1) hint = did_you_mean(typed + ' ' + words[1], names);
    console.err << "stoker: unknown command " << typed << hint
                << "; stoker --help lists them all\n";
    return exit_usage;
}

}  // namespace

int run_client(std::span<const std::string> words, Console& console) {
    if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
        console.out << overview();
        return 0;
    }
    for (const auto& command : commands) {
        const auto count = matched_words(command.name, words);
        if (count > 0 && command.run != nullptr) return command.run(words.subspan(count), console);
    }
    return explain_unknown(words, console);
}

int run_client(std::span<const std::string> words) {
    Console console{
        .in = std::cin,
        .out = std::cout,
        .err = std::cerr,
        .in_is_terminal = isatty(STDIN_FILENO) == 1,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .environment = process_environment(),
    };
    const int exit_code = run_client(words, console);
    std::cout.flush();
    return exit_code;
}

}  // namespace stoker
