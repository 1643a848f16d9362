#include "tests/simulation/scripted_executor.hpp"

namespace stoker::test {

namespace {
constexpr Millis step{200};
}

Task<Result<void>> ScriptedExecutor::execute(
    const Invocation& invocation,
    BodySource& /*body*/,
    FunctionAnswer& answer,
    LiveCallRef live,
    Deadline give_up
) {
    auto slot = co_await slots_.acquire(invocation.fn, give_up);
    if (!slot) co_return fail(slot.error());
    const bool begun = live->begin(slot->ref(), wall_now());
    if (!begun && context_.mutation != Mutation::no_tenure) {
        context_.history.reached("withheld");
        std::move(*slot).release();
        co_return fail(Errc::cancelled);
    }
    context_.history.started(
        live->fence, context_.store.holds(live->fence), context_.store.is_time(live->fence.call_id)
    );
    host_.crash_point();
    auto result = co_await run_script(slot->container());
    if (begun) live->left_container();
    const bool container_ok = killed_.erase(&slot->container()) == 0;
    if (result) result = co_await answer_well(answer);
    if (container_ok && !context_.random.chance(0.05)) std::move(*slot).release();
    co_return result;
}

Task<Result<void>> ScriptedExecutor::run_script(const Container& container) {
    auto& random = context_.random;
    auto left = random.between(Millis{1}, random.chance(0.2) ? Millis{25'000} : Millis{1'500});
    while (left > Millis{0}) {
        co_await sleep_for(std::min(left, step));
        left -= step;
        if (killed_.contains(&container)) co_return fail(Errc::container_exit);
    }
    if (!context_.functions_fail || !random.chance(0.15)) co_return Result<void>{};
    static constexpr std::array ways{
        Errc::function_failed, Errc::function_timeout, Errc::out_of_memory, Errc::response_too_large
    };
    co_return fail(ways.at(random.below(ways.size())));
}

Task<Result<void>> ScriptedExecutor::answer_well(FunctionAnswer& answer) {
    auto begun = co_await answer.head({.status = 200, .headers = {}, .length = 2}, "head");
    if (!begun) co_return begun;
    co_return co_await answer.data("ok", "ok", true);
}

Task<Result<ContainerRef>> ScriptedExecutor::launch(FnSpecRef fn, MemoryTokens::Token memory) {
    auto& random = context_.random;
    co_await sleep_for(random.between(Millis{20}, random.chance(0.1) ? Millis{4'000} : Millis{300})
    );
    if (engine_is_away) co_return fail(Errc::engine_unavailable);
    if (context_.functions_fail && random.chance(0.02)) co_return fail(Errc::init_failed);
    auto container = std::make_shared<Container>(
        "container", std::move(fn), co_await asio::this_coro::executor, std::move(memory)
    );
    co_return container;
}

Task<> ScriptedExecutor::remove(ContainerRef container) {
    co_await sleep_for(context_.random.between(Millis{1}, Millis{100}));
    killed_.erase(container.get());
}

Task<> ScriptedExecutor::kill(ContainerRef container) {
    killed_.insert(container.get());
    co_return;
}

}  // namespace stoker::test
