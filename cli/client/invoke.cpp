#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "cli/client/client_commands.hpp"
#include "cli/client/client_flags.hpp"
#include "cli/client/follow.hpp"

namespace stoker {

namespace {

using namespace std::chrono_literals;

/// Longer than any call may take, its wait for a place included.
constexpr auto answer_time = 2h;

struct InvokeFlags : ClientFlags {
    bool async = false;
    bool sync = false;
    bool wait = false;
    std::optional<std::string> data;
    std::string file;
    std::string content_type;

    InvokeFlags() :
        ClientFlags(
            "stoker invoke APP FN [flags]",
            "Calls a function and prints what it answers. The body is --data, --file, or what "
            "comes "
            "on standard input if that is no terminal. Exit code 1 when the call failed."
        ) {
        table.add("async", async, bool_kind(), "Have the call accepted, and print its id")
            .flag_only();
        table.add("sync", sync, bool_kind(), "Wait for the answer, whatever the function's type")
            .flag_only();
        table.add("wait", wait, bool_kind(), "After --async wait for the end, and print the answer")
            .flag_only();
        table.add("data", data, optional_text(), "Send this text").flag_only();
        table.add("file", file, text_kind("FILE"), "Send this file; - is standard input")
            .flag_only();
        table.add("content-type", content_type, text_kind("TYPE"), "What the body is").flag_only();
    }

    static SettingKind<std::optional<std::string>> optional_text() {
        return {
            .placeholder = "TEXT",
            .parse = [](std::string_view text
                     ) -> std::expected<std::optional<std::string>, std::string> {
                return std::string(text);
            },
            .print = [](const std::optional<std::string>& text) { return text.value_or(""); },
        };
    }
};

/// Empty when the file cannot be read.
std::optional<std::string> body_of(const InvokeFlags& flags, Console& console) {
    if (flags.data) return *flags.data;
    if (flags.file.empty() && console.in_is_terminal) return "";
    if (flags.file.empty() || flags.file == "-") {
        return std::string(std::istreambuf_iterator(console.in), {});
    }
    std::ifstream file(flags.file, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator(file), {});
}

/// Copies the body of an answer to the output; false when it was cut short.
Task<bool> print_body(HttpStream& stream, Console& console) {
    for (;;) {
        const auto piece = co_await stream.read(deadline_in(answer_time));
        if (!piece) {
            console.err << "stoker: " << piece.error().text << '\n';
            co_return false;
        }
        if (piece->empty()) co_return true;
        console.out << *piece << std::flush;
    }
}

Task<int> print_stored_answer(
    const ApiClient& client, const std::string& call_id, Console& console
) {
    auto request = request_for("GET", "/v2/calls/" + call_id + "/response");
    auto stream = co_await client.open(std::move(request), soon());
    if (!stream) co_return complain(console, stream.error());
    // Without this header the answer is the server's own: there is none of the function.
    if (find_header(stream->head().headers, "Fn-Call-Status") == nullptr) co_return 0;
    co_return co_await print_body(*stream, console) ? 0 : exit_failed;
}

Task<int> wait_for_end(const ApiClient& client, std::string call_id, Console& console) {
    console.err << "call " << call_id << '\n';
    std::string shown;
    const auto call = co_await follow_call(client, call_id, 30s, [&](const auto& now) -> Task<> {
        auto text = describe_call(now);
        if (text != shown) console.err << text << std::endl;
        shown = std::move(text);
        co_return;
    });
    if (!call) co_return complain(console, call.error());
    const int printed = co_await print_stored_answer(client, call_id, console);
    co_return has_succeeded(*call) ? printed : exit_failed;
}

Task<int> take_accepted(
    const ApiClient& client, HttpStream& stream, const InvokeFlags& flags, Console& console
) {
    const auto body = co_await stream.read_all(soon());
    const auto json = nlohmann::ordered_json::parse(body ? *body : "", nullptr, false);
    auto call_id = json.is_object() ? text_of_call(json, "call_id") : std::string{};
    if (call_id.empty()) {
        const auto* header = find_header(stream.head().headers, "Fn-Call-Id");
        if (header == nullptr) co_return complain(console, {"the answer names no call", 202});
        call_id = *header;
    }
    if (flags.wait) co_return co_await wait_for_end(client, std::move(call_id), console);
    console.out << call_id << '\n';
    co_return 0;
}

Task<int> invoke(const InvokeFlags& flags, std::string body, Console& console) {
    const auto client = flags.client();
    const auto fn_id = co_await client.find_fn(flags.words[0], flags.words[1]);
    if (!fn_id) co_return complain(console, fn_id.error());

    auto request = request_for("POST", "/invoke/" + *fn_id);
    if (!flags.content_type.empty()) {
        request.headers.emplace_back("Content-Type", flags.content_type);
    }
    if (flags.async) request.headers.emplace_back("Fn-Invoke-Type", "async");
    if (flags.sync) request.headers.emplace_back("Fn-Invoke-Type", "sync");
    request.body = std::move(body);
    auto stream = co_await client.open(std::move(request), deadline_in(answer_time));
    if (!stream) co_return complain(console, stream.error());

    const auto status = stream->head().status;
    if (status == 202) co_return co_await take_accepted(client, *stream, flags, console);
    if (status >= 200 && status < 300) {
        co_return co_await print_body(*stream, console) ? 0 : exit_failed;
    }
    const auto* call_id = find_header(stream->head().headers, "Fn-Call-Id");
    if (call_id != nullptr) console.err << "call " << *call_id << '\n';
    const auto refused = co_await stream->read_all(soon());
    co_return complain(console, refusal(status, refused ? *refused : ""));
}

}  // namespace

int run_invoke(std::span<const std::string> arguments, Console& console) {
    InvokeFlags flags;
    if (const auto exit_code = flags.load(arguments, console)) return *exit_code;
    if (flags.async && flags.sync) {
        console.err << "stoker: --async and --sync exclude each other\n";
        return exit_usage;
    }
    auto body = body_of(flags, console);
    if (!body) {
        console.err << "stoker: --file: cannot read " << flags.file << '\n';
        return exit_usage;
    }
    return run_on_lane(invoke(flags, std::move(*body), console));
}

}  // namespace stoker
