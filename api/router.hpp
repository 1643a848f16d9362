#pragma once

// Which handler a path and method belong to: a tree of path segments, built at start and read by
// all lanes afterwards. Patterns are `/v2/fns/:fn_id/calls`; a last segment `*rest` takes the
// remainder of the path with its leading '/'. A literal segment wins over a parameter, that over a
// wildcard. Segments are percent-decoded. One trailing '/' is tolerated: `/v2/apps/` is the path
// `/v2/apps` (Fn redirects there; a client that does not follow redirects on POST would fail for a
// slash).

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/http/server_exchange.hpp"
#include "model/error.hpp"

namespace stoker {

/// What the named segments of a pattern matched.
class PathParams {
public:
    void add(std::string_view name, std::string value) {
        params_.emplace_back(name, std::move(value));
    }
    /// The name must be in the pattern.
    const std::string& operator[](std::string_view name) const;

private:
    std::vector<std::pair<std::string_view, std::string>> params_;
};

/// A handler's answer; empty when it wrote the answer to the Exchange itself.
using Reply = std::optional<Response>;
using Handler = std::function<Task<Result<Reply>>(Exchange&, const PathParams&)>;

/// One method of one pattern.
struct Endpoint {
    std::string method;
    std::string pattern;  ///< also the label of its metrics
    std::vector<std::string> param_names;
    Handler handler;
    std::size_t index = 0;  ///< in the order of adding
};

struct RouteMatch {
    const Endpoint* endpoint = nullptr;  ///< null: 404, or 405 if `allow` says what is allowed
    PathParams params;
    std::string allow;
};

class Router {
public:
    Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;
    ~Router();

    /// At start only. A second handler for the same method and pattern is a bug.
    void add(std::string_view method, std::string_view pattern, Handler handler);
    /// HEAD falls back to GET.
    RouteMatch find(std::string_view method, std::string_view path) const;
    const std::vector<std::unique_ptr<Endpoint>>& endpoints() const { return endpoints_; }

private:
    struct Node;
    using Values = std::vector<std::string>;
    static const Node* walk(const Node& node, std::string_view rest, Values& values);

    std::unique_ptr<Node> root_;
    std::vector<std::unique_ptr<Endpoint>> endpoints_;
};

}  // namespace stoker
