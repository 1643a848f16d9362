#include "model/json.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

#include "common/json_text.hpp"
#include "common/utf8.hpp"
#include "model/cpus.hpp"

namespace stoker {

namespace {

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json parsed(std::string_view text) { return Json::parse(text, nullptr, false); }

Json config_json(const Config& config) {
    Json object = Json::object();
    for (const auto& [key, value] : config) object[key] = value;
    return object;
}

Json annotations_json(const Annotations& annotations) {
    Json object = Json::object();
    for (const auto& [key, value] : annotations) object[key] = parsed(value);
    return object;
}

void put_time(Json& object, const char* key, std::optional<WallTime> time) {
    if (time && *time != WallTime{}) object[key] = format_time(*time);
}

constexpr std::array<std::pair<const char*, std::uint64_t CallStats::*>, 6> stats_members{{
    {"cpu_ms", &CallStats::cpu_ms},
    {"memory_peak_bytes", &CallStats::memory_peak_bytes},
    {"disk_read_bytes", &CallStats::disk_read_bytes},
    {"disk_written_bytes", &CallStats::disk_written_bytes},
    {"net_received_bytes", &CallStats::net_received_bytes},
    {"net_sent_bytes", &CallStats::net_sent_bytes},
}};

Json stats_json(const CallStats& stats) {
    Json object = Json::object();
    for (const auto& [name, member] : stats_members) object[name] = stats.*member;
    return object;
}

/// One that only bounds the attempts is only that.
Json retry_json(const RetryPolicy& retry) {
    Json object;
    object["max_attempts"] = retry.max_attempts;
    if (retry == RetryPolicy{.max_attempts = retry.max_attempts}) return object;
    object["on"] = Json::array();
    for (const auto word : retry_outcome_words) {
        if (retry.on.has(*parse_retry_outcome(word))) object["on"].push_back(word);
    }
    object["base_ms"] = retry.base_ms;
    object["cap_ms"] = retry.cap_ms;
    return object;
}

/// Header values may hold any byte but JSON only text: such a value is written with each byte as
/// the code point of its number, and marked.
constexpr int bytes_mark = 1;

std::string bytes_to_text(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            text += c;
        } else {
            text += static_cast<char>(0xC0U | (byte >> 6U));
            text += static_cast<char>(0x80U | (byte & 0x3FU));
        }
    }
    return text;
}

std::string text_to_bytes(std::string_view text) {
    std::string bytes;
    while (const auto c = take_code_point(text)) bytes += static_cast<char>(*c & 0xFFU);
    return bytes;
}

void append_header(std::string& out, const Header& header) {
    out += '[';
    append_json_string(out, header.first);
    out += ',';
    const bool text = is_utf8(header.second);
    append_json_string(out, text ? header.second : bytes_to_text(header.second));
    out += text ? "]" : ",1]";
}

bool is_header(const Json& entry) {
    return entry.is_array() && (entry.size() == 2 || entry.size() == 3) && entry[0].is_string() &&
           entry[1].is_string();
}

}  // namespace

Json to_json(const App& app) {
    Json object;
    object["id"] = app.id;
    object["name"] = app.name;
    if (!app.config.empty()) object["config"] = config_json(app.config);
    if (!app.annotations.empty()) object["annotations"] = annotations_json(app.annotations);
    if (app.syslog_url) object["syslog_url"] = *app.syslog_url;
    put_time(object, "created_at", app.created_at);
    put_time(object, "updated_at", app.updated_at);
    return object;
}

Json to_json(const Fn& fn) {
    Json object;
    object["id"] = fn.id;
    object["name"] = fn.name;
    object["app_id"] = fn.app_id;
    object["image"] = fn.image;
    object["type"] = to_word(fn.type);
    object["format"] = to_word(fn.format);
    object["memory"] = fn.memory;
    if (fn.cpus > 0) object["cpus"] = format_milli_cpus(fn.cpus);
    if (fn.tmpfs_size > 0) object["tmpfs_size"] = fn.tmpfs_size;
    object["timeout"] = fn.timeout;
    object["idle_timeout"] = fn.idle_timeout;
    object["retry"] = retry_json(fn.retry);
    if (fn.priority > 0) object["priority"] = fn.priority;
    if (fn.max_age > 0) object["max_age"] = fn.max_age;
    if (fn.paused) object["paused"] = true;
    if (fn.max_concurrency > 0) object["max_concurrency"] = fn.max_concurrency;
    if (fn.min_idle > 0) object["min_idle"] = fn.min_idle;
    object["config"] = config_json(fn.config);
    if (!fn.annotations.empty()) object["annotations"] = annotations_json(fn.annotations);
    put_time(object, "created_at", fn.created_at);
    put_time(object, "updated_at", fn.updated_at);
    return object;
}

