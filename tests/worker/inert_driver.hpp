#pragma once

// A container driver that does nothing and fails at everything but answering: tests derive from it
// and say what works.

#include "worker/containers/container_driver.hpp"

namespace stoker::test {

class InertDriver : public ContainerDriver {
public:
    Task<Result<void>> ping(Deadline) override { co_return Result<void>{}; }
    Task<Result<std::vector<std::string>>> list_leftovers(std::string, Deadline) override {
        co_return std::vector<std::string>{};
    }
    Task<Result<ImageInfo>> inspect_image(std::string, Deadline) override { co_return none(); }
    Task<Result<void>> pull_image(std::string, PullOptions, Deadline) override { co_return none(); }
    Task<Result<std::vector<StoredImage>>> list_images(Deadline) override { co_return none(); }
    Task<Result<bool>> remove_image(std::string, Deadline) override { co_return none(); }
    Task<Result<void>> load_image(std::string, Deadline) override { co_return none(); }
    Task<Result<std::string>> create(ContainerSpec, Deadline) override { co_return none(); }
    Task<Result<void>> start(std::string, Deadline) override { co_return none(); }
    Task<Result<std::unique_ptr<ContainerStreams>>> attach(std::string, AttachOptions, Deadline)
        override {
        co_return none();
    }
    Task<Result<ExitStatus>> wait(std::string, Deadline) override { co_return none(); }
    Task<Result<std::optional<ContainerState>>> inspect(std::string, Deadline) override {
        co_return none();
    }
    void has_process(const std::string&, int) override {}
    Task<Result<void>> freeze(std::string, Deadline) override { co_return none(); }
    Task<Result<void>> thaw(std::string, Deadline) override { co_return none(); }
    std::optional<ContainerStats> stats_now(const std::string&) override { return std::nullopt; }
    Task<Result<ContainerStats>> stats(std::string, Deadline) override { co_return none(); }
    Task<Result<void>> kill(std::string, std::string, Deadline) override { co_return none(); }
    Task<Result<void>> remove(std::string, Deadline) override { co_return none(); }

private:
    static std::unexpected<Error> none() { return fail(Errc::internal, "not of this engine"); }
};

}  // namespace stoker::test
