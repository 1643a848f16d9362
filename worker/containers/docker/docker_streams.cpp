#include "worker/containers/docker/docker_streams.hpp"

#include "worker/containers/docker/docker_engine.hpp"

namespace stoker {

Task<Result<OutputFrame>> DockerStreams::read(Deadline deadline) {
    for (;;) {
        if (auto frame = frames_.next()) co_return std::move(*frame);
        if (frames_.malformed()) {
            co_return fail(Errc::internal, {}, "attach: the engine sent what is not a frame");
        }
        auto bytes = co_await connection_.read_some(deadline);
        if (!bytes) co_return unreachable(bytes.error());
        if (bytes->empty()) co_return OutputFrame();
        frames_.feed(*bytes);
    }
}

Task<Result<void>> DockerStreams::write(std::string_view data, Deadline deadline) {
    const auto written = co_await connection_.write(data, deadline);
    if (!written) co_return unreachable(written.error());
    co_return Result<void>();
}

}  // namespace stoker