Json to_json(const Call& call) {
    Json object;
    object["id"] = call.id;
    object["status"] = to_word(call.status);
    if (!is_terminal(call.status) && call.status != CallStatus::delayed) {
        object["phase"] = to_word(call.phase);
        if (!call.waiting_for.empty()) object["waiting_for"] = call.waiting_for;
    }
    if (!call.redriven_from.empty()) object["redriven_from"] = call.redriven_from;
    if (call.cancel_requested && !is_terminal(call.status)) object["cancel_requested"] = true;
    object["attempt"] = call.attempt;
    object["max_attempts"] = call.max_attempts;
    if (!call.retry_on.empty()) object["retry"] = retry_json(call.retry());
    object["app_id"] = call.app_id;
    object["fn_id"] = call.fn_id;
    object["fn_rev"] = call.fn_rev;
    object["image"] = call.image;
    object["format"] = to_word(call.format);
    object["memory"] = call.memory;
    if (call.cpus > 0) object["cpus"] = format_milli_cpus(call.cpus);
    if (call.tmpfs_size > 0) object["tmpfs_size"] = call.tmpfs_size;
    object["timeout"] = call.timeout;
    object["idle_timeout"] = call.idle_timeout;
    object["priority"] = call.priority;
    if (!call.error.empty()) object["error"] = call.error;
    if (!call.error_code.empty()) object["error_code"] = call.error_code;
    put_time(object, "created_at", call.created_at);
    put_time(object, "run_at", call.run_at);
    put_time(object, "expires_at", call.expires_at);
    put_time(object, "claimed_at", call.claimed_at);
    put_time(object, "started_at", call.started_at);
    put_time(object, "completed_at", call.completed_at);
    if (call.stats) object["stats"] = stats_json(*call.stats);
    return object;
}

std::string dump(const CallStats& stats) { return dumped(stats_json(stats)); }

std::optional<CallStats> stats_from_text(std::string_view json) {
    const auto object = parsed(json);
    if (!object.is_object()) return std::nullopt;
    CallStats stats;
    for (const auto& [name, member] : stats_members) {
        const auto found = object.find(name);
        if (found != object.end() && found->is_number_unsigned()) {
            stats.*member = found->get<std::uint64_t>();
        }
    }
    return stats;
}

std::string dump(const Config& config) { return dumped(config_json(config)); }

Config config_from_text(std::string_view json) {
    Config config;
    const auto object = parsed(json);
    if (!object.is_object()) return config;
    for (const auto& [key, value] : object.items()) {
        if (value.is_string()) config[key] = value.get<std::string>();
    }
    return config;
}

std::string dump_annotations(const Annotations& annotations) {
    std::string out = "{";
    for (const auto& [key, value] : annotations) {
        if (out.size() > 1) out += ',';
        append_json_string(out, key);
        out += ':';
        out += value;
    }
    return out + '}';
}

Annotations annotations_from_text(std::string_view json) {
    Annotations annotations;
    const auto object = parsed(json);
    if (!object.is_object()) return annotations;
    for (const auto& [key, value] : object.items()) annotations[key] = dumped(value);
    return annotations;
}

std::string dump(const Headers& headers) {
    std::string out = "[";
    for (const auto& header : headers) {
        if (out.size() > 1) out += ',';
        append_header(out, header);
    }
    return out + ']';
}

Headers headers_from_text(std::string_view json) {
    Headers headers;
    const auto list = parsed(json);
    if (!list.is_array()) return headers;
    for (const auto& entry : list) {
        if (!is_header(entry)) continue;
        const auto& value = entry[1].get_ref<const std::string&>();
        const bool bytes = entry.size() == 3 && entry[2] == bytes_mark;
        headers.emplace_back(entry[0].get<std::string>(), bytes ? text_to_bytes(value) : value);
    }
    return headers;
}

}  // namespace stoker
