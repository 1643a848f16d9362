#pragma once

// Apps, fns and calls as JSON: Fn's shapes and field names, plus ours. Reading is strict about
// types and lenient about unknown fields, as Fn is.

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

#include "model/app.hpp"
#include "model/call.hpp"
#include "model/fn.hpp"

namespace stoker {

using Json = nlohmann::ordered_json;

/// The object in a request body; Errc::invalid_json for anything else.
Result<Json> parse_json_object(std::string_view text);

Json to_json(const App& app);
Json to_json(const Fn& fn);
Json to_json(const Call& call);

/// A new App or Fn from a create body: the id must be absent, defaults apply, not yet validated.
Result<App> app_from_json(const Json& body);
Result<Fn> fn_from_json(const Json& body);
Result<AppPatch> app_patch_from_json(const Json& body);
Result<FnPatch> fn_patch_from_json(const Json& body);

std::string dump(const Config& config);
Config config_from_text(std::string_view json);
std::string dump_annotations(const Annotations& annotations);
Annotations annotations_from_text(std::string_view json);
std::string dump(const CallStats& stats);
/// Empty when it is no object.
std::optional<CallStats> stats_from_text(std::string_view json);
/// `[["Name","value"],…]`: order and repeated fields are kept.
std::string dump(const Headers& headers);
Headers headers_from_text(std::string_view json);

}  // namespace stoker
