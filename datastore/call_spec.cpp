#include "datastore/call_spec.hpp"

#include <fmt/format.h>

namespace stoker {

FnSpecRef spec_of(const Call& call, Fn fn, const App& app) {
    fn.image = call.image;
    fn.format = call.format;
    fn.memory = call.memory;
    fn.cpus = call.cpus;
    fn.tmpfs_size = call.tmpfs_size;
    fn.timeout = call.timeout;
    fn.idle_timeout = call.idle_timeout;
    return make_fn_spec(app, fn);
}

std::string spec_key(const Call& call) {
    return fmt::format(
        "{}/{}/{}/{}/{}/{}/{}/{}",
        call.fn_id,
        to_word(call.format),
        call.memory,
        call.cpus,
        call.tmpfs_size,
        call.timeout,
        call.idle_timeout,
        call.image
    );
}

}  // namespace stoker
