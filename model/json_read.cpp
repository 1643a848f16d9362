// Request bodies to model values. A wrong type is invalid JSON, as for Fn's decoder; null and the
// zero of a type (0, "") count as absent; a number that does not fit is left to the range checks.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <limits>
#include <utility>

#include "common/units.hpp"
#include "model/cpus.hpp"
#include "model/json.hpp"

namespace stoker {

namespace {

// The ordered object finds its keys by scanning: without a bound a body of many keys costs their
// square.
constexpr int depth_max = 64;
constexpr int keys_max = 4096;

bool is_within_bounds(std::string_view text) {
    int depth = 0;
    int keys = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > depth_max) return false;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == ':') {
            if (++keys > keys_max) return false;
        }
    }
    return true;
}

/// Reads fields one after the other and keeps the first failure, so that the callers read like a
/// list of fields.
class Reader {
public:
    explicit Reader(const Json& object) : object_(object) {}

    std::optional<std::string> text(const char* key) {
        const auto* value = find(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_string()) return wrong_type();
        auto result = value->get<std::string>();
        if (result.empty()) return std::nullopt;
        return result;
    }

    /// Kept even when empty: "" then has a meaning of its own.
    std::optional<std::string> text_or_empty(const char* key) {
        const auto* value = find(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_string()) return wrong_type();
        return value->get<std::string>();
    }

    /// Clamped to N's range; a negative number for an unsigned N becomes its maximum, to be
    /// refused.
    template <std::integral N>
    std::optional<N> number(const char* key) {
        const auto* value = find(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_number_integer()) return wrong_type();
        const auto result = clamped<N>(*value);
        if (result == 0) return std::nullopt;
        return result;
    }

    std::optional<std::int32_t> seconds(const char* key) {
        const auto* value = find(key);
        if (value == nullptr || !value->is_string()) return number<std::int32_t>(key);
        return written_seconds(key, *value);
    }

    /// As seconds(), but 0 is a value of its own.
    std::optional<std::int32_t> seconds_or_none(const char* key) {
        const auto* value = find(key);
        if (value == nullptr || !value->is_string()) return count<std::int32_t>(key);
        return written_seconds(key, *value);
    }

    /// As number(), but 0 is a value of its own: it takes a bound away.
    template <std::integral N>
    std::optional<N> count(const char* key) {
        const auto* value = find(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_number_integer()) return wrong_type();
        return clamped<N>(*value);
    }

    std::optional<std::uint64_t> milli_cpus() {
        const auto written = text_or_empty("cpus");
        if (!written) return std::nullopt;
        const auto value = parse_milli_cpus(*written);
        if (!value) return refuse(std::string(cpus_rule));
        return value;
    }

    std::optional<FnFormat> format() {
        const auto word = text("format");
        if (!word) return std::nullopt;
        const auto format = parse_fn_format(*word);
        if (!format) return refuse("Invalid Fn format");
        return format;
    }

    std::optional<InvokeType> invoke_type() {
        const auto word = text("type");
        if (!word) return std::nullopt;
        const auto type = parse_invoke_type(*word);
        if (!type) return refuse("Invalid Fn type");
        return type;
    }

    /// As a whole: what a policy does not say is at its default.
    std::optional<RetryPolicy> retry() {
        const auto* value = find("retry");
        if (value == nullptr) return std::nullopt;
        if (!value->is_object()) return wrong_type();
        RetryPolicy policy;
        bool says_something = false;
        for (const auto& [key, field] : value->items()) {
            if (field.is_null()) continue;
            says_something = true;
            if (key == "on") {
                policy.on = retry_outcomes(field);
            } else if (key == "max_attempts") {
                policy.max_attempts = whole<int>(field);
            } else if (key == "base_ms") {
                policy.base_ms = whole<std::int64_t>(field);
            } else if (key == "cap_ms") {
                policy.cap_ms = whole<std::int64_t>(field);
            } else {
                return refuse("retry." + key + " is not supported");
            }
        }
        if (!says_something) return std::nullopt;
        return policy;
    }

    Config config() {
        Config result;
        for_each_entry("config", [&](const std::string& key, const Json& value) {
            if (!value.is_string() && !value.is_null()) {
                wrong_type();
            } else {
                result[key] = value.is_null() ? "" : value.get<std::string>();
            }
        });
        return result;
    }

    Annotations annotations() {
        Annotations result;
        for_each_entry("annotations", [&](const std::string& key, const Json& value) {
            const auto* text = value.get_ptr<const std::string*>();
            const bool empty = value.is_null() || (text != nullptr && text->empty());
            result[key] = empty ? "" : value.dump();
        });
        return result;
    }

