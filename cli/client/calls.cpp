#include <fmt/format.h>

#include <array>

#include "cli/client/client_commands.hpp"
#include "cli/client/client_flags.hpp"
#include "cli/client/follow.hpp"

namespace stoker {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t page_items_max = 100;

struct GetFlags : ClientFlags {
    bool wait = false;

    GetFlags() :
        ClientFlags(
            "stoker calls get ID [flags]",
            "Shows a call as JSON. With --wait the exit code is 1 when the call failed."
        ) {
        table.add("wait", wait, bool_kind(), "Wait until the call has ended").flag_only();
    }
};

Task<> look_only(const nlohmann::ordered_json&) { co_return; }

Task<Answer<nlohmann::ordered_json>> read_call(const GetFlags& flags) {
    const auto client = flags.client();
    const auto& call_id = flags.words[0];
    if (flags.wait) co_return co_await follow_call(client, call_id, 30s, look_only);
    co_return co_await client.get("/v2/calls/" + percent_encoded(call_id), soon());
}

Task<int> get_call(const GetFlags& flags, Console& console) {
    const auto call = co_await read_call(flags);
    if (!call) co_return complain(console, call.error());
    console.out << call->dump(2) << '\n';
    co_return flags.wait && !has_succeeded(*call) ? exit_failed : 0;
}

struct ListFlags : ClientFlags {
    std::string status;
    std::int64_t limit = 30;
    bool json = false;

    ListFlags() :
        ClientFlags(
            "stoker calls list APP FN [flags]", "Lists the calls of a function, newest first."
        ) {
        const auto words = choice_kind(
            {"delayed", "queued", "running", "success", "error", "timeout", "killed", "cancelled"}
        );
        auto kind = text_kind("STATUS");
        kind.parse = words.parse;
        table.add("status", status, kind, "Only calls with this status").flag_only();
        table.add("limit", limit, integer_kind(1, 1'000'000), "At most so many").flag_only();
        table.add("json", json, bool_kind(), "One JSON object a line instead of a table")
            .flag_only();
    }
};

constexpr std::array<std::pair<const char*, int>, 6> list_columns{{
    {"id", 28},
    {"status", 11},
    {"attempt", 9},
    {"created_at", 26},
    {"completed_at", 26},
    {"error_code", 0},
}};

void print_heading(Console& console) {
    console.out << fmt::format(
        "{:<28}{:<11}{:<9}{:<26}{:<26}{}\n",
        "ID",
        "STATUS",
        "ATTEMPT",
        "CREATED",
        "COMPLETED",
        "ERROR"
    );
}

void print_row(const nlohmann::ordered_json& call, Console& console) {
    std::string line;
    for (const auto& [key, width] : list_columns) {
        const auto found = call.find(key);
        std::string cell;
        if (found != call.end())
            cell = found->is_string() ? found->get<std::string>() : found->dump();
        line += fmt::format("{:<{}}", cell, width);
    }
    while (line.ends_with(' ')) line.pop_back();
    console.out << line << '\n';
}

/// A page of the list; the cursor of the next in `cursor`, empty at the end.
Task<Answer<nlohmann::ordered_json>> next_page(
    const ApiClient& client,
    const std::string& fn_id,
    const ListFlags& flags,
    std::int64_t items,
    std::string& cursor
) {
    auto target =
        fmt::format("/v2/fns/{}/calls?per_page={}", fn_id, std::min(items, page_items_max));
    if (!flags.status.empty()) target += "&status=" + flags.status;
    if (!cursor.empty()) target += "&cursor=" + percent_encoded(cursor);
    auto page = co_await client.get(std::move(target), soon());
    if (page) cursor = text_of_call(*page, "next_cursor");
    co_return page;
}

Task<int> list_calls(const ListFlags& flags, Console& console) {
    const auto client = flags.client();
    const auto fn_id = co_await client.find_fn(flags.words[0], flags.words[1]);
    if (!fn_id) co_return complain(console, fn_id.error());
    std::string cursor;
    auto left = flags.limit;
    if (!flags.json) print_heading(console);
    do {
        const auto page = co_await next_page(client, *fn_id, flags, left, cursor);
        if (!page) co_return complain(console, page.error());
        const auto items = page->find("items");
        if (items == page->end() || !items->is_array() || items->empty()) break;
        for (const auto& call : *items) {
            if (left-- <= 0) break;
            if (flags.json) {
                console.out << call.dump() << '\n';
            } else {
                print_row(call, console);
            }
        }
    } while (left > 0 && !cursor.empty());
    co_return 0;
}

}  // namespace

int run_calls_get(std::span<const std::string> arguments, Console& console) {
    GetFlags flags;
    if (const auto exit_code = flags.load(arguments, console)) return *exit_code;
    return run_on_lane(get_call(flags, console));
}

int run_calls_list(std::span<const std::string> arguments, Console& console) {
    ListFlags flags;
    if (const auto exit_code = flags.load(arguments, console)) return *exit_code;
    return run_on_lane(list_calls(flags, console));
}

}  // namespace stoker
