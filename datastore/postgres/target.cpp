#include "datastore/postgres/target.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace stoker::postgres {

namespace {

using Keyword = std::pair<std::string, std::string>;

struct FreeOptions {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
struct FreeText {
    void operator()(char* text) const { PQfreemem(text); }
};

/// A server that a network hides is noticed within ten seconds; a standby is passed over.
const std::array<Keyword, 7>& standard() {
    static const std::array<Keyword, 7> values{
        {{"application_name", "stoker"},
         {"connect_timeout", "5"},
         {"target_session_attrs", "read-write"},
         {"keepalives_idle", "10"},
         {"keepalives_interval", "3"},
         {"keepalives_count", "3"},
         {"tcp_user_timeout", "10000"}}
    };
    return values;
}

std::string value_of(const std::vector<Keyword>& keywords, std::string_view name) {
    const auto found = std::ranges::find(keywords, name, &Keyword::first);
    return found == keywords.end() ? std::string{} : found->second;
}

/// One for each host; an empty one is the default.
bool are_ports(std::string_view list) {
    for (;;) {
        const auto comma = list.find(',');
        const auto text = list.substr(0, comma);
        int port = 1;
        const auto* const end = text.data() + text.size();
        const bool is_number = std::from_chars(text.data(), end, port).ptr == end;
        if (!text.empty() && (!is_number || port < 1 || port > 65'535)) return false;
        if (comma == std::string_view::npos) return true;
        list.remove_prefix(comma + 1);
    }
}

std::string shown(const std::vector<Keyword>& keywords) {
    const auto host = value_of(keywords, "host");
    const auto port = value_of(keywords, "port");
    const auto db = value_of(keywords, "dbname");
    return fmt::format(
        "{}{}{}{}{}",
        host.empty() ? "the local socket" : host,
        port.empty() ? "" : ":",
        port,
        db.empty() ? "" : "/",
        db
    );
}

/// libpq quotes what it cannot read, which may be the password.
std::unexpected<Error> refused(std::string_view libpq_says) {
    const bool quotes = libpq_says.contains('"') || libpq_says.contains("://");
    auto why = libpq_says.substr(0, libpq_says.find(quotes ? '"' : '\n'));
    while (!why.empty() && (why.back() == ' ' || why.back() == ':')) why.remove_suffix(1);
    return fail(
        Errc::invalid_request,
        fmt::format("not a URL like postgres://user:password@host:5432/db ({})", why)
    );
}

}  // namespace

Result<Target> parse_target(std::string_view url) {
    const bool is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if (!is_url) return refused("it has to begin with postgres://");
    if (url.contains('\0')) return refused("it holds a NUL");
    char* message = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(
        PQconninfoParse(std::string(url).c_str(), &message)
    );
    const std::unique_ptr<char, FreeText> owned(message);
    if (!parsed) return refused(message != nullptr ? message : "out of memory");

    Target target;
    for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) target.keywords.emplace_back(option->keyword, option->val);
    }
    if (!are_ports(value_of(target.keywords, "port"))) return refused("a port from 1 to 65535");
    for (const auto& [name, value] : standard()) {
        if (value_of(target.keywords, name).empty()) target.keywords.emplace_back(name, value);
    }
    target.shown = shown(target.keywords);
    return target;
}

TargetWords::TargetWords(const Target& target) {
    for (const auto& [name, value] : target.keywords) {
        names.push_back(name.c_str());
        values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
}

std::string trimmed(std::string_view message) {
    while (message.ends_with('\n') || message.ends_with(' ')) message.remove_suffix(1);
    return std::string(message);
}

std::string words_of(const pg_conn* connection) {
    return connection == nullptr ? "out of memory" : trimmed(PQerrorMessage(connection));
}

}  // namespace stoker::postgres
