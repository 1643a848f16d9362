#include "model/fn_spec.hpp"

#include <concepts>

namespace stoker {

namespace {

void append_text(std::string& key, std::string_view text) {
    key += text;
    key += '\0';
}

template <std::unsigned_integral N>
void append_number(std::string& key, N number) {
    for (std::size_t i = 0; i < sizeof(N); ++i) {
        key += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i));
    }
}

void append_map(std::string& key, const std::map<std::string, std::string>& map) {
    for (const auto& [name, value] : map) {
        append_text(key, name);
        append_text(key, value);
    }
}

template <class Map>
Map layered(const Map& under, const Map& over) {
    Map merged = under;
    for (const auto& [name, value] : over) merged[name] = value;
    return merged;
}

/// Fn hashes these bytes, where ours adds the format at the end; as a map key they serve unhashed,
/// and nothing can collide.
std::string slot_key(const App& app, const Fn& fn, const Config& config) {
    std::string key;
    append_text(key, app.id);
    append_text(key, app.syslog_url.value_or(""));
    append_text(key, fn.id);
    append_text(key, fn.image);
    append_number(key, static_cast<std::uint32_t>(fn.timeout));
    append_number(key, static_cast<std::uint32_t>(fn.idle_timeout));
    append_number(key, fn.tmpfs_size);
    append_number(key, fn.memory);
    append_number(key, fn.cpus);
    key += '\0';
    append_map(key, config);
    key += '\0';
    append_map(key, layered(app.annotations, fn.annotations));
    key += '\0';
    append_text(key, to_word(fn.format));
    return key;
}

}  // namespace

FnSpecRef make_fn_spec(const App& app, const Fn& fn) {
    auto config = layered(app.config, fn.config);
    auto key = slot_key(app, fn, config);
    return std::make_shared<const FnSpec>(FnSpec{
        .app_id = app.id,
        .app_name = app.name,
        .fn_id = fn.id,
        .fn_name = fn.name,
        .image = fn.image,
        .format = fn.format,
        .memory_mb = fn.memory,
        .milli_cpus = fn.cpus,
        .tmpfs_mb = fn.tmpfs_size,
        .timeout_s = fn.timeout,
        .idle_timeout_s = fn.idle_timeout,
        .max_concurrency = fn.max_concurrency,
        .min_idle = fn.min_idle,
        .syslog_url = app.syslog_url.value_or(""),
        .config = std::move(config),
        .slot_key = std::move(key),
    });
}

}  // namespace stoker
