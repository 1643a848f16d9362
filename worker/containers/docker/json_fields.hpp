#pragma once

// Reads fields of the engine's JSON, where anything may be absent or null: what is not of the type
// asked for is empty. For .cpp files.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace stoker {

inline const nlohmann::json& object_at(const nlohmann::json& from, const char* key) {
    static const nlohmann::json none = nlohmann::json::object();
    if (!from.is_object()) return none;
    const auto found = from.find(key);
    return found != from.end() && found->is_object() ? *found : none;
}

inline std::string text_at(const nlohmann::json& from, const char* key) {
    if (!from.is_object()) return {};
    const auto found = from.find(key);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

inline std::int64_t integer_at(const nlohmann::json& from, const char* key) {
    if (!from.is_object()) return 0;
    const auto found = from.find(key);
    return found != from.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

inline bool flag_at(const nlohmann::json& from, const char* key) {
    if (!from.is_object()) return false;
    const auto found = from.find(key);
    return found != from.end() && found->is_boolean() && found->get<bool>();
}

inline std::vector<std::string> texts_at(const nlohmann::json& from, const char* key) {
    std::vector<std::string> texts;
    if (!from.is_object()) return texts;
    const auto found = from.find(key);
    if (found == from.end() || !found->is_array()) return texts;
    for (const auto& text : *found) {
        if (text.is_string()) texts.push_back(text.get<std::string>());
    }
    return texts;
}

}  // namespace stoker
