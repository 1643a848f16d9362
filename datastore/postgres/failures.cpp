#include "datastore/postgres/failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/log.hpp"

namespace stoker::postgres {

namespace {

/// Classes of SQLSTATE that pass by themselves: the server is short of something, was told to stop
/// or does not take writes now, two transactions were in each other's way, a statement took too
/// long.
bool is_passing(std::string_view sqlstate) {
    constexpr std::array<std::string_view, 8> classes{
        "08", "25", "40", "53", "54", "55", "57", "58"
    };
    return std::ranges::any_of(classes, [&](auto each) { return sqlstate.starts_with(each); });
}

}  // namespace

Error to_error(const Failure& failure, Errc unknown) {
    switch (failure.kind) {
        case Failure::Kind::not_done:
            return {.code = Errc::store_unavailable, .message = {}, .detail = failure.message};
        case Failure::Kind::unknown:
            return {.code = unknown, .message = {}, .detail = failure.message};
        case Failure::Kind::refused: break;
    }
    auto detail = fmt::format("{} ({})", failure.message, failure.sqlstate);
    if (failure.sqlstate == "53100") return {Errc::store_full, {}, std::move(detail)};
    if (is_passing(failure.sqlstate)) return {Errc::store_unavailable, {}, std::move(detail)};
    log::error("store.statement_failed", {{"why", detail}});
    return {Errc::internal, {}, std::move(detail)};
}

}  // namespace stoker::postgres
