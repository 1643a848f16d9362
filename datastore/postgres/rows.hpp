#pragma once

// What a statement answered, in PostgreSQL's binary format. Columns are read from left to right, as
// the SELECT list has them. Private to datastore/postgres.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libpq's name
struct pg_result;

namespace stoker::postgres {

struct FreeResult {
    void operator()(pg_result* result) const;
};
using ResultHandle = std::unique_ptr<pg_result, FreeResult>;

class Row {
public:
    Row(const pg_result* result, int row) : result_(result), row_(row) {}

    /// Of text and bytea; empty for NULL.
    std::string text() { return std::string(take()); }
    std::optional<std::string> optional_text();
    /// Of any integer type; 0 for NULL.
    template <class Number = std::int64_t>
    Number number() {
        return static_cast<Number>(integer());
    }
    bool flag();
    WallTime time() { return from_ms(integer()); }
    std::optional<WallTime> optional_time();

    bool is_null() const;
    void skip() { ++column_; }

private:
    std::string_view take();
    std::int64_t integer();

    const pg_result* result_;
    int row_;
    int column_ = 0;
};

class Rows {
public:
    explicit Rows(ResultHandle result) : result_(std::move(result)) {}

    int size() const;
    bool empty() const { return size() == 0; }
    Row at(int row) const { return {result_.get(), row}; }
    Row front() const { return at(0); }

    /// Each row as `read` makes it.
    template <class Read>
    auto each(Read read) const {
        std::vector<decltype(read(std::declval<Row&>()))> made;
        made.reserve(static_cast<std::size_t>(size()));
        for (int i = 0; i < size(); ++i) {
            auto row = at(i);
            made.push_back(read(row));
        }
        return made;
    }

private:
    ResultHandle result_;
};

}  // namespace stoker::postgres
