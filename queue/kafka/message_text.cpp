#include "queue/kafka/message_text.hpp"

#include <nlohmann/json.hpp>

namespace stoker::kafka {

namespace {

constexpr int version = 1;
constexpr std::size_t text_bytes_max = 4'096;
constexpr std::size_t id_chars_max = 256;

std::optional<std::string> id_of(const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    auto id = found->get<std::string>();
    if (id.empty() || id.size() > id_chars_max) return std::nullopt;
    return id;
}

}  // namespace

std::string to_text(const Message& message) {
    return nlohmann::json{
        {"v", version}, {"call", message.call_id}, {"fn", message.fn_id}
    }.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Message> from_text(std::string_view text, std::uint8_t priority) {
    if (text.size() > text_bytes_max) return std::nullopt;
    const auto object = nlohmann::json::parse(text, nullptr, false);
    if (!object.is_object() || object.value("v", nlohmann::json()) != version) return std::nullopt;
    auto call = id_of(object, "call");
    auto fn = id_of(object, "fn");
    if (!call || !fn) return std::nullopt;
    return Message{*std::move(call), *std::move(fn), priority};
}

}  // namespace stoker::kafka
