#include "api/router.hpp"

#include <algorithm>
#include <cassert>

#include "common/http/url.hpp"

namespace stoker {

struct Router::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> param;
    std::unique_ptr<Node> wildcard;
    std::vector<const Endpoint*> endpoints;

    Node& child(std::unique_ptr<Node>& at) {
        if (!at) at = std::make_unique<Node>();
        return *at;
    }
};

namespace {

/// Removes `/segment` from the front.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

std::string decoded(std::string_view segment) {
    // The server lets only well-formed escapes through.
    return percent_decode(segment).value_or(std::string(segment));
}

const Endpoint* find_method(
    const std::vector<const Endpoint*>& endpoints, std::string_view method
) {
    const auto found = std::ranges::find(endpoints, method, &Endpoint::method);
    return found == endpoints.end() ? nullptr : *found;
}

std::string allowed(const std::vector<const Endpoint*>& endpoints) {
    std::string list;
    for (const auto* endpoint : endpoints) {
        if (!list.empty()) list += ", ";
        list += endpoint->method;
        if (endpoint->method == "GET") list += ", HEAD";
    }
    return list;
}

}  // namespace

const std::string& PathParams::operator[](std::string_view name) const {
    const auto found = std::ranges::find(params_, name, &decltype(params_)::value_type::first);
    assert(found != params_.end());
    return found->second;
}

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::add(std::string_view method, std::string_view pattern, Handler handler) {
    auto& endpoint = *endpoints_.emplace_back(std::make_unique<Endpoint>());
    endpoint.method = method;
    endpoint.pattern = pattern;
    endpoint.handler = std::move(handler);
    endpoint.index = endpoints_.size() - 1;

    auto* node = root_.get();
    std::string_view rest = pattern == "/" ? std::string_view{} : pattern;
    while (!rest.empty()) {
        const auto segment = take_segment(rest);
        if (segment.starts_with(':')) {
            endpoint.param_names.emplace_back(segment.substr(1));
            node = &node->child(node->param);
        } else if (segment.starts_with('*')) {
            assert(rest.empty());
            endpoint.param_names.emplace_back(segment.substr(1));
            node = &node->child(node->wildcard);
        } else {
            node = &node->child(node->literals[std::string(segment)]);
        }
    }
    assert(find_method(node->endpoints, method) == nullptr);
    node->endpoints.push_back(&endpoint);
}

/// The best node with endpoints for what is left of the path; steps back where a branch ends.
const Router::Node* Router::walk(const Node& node, std::string_view rest, Values& values) {
    if (rest.empty()) return node.endpoints.empty() ? nullptr : &node;
    auto after = rest;
    const auto segment = decoded(take_segment(after));
    if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
        if (const auto* found = walk(*literal->second, after, values)) return found;
    }
    if (node.param && !segment.empty()) {
        values.push_back(segment);
        if (const auto* found = walk(*node.param, after, values)) return found;
        values.pop_back();
    }
    if (!node.wildcard) return nullptr;
    values.push_back(decoded(rest));
    return node.wildcard.get();
}

RouteMatch Router::find(std::string_view method, std::string_view path) const {
    RouteMatch match;
    if (!path.starts_with('/')) return match;
    Values values;
    const auto* node = walk(*root_, path == "/" ? std::string_view{} : path, values);
    if (node == nullptr && path.ends_with('/')) {
        values.clear();
        node = walk(*root_, path.substr(0, path.size() - 1), values);
    }
    if (node == nullptr) return match;
    match.endpoint = find_method(node->endpoints, method);
    if (match.endpoint == nullptr && method == "HEAD") {
        match.endpoint = find_method(node->endpoints, "GET");
    }
    if (match.endpoint == nullptr) {
        match.allow = allowed(node->endpoints);
        return match;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        match.params.add(match.endpoint->param_names.at(i), std::move(values.at(i)));
    }
    return match;
}

}  // namespace stoker
