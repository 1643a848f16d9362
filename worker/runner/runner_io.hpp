#pragma once

// A request of the runner protocol as the two ends of a synchronous call. The first read of the
// body is where the worker commits itself: `100 Continue` leaves with it, and nothing of the body
// comes before. Both borrow the exchange and live in the handler that serves it.

#include <optional>
#include <string>

#include "common/http/server_exchange.hpp"
#include "model/invoker.hpp"

namespace stoker {

class RunnerBody final : public BodySource {
public:
    RunnerBody(Exchange& exchange, std::optional<std::uint64_t> size) :
        exchange_(exchange),
        size_(size) {}

    std::optional<std::uint64_t> size() const override { return size_; }
    Task<Result<std::string_view>> read() override;

    /// Commits now instead of with the first read, which then gives what came.
    Task<Result<void>> begin();
    bool is_begun() const { return begun_; }

private:
    Task<Result<std::string_view>> receive();

    Exchange& exchange_;
    const std::optional<std::uint64_t> size_;
    bool begun_ = false;
    std::optional<std::string> first_;  // what begin() read
    std::string given_;                 // what the last read() gave of it
};

class RunnerAnswer final : public AnswerSink {
public:
    explicit RunnerAnswer(Exchange& exchange) : exchange_(exchange) {}

    Task<Result<void>> head(AnswerHead head) override;
    Task<Result<void>> write(std::string_view bytes, bool last) override;
    bool is_wanted() override { return !exchange_.client_gone(); }
    void when_gone(std::function<void()> told) override {
        exchange_.when_client_gone(std::move(told));
    }

private:
    Exchange& exchange_;
};

}  // namespace stoker
