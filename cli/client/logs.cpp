#include "cli/client/client_commands.hpp"
#include "cli/client/client_flags.hpp"
#include "cli/client/follow.hpp"

namespace stoker {

namespace {

using namespace std::chrono_literals;

struct LogsFlags : ClientFlags {
    bool follow = false;

    LogsFlags() :
        ClientFlags(
            "stoker logs ID [flags]", "Shows what a call wrote to its standard output and error."
        ) {
        table.add("follow", follow, bool_kind(), "Go on until the call has ended").flag_only();
    }
};

/// Prints what is new of a log that grows, and starts anew with each attempt.
class LogPrinter {
public:
    LogPrinter(const ApiClient& client, std::string call_id, Console& console) :
        client_(client),
        target_("/v2/calls/" + percent_encoded(call_id) + "/log"),
        console_(console) {}

    Task<Answer<void>> print_new(int attempt) {
        const auto log = co_await client_.get_text(target_, soon());
        if (!log) co_return std::unexpected(log.error());
        if (attempt != attempt_ || log->size() < printed_) printed_ = 0;
        attempt_ = attempt;
        console_.out << std::string_view(*log).substr(printed_) << std::flush;
        printed_ = log->size();
        co_return Answer<void>{};
    }

private:
    const ApiClient& client_;
    const std::string target_;
    Console& console_;
    int attempt_ = 0;
    std::size_t printed_ = 0;
};

Task<int> show_log(const LogsFlags& flags, Console& console) {
    const auto client = flags.client();
    LogPrinter printer(client, flags.words[0], console);
    if (!flags.follow) {
        const auto printed = co_await printer.print_new(0);
        co_return printed ? 0 : complain(console, printed.error());
    }
    // A look that fails is made good by the next; the last one must not fail.
    Answer<void> latest;
    const auto call = co_await follow_call(
        client,
        flags.words[0],
        1s,
        [&](const nlohmann::ordered_json& now) -> Task<> {
            latest = co_await printer.print_new(now.value("attempt", 0));
        }
    );
    if (!call) co_return complain(console, call.error());
    co_return latest ? 0 : complain(console, latest.error());
}

}  // namespace

int run_logs(std::span<const std::string> arguments, Console& console) {
    LogsFlags flags;
    if (const auto exit_code = flags.load(arguments, console)) return *exit_code;
    return run_on_lane(show_log(flags, console));
}

}  // namespace stoker
