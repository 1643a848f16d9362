#pragma once

// The query of a list and the shape of its answer: `per_page`, an opaque `cursor` that names the
// last item of the page before, and `next_cursor` when a page came out full.

#include <string>
#include <string_view>
#include <vector>

#include "common/http/url.hpp"
#include "datastore/datastore.hpp"
#include "model/json.hpp"

namespace stoker {

/// Strict where Fn answers 500: a cursor that is not one is Errc::invalid_cursor.
Result<Page> page_of(const QueryParams& query);

/// Base64url without padding.
std::string encode_cursor(std::string_view text);
std::optional<std::string> decode_cursor(std::string_view cursor);

/// `last` names the last item.
Json list_json(std::vector<Json> items, const Page& page, std::string_view last);

}  // namespace stoker
