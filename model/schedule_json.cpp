#include "model/schedule_json.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace stoker {

namespace {

/// Fields one after the other; the first failure is kept. Null counts as absent.
class Reader {
public:
    explicit Reader(const Json& object) : object_(object) {}

    std::optional<std::string> text(const char* key) {
        const auto* value = find(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_string()) return wrong_type();
        return value->get<std::string>();
    }

    std::optional<bool> flag(const char* key) {
        const auto* value = find(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_boolean()) return wrong_type();
        return value->get<bool>();
    }

    std::optional<MissedRule> missed() {
        const auto word = text("missed");
        if (!word) return std::nullopt;
        const auto rule = parse_missed_rule(*word);
        if (!rule) return refuse("missed must be skip, once or all");
        return rule;
    }

    /// `{"Name": "value", "Other": ["a", "b"]}`.
    std::optional<Headers> headers() {
        const auto* value = find("headers");
        if (value == nullptr) return std::nullopt;
        if (!value->is_object()) return wrong_type();
        Headers headers;
        for (const auto& [name, entry] : value->items()) {
            if (entry.is_string()) {
                headers.emplace_back(name, entry.get<std::string>());
                continue;
            }
            if (!entry.is_array()) return wrong_type();
            for (const auto& each : entry) {
                if (!each.is_string()) return wrong_type();
                headers.emplace_back(name, each.get<std::string>());
            }
        }
        return headers;
    }

    std::nullopt_t refuse(std::string message) {
        note({Errc::invalid_request, std::move(message), {}});
        return std::nullopt;
    }

    template <class T>
    Result<T> finish(T value) {
        if (failure_) return fail(std::move(*failure_));
        return value;
    }

private:
    const Json* find(const char* key) {
        const auto at = object_.find(key);
        return at == object_.end() || at->is_null() ? nullptr : &*at;
    }

    std::nullopt_t wrong_type() {
        note({Errc::invalid_json, {}, {}});
        return std::nullopt;
    }

    void note(Error error) {
        if (!failure_) failure_ = std::move(error);
    }

    const Json& object_;
    std::optional<Error> failure_;
};

Json headers_json(const Headers& headers) {
    Json object = Json::object();
    for (const auto& [name, value] : headers) {
        auto& entry = object[name];
        if (entry.is_null()) entry = Json::array();
        entry.push_back(value);
    }
    return object;
}

void put_time(Json& object, const char* key, std::optional<WallTime> time) {
    if (time) object[key] = format_time(*time);
}

}  // namespace

Json to_json(const Schedule& schedule) {
    Json object;
    object["id"] = schedule.id;
    object["app_id"] = schedule.app_id;
    object["fn_id"] = schedule.fn_id;
    if (!schedule.name.empty()) object["name"] = schedule.name;
    object["cron"] = schedule.cron;
    object["time_zone"] = schedule.time_zone;
    object["missed"] = to_word(schedule.missed);
    object["paused"] = schedule.paused;
    if (!schedule.headers.empty()) object["headers"] = headers_json(schedule.headers);
    if (!schedule.content_type.empty()) object["content_type"] = schedule.content_type;
    if (!schedule.body.empty()) object["body"] = schedule.body;
    put_time(object, "next_at", schedule.next_at);
    put_time(object, "last_at", schedule.last_at);
    if (!schedule.last_call_id.empty()) object["last_call_id"] = schedule.last_call_id;
    put_time(object, "created_at", schedule.created_at);
    put_time(object, "updated_at", schedule.updated_at);
    return object;
}

Result<Schedule> schedule_from_json(const Json& body) {
    Reader read(body);
    if (!read.text("id").value_or("").empty()) {
        read.refuse("ID cannot be provided for Schedule creation");
    }
    Schedule schedule;
    schedule.fn_id = read.text("fn_id").value_or("");
    schedule.name = read.text("name").value_or("");
    schedule.cron = read.text("cron").value_or("");
    schedule.time_zone = read.text("time_zone").value_or(schedule.time_zone);
    schedule.missed = read.missed().value_or(schedule.missed);
    schedule.paused = read.flag("paused").value_or(false);
    schedule.headers = read.headers().value_or(Headers{});
    schedule.content_type = read.text("content_type").value_or("");
    schedule.body = read.text("body").value_or("");
    return read.finish(std::move(schedule));
}

Result<SchedulePatch> schedule_patch_from_json(const Json& body) {
    Reader read(body);
    SchedulePatch patch;
    patch.id = read.text("id");
    patch.name = read.text("name");
    patch.cron = read.text("cron");
    patch.time_zone = read.text("time_zone");
    patch.missed = read.missed();
    patch.paused = read.flag("paused");
    patch.headers = read.headers();
    patch.content_type = read.text("content_type");
    patch.body = read.text("body");
    return read.finish(std::move(patch));
}

}  // namespace stoker
