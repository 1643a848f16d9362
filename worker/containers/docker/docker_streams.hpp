#pragma once

// A container's stdio through Docker's attach: a hijacked connection that carries frames one way
// and plain bytes the other. Made by DockerDriver; see ContainerStreams for its use.

#include "common/http/connection.hpp"
#include "worker/containers/container_driver.hpp"
#include "worker/containers/docker/frame_demultiplexer.hpp"

namespace stoker {

class DockerStreams final : public ContainerStreams {
public:
    explicit DockerStreams(HttpConnection connection) : connection_(std::move(connection)) {}

    Task<Result<OutputFrame>> read(Deadline deadline) override;
    Task<Result<void>> write(std::string_view data, Deadline deadline) override;
    void close_stdin() override { connection_.shutdown_write(); }

private:
    HttpConnection connection_;
    FrameDemultiplexer frames_;
};

}  // namespace stoker
