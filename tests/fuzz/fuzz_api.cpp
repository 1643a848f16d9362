// Any text where the API reads a query, a cursor, a path, header fields or a stored answer.

#include <cstdlib>

#include "api/call_response.hpp"
#include "api/forwarded.hpp"
#include "api/paging.hpp"
#include "api/router.hpp"

namespace {

using namespace stoker;

void read_query(std::string_view text) {
    const auto page = page_of(QueryParams(text));
    if (page && (page->items_max < 1 || page->items_max > 100)) std::abort();
    if (const auto decoded = decode_cursor(text); decoded && encode_cursor(*decoded) != text) {
        std::abort();
    }
}

const Router& router() {
    static const auto* const made = [] {
        auto* table = new Router;
        for (const auto* pattern :
             {"/v2/apps", "/v2/apps/:id", "/v2/apps/:id/x", "/t/:app/*rest"}) {
            table->add("GET", pattern, nullptr);
        }
        return table;
    }();
    return *made;
}

void read_path(std::string_view text) {
    // The server lets nothing else through.
    if (text.starts_with('/') && is_percent_encoded(text)) {
        (void)router().find("GET", text);
        (void)router().find("PUT", text);
    }
}

void read_headers(std::string_view text) {
    Headers headers;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const auto name = line.substr(0, line.find(':'));
        const auto value = line.substr(std::min(line.size(), name.size() + 1));
        if (is_valid_header(name, value)) headers.emplace_back(name, value);
    }
    (void)invoke_wish(headers, InvokeType::sync);
    for (const auto& [name, value] : forwarded_headers(headers, false)) {
        if (is_hop_by_hop(name) || same_header_name(name, "Authorization")) std::abort();
    }
    (void)content_type_of(headers);
}

void read_answer(std::string_view text) {
    const auto head_end = text.find("\r\n\r\n");
    CallResponse stored;
    stored.head = text.substr(0, head_end == std::string_view::npos ? head_end : head_end + 4);
    stored.body = BodyRef::of(std::string(text.substr(stored.head.size())));
    if (const auto response = replay(stored)) {
        for (const auto& [name, value] : response->headers) {
            if (!is_valid_header(name, value)) std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_query(text);
    read_path(text);
    read_headers(text);
    read_answer(text);
    return 0;
}
