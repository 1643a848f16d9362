#pragma once

// The values of one execution of a statement, in PostgreSQL's binary format: numbers and times go
// as int8, words as text, bodies as bytea; a Column is an array, for unnest(). What text cannot
// hold there (NUL, bytes that are not UTF-8) becomes U+FFFD, so that no value a user made can fail
// a statement. Every parameter is cast in the SQL (`$1::text`), which fixes its type. Private to
// datastore/postgres.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"

namespace stoker::postgres {

/// Goes as bytea.
struct Bytes {
    std::string_view value;
};

/// One column of many rows. Its elements are all of one type: text, int8 or bytea.
class Column {
public:
    // NOLINTNEXTLINE(performance-enum-size): the server's numbers of types, sent as four bytes
    enum class Of : std::uint32_t { bytes = 17, number = 20, text = 25 };

    explicit Column(Of type) : type_(type) {}

    void add(std::string_view text);
    void add(const std::string& text) { add(std::string_view(text)); }
    void add(Bytes bytes) { append(bytes.value); }
    void add(std::integral auto number) { append_number(static_cast<std::int64_t>(number)); }
    void add(WallTime time) { append_number(to_ms(time)); }
    template <class Value>
    void add(const std::optional<Value>& value) {
        if (value) {
            add(*value);
        } else {
            append_null();
        }
    }

    /// As the server reads it.
    std::string to_array() const;

private:
    void append(std::string_view bytes);
    void append_number(std::int64_t number);
    void append_null();

    Of type_;
    std::uint32_t count_ = 0;
    bool has_null_ = false;
    std::string elements_;
};

/// As what a value goes.
template <class Value>
constexpr Column::Of type_of(const Value&) {
    static_assert(!std::same_as<Value, bool>, "a flag is no number to the server");
    if constexpr (std::same_as<Value, Bytes>) return Column::Of::bytes;
    if constexpr (std::convertible_to<Value, std::string_view>) return Column::Of::text;
    return Column::Of::number;
}
template <class Value>
constexpr Column::Of type_of(const std::optional<Value>&) {
    return type_of(Value{});
}

using Types = std::vector<Column::Of>;

/// For the `put` of stored_rows.hpp.
inline constexpr auto types_of = [](const auto&... values) { return Types{type_of(values)...}; };

/// `$1::text, $2::bigint`; or with `[]` behind each.
std::string parameters(const Types& types, std::size_t first, std::string_view behind = "");

/// Many rows, column by column.
class Table {
public:
    Table(std::initializer_list<Column::Of> types) : columns_(types.begin(), types.end()) {}
    explicit Table(const Types& types) : columns_(types.begin(), types.end()) {}

    template <class... Values>
    void add_row(const Values&... values) {
        std::size_t at = 0;
        (columns_.at(at++).add(values), ...);
        ++rows_;
    }
    std::size_t rows() const { return rows_; }
    const std::vector<Column>& columns() const { return columns_; }

private:
    std::vector<Column> columns_;
    std::size_t rows_ = 0;
};

class Params {
public:
    template <class... Values>
    explicit Params(const Values&... values) {
        (add(values), ...);
    }

    std::size_t size() const { return values_.size(); }
    /// Null for NULL.
    const char* data(std::size_t i) const { return values_[i] ? values_[i]->data() : nullptr; }
    int length(std::size_t i) const {
        return values_[i] ? static_cast<int>(values_[i]->size()) : 0;
    }

private:
    void add(std::string_view text);
    void add(const std::string& text) { add(std::string_view(text)); }
    void add(const char* text) { add(std::string_view(text)); }
    void add(Bytes bytes) { values_.emplace_back(std::string(bytes.value)); }
    void add(bool flag) { values_.emplace_back(std::string(1, flag ? '\1' : '\0')); }
    void add(std::integral auto number) { add_number(static_cast<std::int64_t>(number)); }
    void add(WallTime time) { add_number(to_ms(time)); }
    void add(const std::vector<std::string>& texts);
    void add(const Column& column) { values_.emplace_back(column.to_array()); }
    void add(const Table& table) {
        for (const auto& column : table.columns()) add(column);
    }
    template <class Value>
    void add(const std::optional<Value>& value) {
        if (value) {
            add(*value);
        } else {
            values_.emplace_back(std::nullopt);
        }
    }
    void add_number(std::int64_t number);

    std::vector<std::optional<std::string>> values_;
};

}  // namespace stoker::postgres
