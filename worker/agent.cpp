#include "worker/agent.hpp"

#include <fmt/format.h>

#include <csignal>

#include "common/async/spawn.hpp"
#include "worker/cold_call.hpp"
#include "worker/container_exchange.hpp"

namespace stoker {

namespace {

// A container that was seen idle may be dead by the time it is used; then the next one is tried.
// After a restart of the engine all of them are.
constexpr int slot_tries_max = 1000;
// One that comes up and breaks before its first call has a fault that the next one will have, too.
constexpr int stillborn_max = 3;
/// A synchronous caller that has waited longer for its slot is asked whether it is still there.
constexpr double patience_s = 0.05;
// For the engine to report the exit of a function that broke its connection; and for longer if its
// output has ended, too, for then it has exited. A busy engine takes seconds.
constexpr std::chrono::seconds exit_wait_max{1};
constexpr std::chrono::seconds sure_exit_wait_max{10};
constexpr int exit_code_of_kill = 128 + SIGKILL;

std::string exit_code_text(int code) { return fmt::format("container exit code {}", code); }

double seconds_since(Deadline begun) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// Passes a good answer on to whoever invoked; other answers are an Error and their bodies dropped.
class PassOn final : public FunctionAnswer {
public:
    PassOn(AnswerSink& sink, FnFormat format) : sink_(sink), format_(format) {}

