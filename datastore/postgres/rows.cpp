#include "datastore/postgres/rows.hpp"

#include <libpq-fe.h>

namespace stoker::postgres {

void FreeResult::operator()(pg_result* result) const { PQclear(result); }

bool Row::is_null() const { return PQgetisnull(result_, row_, column_) != 0; }

std::string_view Row::take() {
    const std::string_view bytes(
        PQgetvalue(result_, row_, column_),
        static_cast<std::size_t>(PQgetlength(result_, row_, column_))
    );
    ++column_;
    return bytes;
}

std::int64_t Row::integer() {
    const auto bytes = take();
    if (bytes.empty()) return 0;
    auto value = static_cast<std::uint64_t>(static_cast<std::int64_t>(bytes.front()));
    for (const char byte : bytes.substr(1)) value = value << 8U | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

bool Row::flag() {
    const auto bytes = take();
    return !bytes.empty() && bytes.front() != 0;
}

std::optional<std::string> Row::optional_text() {
    if (!is_null()) return text();
    skip();
    return std::nullopt;
}

std::optional<WallTime> Row::optional_time() {
    if (!is_null()) return time();
    skip();
    return std::nullopt;
}

int Rows::size() const { return PQntuples(result_.get()); }

}  // namespace stoker::postgres
