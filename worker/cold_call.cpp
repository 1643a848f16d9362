#include "worker/cold_call.hpp"

#include "common/http/header_name.hpp"

namespace stoker {

namespace {

void add_call_environment(const Invocation& invocation, Config& config) {
    std::erase_if(config, [](const auto& entry) { return entry.first.starts_with("FN_HEADER_"); });
    config["FN_CALL_ID"] = invocation.call_id;
    config["FN_ATTEMPT"] = std::to_string(invocation.attempt);
    config["FN_METHOD"] = invocation.method;
    config["FN_REQUEST_URL"] = invocation.url;
    const auto add = [&](std::string_view name, std::string_view value) {
        auto& joined = config["FN_HEADER_" + canonical_header_name(name)];
        if (!joined.empty()) joined += ", ";
        joined += value;
    };
    if (!invocation.content_type.empty()) add("Content-Type", invocation.content_type);
    for (const auto& [name, value] : invocation.headers) add(name, value);
}

}  // namespace

std::string slot_key_of(const FnSpec& fn, std::string_view call_id) {
    if (fn.format != FnFormat::cold) return fn.slot_key;
    std::string key = fn.slot_key;
    key += '\0';
    return key.append(call_id);
}

FnSpecRef spec_for(const Invocation& invocation) {
    if (invocation.fn->format != FnFormat::cold) return invocation.fn;
    auto spec = std::make_shared<FnSpec>(*invocation.fn);
    spec->slot_key = slot_key_of(*invocation.fn, invocation.call_id);
    add_call_environment(invocation, spec->config);
    return spec;
}

}  // namespace stoker
