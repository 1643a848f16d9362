// Any bytes as a create or update body: read, validated and written back without surprise.

#include <nlohmann/json.hpp>

#include <cstdlib>

#include "model/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stoker;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto body = parse_json_object(text);
    if (!body) return 0;
    if (const auto app = app_from_json(*body); app && validate(*app)) {
        if (annotations_from_text(dump_annotations(app->annotations)) != app->annotations) {
            std::abort();
        }
        if (config_from_text(dump(app->config)) != app->config) std::abort();
        to_json(*app).dump();
    }
    if (const auto fn = fn_from_json(*body); fn && validate(*fn)) to_json(*fn).dump();
    if (const auto patch = fn_patch_from_json(*body)) (void)apply(Fn{}, *patch, WallTime{});
    if (const auto patch = app_patch_from_json(*body)) (void)apply(App{}, *patch, WallTime{});
    return 0;
}
