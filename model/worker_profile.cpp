#include "model/worker_profile.hpp"

#include <nlohmann/json.hpp>

#include "model/json.hpp"

namespace stoker {

namespace {

template <class T>
void read(const Json& object, const char* name, T& to) {
    if (const auto found = object.find(name); found != object.end()) {
        if constexpr (std::is_same_v<T, std::string>) {
            if (found->is_string()) to = found->template get<T>();
        } else if constexpr (std::is_same_v<T, bool>) {
            if (found->is_boolean()) to = found->template get<T>();
        } else {
            if (found->is_number_integer()) to = found->template get<T>();
        }
    }
}

}  // namespace

std::string dump(const WorkerProfile& profile) {
    Json object;
    object["address"] = profile.address;
    object["memory_mb"] = profile.memory_mb;
    object["busy_mb"] = profile.busy_mb;
    object["milli_cpus"] = profile.milli_cpus;
    object["draining"] = profile.draining;
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

WorkerProfile worker_profile_from_text(std::string_view json) {
    WorkerProfile profile;
    const auto object = Json::parse(json, nullptr, false);
    if (!object.is_object()) return profile;
    read(object, "address", profile.address);
    read(object, "memory_mb", profile.memory_mb);
    read(object, "busy_mb", profile.busy_mb);
    read(object, "milli_cpus", profile.milli_cpus);
    read(object, "draining", profile.draining);
    return profile;
}

}  // namespace stoker
