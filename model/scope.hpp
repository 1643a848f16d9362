#pragma once

#include <string>

namespace stoker {

/// Whose calls and logs a store method may touch. Every one of them takes a Scope, so that no query
/// can forget the tenant. Empty ids do not restrict.
struct Scope {
    std::string app_id;
    std::string fn_id;

    static Scope all() { return {}; }
    static Scope app(std::string id) { return {.app_id = std::move(id), .fn_id = {}}; }
    static Scope fn(std::string id) { return {.app_id = {}, .fn_id = std::move(id)}; }
};

}  // namespace stoker
