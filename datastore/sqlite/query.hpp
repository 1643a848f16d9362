#pragma once

// One execution of a prepared statement: binds its values by position, steps, reads the columns
// from left to right, and resets the statement when it goes out of scope, so that no read
// transaction or borrowed value outlives it. Text and bytes bound from an lvalue are borrowed, not
// copied. Private to datastore/sqlite; used on the thread that owns the connection.

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/clock.hpp"

namespace stoker::sqlite {

/// Binds as BLOB instead of TEXT. Borrows.
struct Bytes {
    const std::string& value;
};

class Query {
public:
    template <class... Values>
    explicit Query(SQLite::Statement& statement, Values&&... values) : statement_(statement) {
        int index = 0;
        (bind(++index, std::forward<Values>(values)), ...);
    }
    ~Query() { statement_.tryReset(); }
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    /// The next row, if there is one; reading starts again at its first column.
    bool next() {
        column_ = 0;
        return statement_.executeStep();
    }
    int exec() { return statement_.exec(); }

    std::string text() { return statement_.getColumn(column_++).getString(); }
    bool is_null() const { return statement_.getColumn(column_).isNull(); }
    void skip() { ++column_; }

    template <class Number = std::int64_t>
    Number number() {
        return static_cast<Number>(statement_.getColumn(column_++).getInt64());
    }
    bool flag() { return number() != 0; }
    WallTime time() { return from_ms(number()); }
    std::optional<WallTime> optional_time() {
        if (!is_null()) return time();
        skip();
        return std::nullopt;
    }
    std::optional<std::string> optional_text() {
        if (!is_null()) return text();
        skip();
        return std::nullopt;
    }

private:
    void bind(int index, const std::string& text) { statement_.bindNoCopy(index, text); }
    void bind(int index, std::string&& text) { statement_.bind(index, text); }
    void bind(int index, std::string_view text) { statement_.bind(index, std::string(text)); }
    void bind(int index, Bytes bytes) {
        statement_.bindNoCopy(index, bytes.value.data(), static_cast<int>(bytes.value.size()));
    }
    template <std::integral Number>
    void bind(int index, Number number) {
        statement_.bind(index, static_cast<std::int64_t>(number));
    }
    void bind(int index, WallTime time) { bind(index, to_ms(time)); }
    void bind(int index, std::nullptr_t) { statement_.bind(index); }
    template <class Value>
    void bind(int index, const std::optional<Value>& value) {
        if (value) {
            bind(index, *value);
        } else {
            bind(index, nullptr);
        }
    }

    SQLite::Statement& statement_;
    int column_ = 0;
};

/// Runs a statement that returns no rows; how many rows it changed.
template <class... Values>
int change(SQLite::Statement& statement, Values&&... values) {
    return Query(statement, std::forward<Values>(values)...).exec();
}

/// Runs the statement, which returns no rows, with what it is called with.
inline auto with_all(SQLite::Statement& statement) {
    return [&statement](auto&&... values) {
        return change(statement, std::forward<decltype(values)>(values)...);
    };
}

template <class... Values>
bool has_row(SQLite::Statement& statement, Values&&... values) {
    return Query(statement, std::forward<Values>(values)...).next();
}

}  // namespace stoker::sqlite