    /// Fields that must have the right type although their value is not used.
    void ignored_texts(std::initializer_list<const char*> keys) {
        for (const auto* key : keys) text(key);
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
    /// Null counts as absent.
    const Json* find(const char* key) {
        const auto at = object_.find(key);
        return at == object_.end() || at->is_null() ? nullptr : &*at;
    }

    template <std::integral N>
    static N clamped(const Json& number) {
        if (std::in_range<N>(number.get<std::int64_t>()) && !number.is_number_unsigned()) {
            return static_cast<N>(number.get<std::int64_t>());
        }
        if (number.is_number_unsigned()) {
            constexpr auto max = std::numeric_limits<N>::max();
            const auto value = number.get<std::uint64_t>();
            return std::in_range<N>(value) ? static_cast<N>(value) : max;
        }
        // Too small: for an unsigned N both ends are wrong, and 0 would count as absent.
        return std::signed_integral<N> ? std::numeric_limits<N>::min()
                                       : std::numeric_limits<N>::max();
    }

    template <std::integral N>
    N whole(const Json& field) {
        if (field.is_number_integer()) return clamped<N>(field);
        wrong_type();
        return {};
    }

    std::optional<std::int32_t> written_seconds(const char* key, const Json& value) {
        const auto duration = parse_duration(value.get_ref<const std::string&>());
        if (!duration) return refuse(std::string(key) + " is not a duration such as 30 or \"30s\"");
        const auto whole = std::chrono::floor<std::chrono::seconds>(*duration);
        if (whole != *duration) return refuse(std::string(key) + " must be whole seconds");
        constexpr std::int64_t max = std::numeric_limits<std::int32_t>::max();
        return static_cast<std::int32_t>(std::min<std::int64_t>(whole.count(), max));
    }

    RetryOutcomes retry_outcomes(const Json& list) {
        RetryOutcomes outcomes;
        if (!list.is_array()) wrong_type();
        for (const auto& word : list) {
            const auto* text = word.get_ptr<const std::string*>();
            const auto outcome = text ? parse_retry_outcome(*text) : std::nullopt;
            if (!outcome) {
                refuse("retry.on is a list of error, timeout, killed and 5xx");
                break;
            }
            outcomes.add(*outcome);
        }
        return outcomes;
    }

    template <class Visit>
    void for_each_entry(const char* key, Visit visit) {
        const auto* value = find(key);
        if (value == nullptr) return;
        if (!value->is_object()) {
            wrong_type();
            return;
        }
        for (const auto& [name, entry] : value->items()) visit(name, entry);
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

}  // namespace

Result<Json> parse_json_object(std::string_view text) {
    if (!is_within_bounds(text)) {
        return fail(Errc::invalid_json, "Invalid JSON: nested too deeply or too many keys");
    }
    auto json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return fail(Errc::invalid_json);
    return json;
}

Result<App> app_from_json(const Json& body) {
    Reader read(body);
    if (read.text("id")) read.refuse("App ID cannot be supplied on create");
    App app;
    app.name = read.text("name").value_or("");
    app.config = read.config();
    app.annotations = read.annotations();
    app.syslog_url = read.text("syslog_url");
    return read.finish(std::move(app));
}

Result<Fn> fn_from_json(const Json& body) {
    Reader read(body);
    if (read.text("id")) read.refuse("ID cannot be provided for Fn creation");
    Fn fn;
    fn.app_id = read.text("app_id").value_or("");
    fn.name = read.text("name").value_or("");
    fn.image = read.text("image").value_or("");
    fn.type = read.invoke_type().value_or(fn.type);
    fn.format = read.format().value_or(fn.format);
    fn.memory = read.number<std::uint64_t>("memory").value_or(fn.memory);
    fn.cpus = read.milli_cpus().value_or(fn.cpus);
    fn.tmpfs_size = read.count<std::uint32_t>("tmpfs_size").value_or(fn.tmpfs_size);
    fn.timeout = read.seconds("timeout").value_or(fn.timeout);
    fn.idle_timeout = read.seconds("idle_timeout").value_or(fn.idle_timeout);
    fn.retry = read.retry().value_or(fn.retry);
    fn.priority = read.count<int>("priority").value_or(fn.priority);
    fn.max_age = read.seconds_or_none("max_age").value_or(fn.max_age);
    fn.max_concurrency = read.count<std::int32_t>("max_concurrency").value_or(fn.max_concurrency);
    fn.min_idle = read.count<std::int32_t>("min_idle").value_or(fn.min_idle);
    fn.config = read.config();
    fn.annotations = read.annotations();
    return read.finish(std::move(fn));
}

Result<AppPatch> app_patch_from_json(const Json& body) {
    Reader read(body);
    AppPatch patch;
    patch.id = read.text("id");
    patch.name = read.text("name");
    patch.config = read.config();
    patch.annotations = read.annotations();
    patch.syslog_url = read.text_or_empty("syslog_url");
    return read.finish(std::move(patch));
}

Result<FnPatch> fn_patch_from_json(const Json& body) {
    Reader read(body);
    FnPatch patch;
    patch.id = read.text("id");
    read.ignored_texts({"app_id", "name"});
    patch.image = read.text("image");
    patch.type = read.invoke_type();
    patch.format = read.format();
    patch.memory = read.number<std::uint64_t>("memory");
    patch.cpus = read.milli_cpus();
    patch.tmpfs_size = read.count<std::uint32_t>("tmpfs_size");
    patch.timeout = read.seconds("timeout");
    patch.idle_timeout = read.seconds("idle_timeout");
    patch.retry = read.retry();
    patch.priority = read.count<int>("priority");
    patch.max_age = read.seconds_or_none("max_age");
    patch.max_concurrency = read.count<std::int32_t>("max_concurrency");
    patch.min_idle = read.count<std::int32_t>("min_idle");
    patch.config = read.config();
    patch.annotations = read.annotations();
    return read.finish(std::move(patch));
}

}  // namespace stoker
