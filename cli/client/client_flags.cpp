#include "cli/client/client_flags.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <exception>

namespace stoker {

namespace {

/// `stoker invoke APP FN [flags]` needs two words.
std::size_t words_needed(std::string_view usage) {
    std::size_t count = 0;
    while (!usage.empty()) {
        const auto word = usage.substr(0, usage.find(' '));
        usage.remove_prefix(std::min(usage.size(), word.size() + 1));
        if (!word.empty() && word.front() >= 'A' && word.front() <= 'Z') ++count;
    }
    return count;
}

}  // namespace

ClientFlags::ClientFlags(std::string usage, std::string about) :
    table(usage, std::move(about), Settings::File::none),
    usage_(std::move(usage)) {
    table.add("url", url, text_kind("URL"), "The server, also set by STOKER_URL");
    table.group("Flags");
}

std::optional<int> ClientFlags::load(std::span<const std::string> arguments, Console& console) {
    auto loaded = table.load(arguments, console.environment);
    if (loaded.help) {
        console.out << table.help_text();
        return 0;
    }
    words = std::move(loaded.positionals);
    if (words.size() != words_needed(usage_)) loaded.errors.push_back("usage: " + usage_);
    auto address = parse_http_address(url);
    if (!address) {
        loaded.errors.push_back(fmt::format("--url {}: {}", redacted_url(url), address.error()));
    } else {
        address_ = std::move(*address);
    }
    if (loaded.errors.empty()) return std::nullopt;
    for (const auto& error : loaded.errors) console.err << "stoker: " << error << '\n';
    return exit_usage;
}

int complain(Console& console, const ClientError& error) {
    console.err << "stoker: " << error.text << '\n';
    return exit_failed;
}

int run_on_lane(Task<int> command) {
    asio::io_context lane(1);
    int exit_code = exit_failed;
    asio::co_spawn(
        lane.get_executor(),
        std::move(command),
        [&](const std::exception_ptr& escaped, int result) {
            if (escaped) std::rethrow_exception(escaped);
            exit_code = result;
        }
    );
    lane.run();
    return exit_code;
}

}  // namespace stoker
