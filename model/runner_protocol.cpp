#include "model/runner_protocol.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>

#include "common/base64.hpp"
#include "model/json.hpp"

namespace stoker::runner {

namespace {

constexpr std::string_view version_field = "Stoker-Protocol";
constexpr std::string_view call_field = "Stoker-Call";
constexpr std::string_view content_type_field = "Stoker-Content-Type";
constexpr std::string_view wait_field = "Stoker-Slot-Wait-Ms";
constexpr std::string_view body_field = "Stoker-Body-Bytes";
constexpr std::string_view outcome_field = "Stoker-Outcome";
constexpr std::string_view status_field = "Stoker-Status";
constexpr std::string_view length_field = "Content-Length";
constexpr std::string_view prefix = "Stoker-H-";

constexpr std::array<std::string_view, 3> outcome_words{"answer", "error", "refused"};

template <class Number>
std::optional<Number> number_of(const std::string* text) {
    Number number{};
    if (text == nullptr) return std::nullopt;
    const auto* end = text->data() + text->size();
    const auto [at, failed] = std::from_chars(text->data(), end, number);
    if (failed != std::errc{} || at != end || text->empty()) return std::nullopt;
    return number;
}

/// ASCII without control characters: it stands in a field of a head.
std::string as_field(const Json& json) {
    return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Json to_json(const FnSpec& fn) {
    Json json;
    json["app_id"] = fn.app_id;
    json["app_name"] = fn.app_name;
    json["fn_id"] = fn.fn_id;
    json["fn_name"] = fn.fn_name;
    json["image"] = fn.image;
    json["format"] = to_word(fn.format);
    json["memory_mb"] = fn.memory_mb;
    json["milli_cpus"] = fn.milli_cpus;
    json["tmpfs_mb"] = fn.tmpfs_mb;
    json["timeout_s"] = fn.timeout_s;
    json["idle_timeout_s"] = fn.idle_timeout_s;
    json["max_concurrency"] = fn.max_concurrency;
    json["min_idle"] = fn.min_idle;
    json["syslog_url"] = fn.syslog_url;
    json["config"] = fn.config;
    json["slot_key"] = base64url_encode(fn.slot_key);  // arbitrary bytes
    return json;
}

FnSpecRef fn_from(const Json& json) {
    FnSpec fn;
    json.at("app_id").get_to(fn.app_id);
    json.at("app_name").get_to(fn.app_name);
    json.at("fn_id").get_to(fn.fn_id);
    json.at("fn_name").get_to(fn.fn_name);
    json.at("image").get_to(fn.image);
    const auto format = parse_fn_format(json.at("format").get<std::string>());
    if (!format) return nullptr;
    fn.format = *format;
    json.at("memory_mb").get_to(fn.memory_mb);
    json.at("milli_cpus").get_to(fn.milli_cpus);
    json.at("tmpfs_mb").get_to(fn.tmpfs_mb);
    json.at("timeout_s").get_to(fn.timeout_s);
    json.at("idle_timeout_s").get_to(fn.idle_timeout_s);
    json.at("max_concurrency").get_to(fn.max_concurrency);
    json.at("min_idle").get_to(fn.min_idle);
    json.at("syslog_url").get_to(fn.syslog_url);
    json.at("config").get_to(fn.config);
    auto key = base64_decode(json.at("slot_key").get<std::string>());
    if (!key) return nullptr;
    fn.slot_key = std::move(*key);
    return std::make_shared<const FnSpec>(std::move(fn));
}

std::optional<Invocation> invocation_from(std::string_view text) {
    try {
        const auto json = Json::parse(text);
        Invocation invocation;
        json.at("call_id").get_to(invocation.call_id);
        json.at("method").get_to(invocation.method);
        json.at("url").get_to(invocation.url);
        json.at("attempt").get_to(invocation.attempt);
        invocation.fn = fn_from(json.at("fn"));
        if (!invocation.fn) return std::nullopt;
        return invocation;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

void add_prefixed(Headers& to, const Headers& fields) {
    for (const auto& [name, value] : fields) to.emplace_back(std::string(prefix) + name, value);
}

Headers without_prefix(const Headers& fields) {
    Headers found;
    for (const auto& [name, value] : fields) {
        if (name.size() <= prefix.size()) continue;
        if (!same_header_name(std::string_view(name).substr(0, prefix.size()), prefix)) continue;
        found.emplace_back(name.substr(prefix.size()), value);
    }
    return found;
}

bool is_of_this_version(const Headers& fields) {
    return number_of<int>(find_header(fields, version_field)) == version;
}

}  // namespace

Headers request_fields(
    const Invocation& invocation, Millis slot_wait, std::optional<std::uint64_t> body_bytes
) {
    Json json;
    json["call_id"] = invocation.call_id;
    json["method"] = invocation.method;
    json["url"] = invocation.url;
    json["attempt"] = invocation.attempt;
    json["fn"] = to_json(*invocation.fn);
    Headers fields{
        {std::string(version_field), std::to_string(version)},
        {std::string(call_field), as_field(json)},
        {std::string(wait_field), std::to_string(slot_wait.count())},
    };
    if (!invocation.content_type.empty()) {
        fields.emplace_back(content_type_field, invocation.content_type);
    }
    if (body_bytes) fields.emplace_back(body_field, std::to_string(*body_bytes));
    add_prefixed(fields, invocation.headers);
    return fields;
}

Result<Call> read_request(const Headers& fields) {
    if (!is_of_this_version(fields)) {
        return fail(
            Errc::invalid_request,
            fmt::format("this worker speaks version {} of the runner protocol", version)
        );
    }
    const auto* text = find_header(fields, call_field);
    auto invocation = text ? invocation_from(*text) : std::nullopt;
    const auto wait = number_of<std::int64_t>(find_header(fields, wait_field));
    if (!invocation || !wait || *wait < 0) {
        return fail(Errc::invalid_request, "not a call of the runner protocol");
    }
    if (const auto* type = find_header(fields, content_type_field)) {
        invocation->content_type = *type;
    }
    invocation->headers = without_prefix(fields);
    return Call{
        std::move(*invocation),
        Millis(*wait),
        number_of<std::uint64_t>(find_header(fields, body_field))
    };
}

Headers outcome_fields(Outcome outcome) {
    return {
        {std::string(version_field), std::to_string(version)},
        {std::string(outcome_field),
         std::string(outcome_words.at(static_cast<std::size_t>(outcome)))},
    };
}

Headers answer_fields(const AnswerHead& head) {
    auto fields = outcome_fields(Outcome::answer);
    fields.emplace_back(status_field, std::to_string(head.status));
    add_prefixed(fields, head.headers);
    return fields;
}

std::optional<Outcome> outcome_of(const Headers& fields) {
    const auto* word = find_header(fields, outcome_field);
    if (word == nullptr || !is_of_this_version(fields)) return std::nullopt;
    for (std::size_t i = 0; i < outcome_words.size(); ++i) {
        if (*word == outcome_words.at(i)) return static_cast<Outcome>(i);
    }
    return std::nullopt;
}

std::optional<AnswerHead> read_answer(const Headers& fields) {
    const auto status = number_of<int>(find_header(fields, status_field));
    if (!status || *status < 100 || *status > 999) return std::nullopt;
    return AnswerHead{
        .status = *status,
        .headers = without_prefix(fields),
        .length = number_of<std::uint64_t>(find_header(fields, length_field))
    };
}

std::string error_text(const Error& error) {
    Json json;
    json["code"] = spec_of(error.code).word;
    json["message"] = error.message;
    json["detail"] = error.detail;
    return as_field(json);
}

Error read_error(std::string_view text) {
    const auto json = Json::parse(text, nullptr, false);
    const auto word = [&](const char* name) {
        return json.is_object() && json.contains(name) && json.at(name).is_string()
                   ? json.at(name).get<std::string>()
                   : std::string{};
    };
    const auto code = parse_errc(word("code"));
    // A worker may know codes that we do not.
    return {code.value_or(Errc::internal), word("message"), word("detail")};
}

}  // namespace stoker::runner
