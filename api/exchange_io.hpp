#pragma once

// An HTTP exchange as the two ends of a synchronous call: its body as BodySource, its answer as
// AnswerSink. Both borrow the exchange and live in the handler that serves it.

#include <optional>
#include <string>

#include "common/http/server_exchange.hpp"
#include "model/invoker.hpp"

namespace stoker {

/// Streams the client's body, within a bound.
class ExchangeBody final : public BodySource {
public:
    ExchangeBody(Exchange& exchange, std::uint64_t bytes_max) :
        exchange_(exchange),
        bytes_max_(bytes_max) {}

    std::optional<std::uint64_t> size() const override;
    Task<Result<std::string_view>> read() override;
    /// Why the body did not arrive; that is what the client gets to hear.
    const std::optional<Error>& failure() const { return failure_; }

private:
    Exchange& exchange_;
    const std::uint64_t bytes_max_;
    std::optional<Error> failure_;
};

/// Streams the function's answer. A head with a length waits for the first bytes and leaves with
/// them in one write; one without leaves at once, for the function may take its time.
class ExchangeAnswer final : public AnswerSink {
public:
    ExchangeAnswer(Exchange& exchange, std::string call_id) :
        exchange_(exchange),
        call_id_(std::move(call_id)) {}

    Task<Result<void>> head(AnswerHead head) override;
    Task<Result<void>> write(std::string_view bytes, bool last) override;
    bool is_wanted() override { return !exchange_.client_gone(); }
    void when_gone(std::function<void()> told) override {
        exchange_.when_client_gone(std::move(told));
    }

private:
    Exchange& exchange_;
    const std::string call_id_;
};

}  // namespace stoker
