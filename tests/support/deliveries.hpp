#pragma once

// Collects what a MessageQueue delivers, for a test that runs on the same lane and awaits it.

#include <boost/asio/redirect_error.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "queue/message_queue.hpp"

namespace stoker::test {

class Deliveries {
public:
    /// Starts the queue's consumer on `lane`.
    Deliveries(MessageQueue& queue, Executor lane) : state_(std::make_shared<State>(lane)) {
        queue.start(lane, [state = state_](std::vector<Delivery> batch) {
            for (auto& delivery : batch) state->waiting.push_back(std::move(delivery));
            state->arrived.cancel();
        });
    }

    /// The next one; empty at the deadline.
    Task<std::optional<Delivery>> next(Deadline deadline) {
        const auto state = state_;
        while (state->waiting.empty()) {
            if (has_passed(deadline)) co_return std::nullopt;
            state->arrived.expires_at(deadline);
            error_code ignored;
            co_await state->arrived.async_wait(asio::redirect_error(use_task, ignored));
        }
        std::optional<Delivery> delivery = std::move(state->waiting.front());
        state->waiting.pop_front();
        co_return delivery;
    }

    /// `count` of them, or as many as came by the deadline.
    Task<std::vector<Delivery>> take(std::size_t count, Deadline deadline) {
        std::vector<Delivery> taken;
        while (taken.size() < count) {
            auto delivery = co_await next(deadline);
            if (!delivery) break;
            taken.push_back(std::move(*delivery));
        }
        co_return taken;
    }

    std::size_t waiting() const { return state_->waiting.size(); }

private:
    struct State {
        explicit State(Executor lane) : arrived(lane) {}
        Timer arrived;
        std::deque<Delivery> waiting;
    };
    std::shared_ptr<State> state_;
};

}  // namespace stoker::test