    Task<Result<void>> head(AnswerHead head, std::string_view) override {
        // An http-stream function has its statuses for Stoker; the caller's are in headers.
        good_ = format_ != FnFormat::http_stream || head.status == 200;
        if (!good_) co_return Result<void>{};
        co_return co_await sink_.head(std::move(head));
    }
    Task<Result<void>> data(std::string_view, std::string_view decoded, bool last) override {
        if (!good_ || (decoded.empty() && !last)) co_return Result<void>{};
        co_return co_await sink_.write(decoded, last);
    }
    bool is_wanted() override { return sink_.is_wanted(); }
    void when_gone(std::function<void()> told) override { sink_.when_gone(std::move(told)); }

private:
    AnswerSink& sink_;
    const FnFormat format_;
    bool good_ = false;
};

Task<> kill_now(ContainerDriver& driver, ContainerRef container) {
    co_await driver.kill(container->engine_id, "SIGKILL", deadline_in(EngineTimes{}.request));
}

}  // namespace

Agent::Agent(SlotPool& slots, ContainerDriver& driver, Metrics& metrics, AnswerLimits limits) :
    slots_(slots),
    driver_(driver),
    meter_(driver),
    limits_(limits),
    run_seconds_(metrics.histogram("stoker_call_run_seconds", "Time of calls inside containers")),
    slot_wait_seconds_(
        metrics.histogram("stoker_slot_wait_seconds", "Time calls waited for a container slot")
    ) {}

Task<Result<void>> Agent::invoke(
    Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
) {
    PassOn pass_on(answer, invocation.fn->format);
    co_return co_await run({
        .invocation = invocation,
        .body = body,
        .answer = pass_on,
        .live = nullptr,
        .limits = {limits_.head_bytes_max, limits_.streamed_bytes_max, limits_.kept_bytes_max},
        .give_up = give_up,
    });
}

Task<Result<void>> Agent::execute(
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    LiveCallRef live,
    Deadline give_up
) {
    co_return co_await run({
        .invocation = invocation,
        .body = body,
        .answer = answer,
        .live = std::move(live),
        .limits = {limits_.head_bytes_max, limits_.kept_bytes_max, limits_.kept_bytes_max},
        .give_up = give_up,
    });
}

Task<Result<void>> Agent::run(Run run) {
    const auto begun = std::chrono::steady_clock::now();
    const auto fn = spec_for(run.invocation);
    int stillborn = 0;
    for (int tries = 0; tries < slot_tries_max && stillborn < stillborn_max; ++tries) {
        auto slot = co_await slots_.acquire(fn, run.give_up, run.live != nullptr);
        if (!slot) {
            if (run.live && !slot.error().detail.empty()) {
                run.live->log->append(LogStream::err, slot.error().detail);
            }
            co_return fail(slot.error());
        }
        auto& container = slot->container();
        if (!is_ready(container)) {
            const bool was_idle = container.idle_since != std::chrono::steady_clock::time_point{};
            if (!container.served && !was_idle) ++stillborn;
            continue;
        }
        const auto waited_s = seconds_since(begun);
        slot_wait_seconds_.observe(waited_s);
        // A caller may have gone while it waited. One that did not wait is not worth the question.
        if (waited_s > patience_s && !run.answer.is_wanted()) {
            std::move(*slot).release();
            co_return fail(Errc::cancelled);
        }
        if (run.live && !run.live->begin(slot->ref(), wall_now())) {
            std::move(*slot).release();
            co_return fail(Errc::cancelled);
        }
        co_return co_await run_in(std::move(*slot), run);
    }
    co_return fail(Errc::init_failed, {}, "containers break before they serve");
}

Task<Result<void>> Agent::run_in(SlotPool::Slot slot, Run& run) {
    auto& container = slot.container();
    const auto& live = run.live;
    const auto begun = std::chrono::steady_clock::now();
    const auto log = live ? live->log : nullptr;
    if (container.is_cold()) {
        container.output->begin_only(log);
    } else {
        // The formats over stdin and stdout have no kits that print frames.
        const bool framed = !container.speaks_stdio();
        container.output->begin(log, framed ? std::string_view(run.invocation.call_id) : "");
    }
    if (live) meter_.begin(container);

    bool is_gone = false;
    if (!live) run.answer.when_gone([&] { is_gone = true, kill(slot.ref()); });
    auto end =
        co_await exchange_in(container, run.invocation, run.body, run.answer, run.limits, begun);
    if (!live) run.answer.when_gone(nullptr);

    container.output->end();
    if (live) live->left_container();
    run_seconds_.observe(seconds_since(begun));
    // Of a cold one nothing is left to measure.
    if (live && !end.lost && !container.is_cold()) {
        live->used(co_await meter_.end(slot.ref(), std::chrono::steady_clock::now() - begun));
    }
    if (end.container_ok && !is_gone) {
        std::move(slot).release();
        co_return std::move(end.result);
    }
    if (is_gone) co_return fail(Errc::cancelled);
    if (end.lost) {
        if (live && slot.container().killed) live->interrupted = true;
        end.result = fail(co_await explain_loss(slot.ref()));
        container.output->end();  // its last words may have come with the exit
    }
    co_return std::move(end.result);
}

/// What a function does for nobody would only keep others from its container.
void Agent::kill(ContainerRef container) {
    container->killed = true;
    const auto lane = container->home;
    spawn(lane, "agent.kill", kill_now(driver_, std::move(container)));
}

Task<Error> Agent::explain_loss(ContainerRef container) {
    auto exited = co_await container->exited.wait(deadline_in(exit_wait_max));
    if (!exited && container->output->is_over()) {
        exited = co_await container->exited.wait(deadline_in(sure_exit_wait_max));
    }
    // It closed the connection and lives.
    if (!exited) co_return Error{.code = Errc::container_exit, .message = {}, .detail = {}};
    const auto state =
        co_await driver_.inspect(container->engine_id, deadline_in(EngineTimes{}.request));
    const bool oom_killed = state && *state && (*state)->oom_killed;
    auto error = error_of_exit(*exited, oom_killed, container->killed);
    if (container->is_cold() && error.code == Errc::container_exit && exited->code) {
        // Nothing was lost: its exit is how a cold function says that it failed.
        error.message = exit_code_text(*exited->code);
    }
    co_return error;
}

Error error_of_exit(const ExitStatus& exit, bool oom_killed, bool killed_by_us) {
    // The engine hears of a kill for memory and of the exit by two ways; when the exit overtakes
    // the other, all it ever knows is the signal. A kill that is neither ours nor that of an engine
    // which comes back is taken for the kernel's, as Fn takes it.
    const bool killed_by_others = !killed_by_us && !exit.engine_was_away;
    if (oom_killed || (exit.code == exit_code_of_kill && killed_by_others)) {
        return {.code = Errc::out_of_memory, .message = {}, .detail = {}};
    }
    Error error{.code = Errc::container_exit, .message = {}, .detail = {}};
    if (exit.code) {
        error.message =
            fmt::format("{}: {}", spec_of(error.code).message, exit_code_text(*exit.code));
    }
    return error;
}

}  // namespace stoker
