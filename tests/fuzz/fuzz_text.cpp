// Any text to the small readers of common/: what is accepted can be written and read back, and what
// is shown carries nothing it should not.

#include <nlohmann/json.hpp>

#include <cstdlib>

#include "common/clock.hpp"
#include "common/http/authority.hpp"
#include "common/http/connection.hpp"
#include "common/http/headers.hpp"
#include "common/http/url.hpp"
#include "common/json_text.hpp"
#include "common/nearest.hpp"
#include "common/setting_kinds.hpp"
#include "common/utf8.hpp"

namespace {

using namespace stoker;

void check(bool sound) {
    if (!sound) std::abort();
}

void read_url(std::string_view text) {
    check(percent_decode(text).has_value() == is_percent_encoded(text));
    (void)QueryParams(text).find("a");
    if (is_authority(text)) check(is_valid_header("Host", text) && !text.contains('/'));
    if (const auto address = parse_http_address(text)) {
        check(!address->unix_path.empty() || !address->host.empty());
    }
    const auto shown = redacted_url(text);
    check(redacted_url(shown) == shown);
}

void read_units(std::string_view text) {
    if (const auto time = parse_duration(text))
        check(parse_duration(format_duration(*time)) == time);
    if (const auto size = parse_size(text)) check(parse_size(format_size(*size)) == size);
    if (const auto time = parse_time(text)) check(parse_time(format_time(*time)) == time);
}

template <class T>
void read_setting(const SettingKind<T>& kind, std::string_view text) {
    const auto value = kind.parse(text);
    if (value) check(kind.parse(kind.print(*value)) == *value);
}

void read_settings(std::string_view text) {
    read_setting(integer_kind(-5, 1'000'000), text);
    read_setting(size_kind(0, std::uint64_t{1} << 60U), text);
    read_setting(duration_kind(Millis{0}, Millis{86'400'000}), text);
    read_setting(bool_kind(), text);
    read_setting(choice_kind({"auto", "json"}), text);
    read_setting(path_kind("DIR"), text);
    read_setting(listen_kind(), text);
    if (const auto url = url_kind({"http", "sqlite"}).parse(text)) check(!url->contains('\n'));
    const std::vector<std::string> known{"--listen", "--lease"};
    (void)did_you_mean(text, known);
}

void write_json(std::string_view text) {
    std::string literal;
    append_json_string(literal, text);
    const auto json = nlohmann::json::parse(literal, nullptr, false);
    check(json.is_string() && (!is_utf8(text) || json == text));
    while (const auto c = take_code_point(text)) (void)is_letter_or_digit(*c);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.size() > 4096) return 0;
    read_url(text);
    read_units(text);
    read_settings(text);
    write_json(text);
    return 0;
}
