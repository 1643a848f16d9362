#pragma once

// A value that arrives once, from any thread, for a Task that waits for it on its lane with a
// deadline. It is how work crosses threads: the batcher, the blocking pool and the slot pool all
// answer through one. The state is touched only on the waiter's lane (set() posts there), so it
// needs no lock. Copies share one state; the setter may outlive the waiter and the other way round,
// but the lane must outlive both.

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <memory>
#include <optional>
#include <utility>

#include "common/async/task.hpp"

namespace stoker {

template <class T>
class OneShot {
public:
    explicit OneShot(Executor lane) : state_(std::make_shared<State>(lane)) {}

    /// Any thread; the first value counts.
    void set(T value) const {
        asio::post(
            state_->timer.get_executor(),
            [state = state_, value = std::move(value)]() mutable {
                if (state->value) return;
                state->value.emplace(std::move(value));
                state->timer.cancel();
            }
        );
    }

    /// On the lane given at construction, by one waiter. Empty when the deadline passed first.
    Task<std::optional<T>> wait(Deadline deadline) const {
        auto state = state_;
        if (!state->value) {
            state->timer.expires_at(deadline);
            error_code ignored;
            co_await state->timer.async_wait(asio::redirect_error(use_task, ignored));
        }
        co_return std::move(state->value);
    }

    Executor lane() const { return state_->timer.get_executor(); }

private:
    struct State {
        explicit State(Executor lane) : timer(lane) {}
        Timer timer;
        std::optional<T> value;
    };
    std::shared_ptr<State> state_;
};

}  // namespace stoker
