#include "datastore/postgres/params.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "common/utf8.hpp"

namespace stoker::postgres {

namespace {

template <std::integral Number>
void append_big_endian(std::string& to, Number number) {
    const auto value = std::bit_cast<std::array<char, sizeof(Number)>>(std::byteswap(number));
    to.append(value.data(), value.size());
}

/// Text that the server takes: `text` itself, but for what it could not hold.
std::string storable(std::string_view text) {
    std::string clean;
    while (!text.empty()) {
        const auto before = text;
        const auto point = take_code_point(text);
        if (point && *point != 0) {
            clean += before.substr(0, before.size() - text.size());
            continue;
        }
        if (!point) text.remove_prefix(1);
        clean += "\xEF\xBF\xBD";
    }
    return clean;
}

std::string_view word_of(Column::Of type) {
    switch (type) {
        case Column::Of::bytes: return "bytea";
        case Column::Of::number: return "bigint";
        case Column::Of::text: break;
    }
    return "text";
}

bool is_storable(std::string_view text) {
    const bool plain = std::ranges::all_of(text, [](char c) { return c > 0; });
    return plain || (!text.contains('\0') && is_utf8(text));
}

}  // namespace

void Column::add(std::string_view text) {
    if (is_storable(text)) {
        append(text);
    } else {
        append(storable(text));
    }
}

void Column::append(std::string_view bytes) {
    append_big_endian(elements_, static_cast<std::int32_t>(bytes.size()));
    elements_ += bytes;
    ++count_;
}

void Column::append_number(std::int64_t number) {
    append_big_endian(elements_, std::int32_t{sizeof number});
    append_big_endian(elements_, number);
    ++count_;
}

void Column::append_null() {
    append_big_endian(elements_, std::int32_t{-1});
    ++count_;
    has_null_ = true;
}

std::string Column::to_array() const {
    std::string array;
    array.reserve(20 + elements_.size());
    const std::int32_t dimensions = count_ == 0 ? 0 : 1;
    append_big_endian(array, dimensions);
    append_big_endian(array, std::int32_t{has_null_});
    append_big_endian(array, static_cast<std::int32_t>(type_));
    if (dimensions == 0) return array;
    append_big_endian(array, static_cast<std::int32_t>(count_));
    append_big_endian(array, std::int32_t{1});  // the first index
    return array += elements_;
}

std::string parameters(const Types& types, std::size_t first, std::string_view behind) {
    std::string list;
    for (std::size_t i = 0; i < types.size(); ++i) {
        list += fmt::format("{}${}::{}{}", i > 0 ? ", " : "", first + i, word_of(types[i]), behind);
    }
    return list;
}

void Params::add(std::string_view text) {
    values_.emplace_back(is_storable(text) ? std::string(text) : storable(text));
}

void Params::add(const std::vector<std::string>& texts) {
    Column column(Column::Of::text);
    for (const auto& text : texts) column.add(text);
    add(column);
}

void Params::add_number(std::int64_t number) {
    std::string value;
    append_big_endian(value, number);
    values_.emplace_back(std::move(value));
}

}  // namespace stoker::postgres
