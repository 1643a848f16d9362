#pragma once

// What a setting's value may be: how it is read from text, how it is shown, and what stands for it
// in the help. An error says what was expected, not where the value came from.

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/listen_address.hpp"
#include "common/units.hpp"

namespace stoker {

template <class T>
struct SettingKind {
    std::string placeholder;  ///< `SIZE`; empty for a flag that needs no value
    std::function<std::expected<T, std::string>(std::string_view)> parse;
    std::function<std::string(const T&)> print;
};

SettingKind<std::int64_t> integer_kind(std::int64_t min, std::int64_t max);
/// Bytes (common/units.hpp).
SettingKind<std::uint64_t> size_kind(std::uint64_t min, std::uint64_t max);
SettingKind<Millis> duration_kind(Millis min, Millis max);
/// true/false, yes/no, on/off, 1/0.
SettingKind<bool> bool_kind();
SettingKind<std::string> text_kind(std::string placeholder);
/// A text that is not empty.
SettingKind<std::string> path_kind(std::string placeholder);
/// An URL with one of these schemes; a password in it is not shown.
SettingKind<std::string> url_kind(std::vector<std::string> schemes);
/// One of the words, in any case.
SettingKind<std::string> choice_kind(std::vector<std::string> words);
/// `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`, or `:8080` for every interface.
SettingKind<ListenAddress> listen_kind();

/// The same URL with *** for a password, for logs and for --print-config.
std::string redacted_url(std::string_view url);
std::string format_listen(const ListenAddress& address);

}  // namespace stoker
