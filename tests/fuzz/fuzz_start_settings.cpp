// Any lines as the arguments and variables of `stoker start`: settings or errors, never both, and
// what is accepted can be printed.

#include <cstdlib>
#include <map>

#include "cli/start_settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stoker;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<std::string> arguments;
    std::map<std::string, std::string> variables;
    while (!text.empty()) {
        const std::string line(text.substr(0, text.find('\n')));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto equals = line.find('=');
        const bool variable = !line.starts_with('-') && equals != std::string::npos;
        // Those would read files of this machine.
        if (line.starts_with("--config") || (variable && line.contains("_FILE=")) ||
            line.starts_with("STOKER_CONFIG=")) {
            continue;
        }
        if (variable) {
            variables[line.substr(0, equals)] = line.substr(equals + 1);
        } else {
            arguments.push_back(line);
        }
    }
    const auto load = [&] {
        return load_start_settings(arguments, [&](const std::string& name) {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        });
    };
    const auto outcome = load();
    if ((outcome.exit_code == 2) != !outcome.errors.empty()) std::abort();
    if (outcome.exit_code) return 0;
    arguments.insert(arguments.begin(), "--print-config");
    if (load().exit_code != 0) std::abort();
    return 0;
}
