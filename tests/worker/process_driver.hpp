#pragma once

// A container engine whose containers are plain processes of this machine, for tests of the agent:
// an image is a shell script, and stoker-init runs it as in a container. Removals can be held back.
// Only what the agent asks of an engine; nothing is confined.

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/async/latch.hpp"
#include "tests/worker/inert_driver.hpp"

namespace stoker::test {

class ProcessDriver final : public InertDriver {
public:
    /// The image's name is the script.
    Task<Result<ImageInfo>> inspect_image(std::string image, Deadline) override {
        ImageInfo info;
        info.cmd = {"/bin/sh", "-c", std::move(image)};
        co_return info;
    }

    Task<Result<std::string>> create(ContainerSpec spec, Deadline) override {
        const std::scoped_lock lock(mutex_);
        auto process = std::make_shared<Process>();
        process->spec = std::move(spec);
        auto name = process->spec.name;
        processes_[name] = std::move(process);
        ++created;
        co_return name;
    }
    Task<Result<void>> start(std::string id, Deadline) override {
        const auto process = find(id);
        process->start();
        co_return Result<void>{};
    }
    Task<Result<ExitStatus>> wait(std::string id, Deadline deadline) override {
        const auto process = find(id);
        const auto exited = co_await process->exited.wait(deadline);
        co_return exited.value_or(ExitStatus{});
    }
    Task<Result<std::optional<ContainerState>>> inspect(std::string, Deadline) override {
        co_return ContainerState{};
    }
    Task<Result<void>> kill(std::string id, std::string, Deadline) override {
        find(id)->kill();
        co_return Result<void>{};
    }
    Task<Result<void>> freeze(std::string, Deadline) override { co_return Result<void>{}; }
    Task<Result<void>> thaw(std::string, Deadline) override { co_return Result<void>{}; }
    Task<Result<void>> remove(std::string id, Deadline deadline) override {
        ++removals_begun;
        co_await removals_allowed.wait(deadline);
        if (const auto process = find(id)) {
            process->kill();
            co_await process->exited.wait(deadline);
        }
        const std::scoped_lock lock(mutex_);
        processes_.erase(id);
        co_return Result<void>{};
    }

    std::size_t there() const {
        const std::scoped_lock lock(mutex_);
        return processes_.size();
    }
    std::atomic<int> created{0};
    std::atomic<int> removals_begun{0};
    Latch<bool> removals_allowed;

private:
    struct Process {
        ~Process() { kill(); }
        void start() {
            std::vector<std::string> words{host_path("/.stoker-init")};
            words.insert(words.end(), spec.cmd->begin(), spec.cmd->end());
            std::vector<std::string> env{"PATH=/usr/bin:/bin"};
            for (const auto& variable : spec.env) env.push_back(in_host_terms(variable));
            pid_t pid = 0;
            const auto argv = pointers(words);
            const auto envp = pointers(env);
            const int failed =
                ::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), envp.data());
            if (failed != 0) throw std::runtime_error("posix_spawn");
            pid_ = pid;
            reaper_ = std::jthread([this, pid] {
                int status = 0;
                ::waitpid(pid, &status, 0);
                pid_ = 0;
                exited.set({WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)});
            });
        }
        void kill() {
            if (const auto pid = pid_.load(); pid > 0) ::kill(pid, SIGKILL);
        }

        ContainerSpec spec;
        Latch<ExitStatus> exited;

    private:
        static std::vector<char*> pointers(std::vector<std::string>& words) {
            std::vector<char*> all;
            for (auto& word : words) all.push_back(word.data());
            all.push_back(nullptr);
            return all;
        }
        std::string host_path(std::string_view in_container) const {
            for (const auto& bind : spec.binds) {
                if (bind.container_path == in_container) return bind.host_path;
            }
            throw std::runtime_error("no such mount");
        }
        std::string in_host_terms(std::string variable) const {
            constexpr std::string_view folder = "/tmp/iofs";
            if (const auto at = variable.find(folder); at != std::string::npos) {
                variable.replace(at, folder.size(), host_path(folder));
            }
            return variable;
        }

        std::atomic<pid_t> pid_{0};
        std::jthread reaper_;
    };

    std::shared_ptr<Process> find(const std::string& id) const {
        const std::scoped_lock lock(mutex_);
        const auto found = processes_.find(id);
        return found == processes_.end() ? nullptr : found->second;
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Process>> processes_;
};

}  // namespace stoker::test
