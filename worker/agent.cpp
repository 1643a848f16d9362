#include "worker/agent.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>

#include "common/log.hpp"

namespace stoker {

namespace {

// Servers close idle connections; Fn's agent gives up its own first, after a second, and functions
// rely on it.
constexpr std::chrono::seconds connection_idle_max{1};
// A container that was seen idle may be dead by the time it is used; then the next one is tried.
// After a restart of the engine all of them are.
constexpr int slot_tries_max = 1000;
// One that comes up and breaks before its first call has a fault that the next one will have, too.
constexpr int stillborn_max = 3;
// For the engine to report the exit of a function that broke its connection; and for longer if its
// output has ended, too, for then it has exited. A busy engine takes seconds.
constexpr std::chrono::seconds exit_wait_max{1};
constexpr std::chrono::seconds sure_exit_wait_max{10};
constexpr int exit_code_of_kill = 128 + SIGKILL;

double seconds_since(Deadline begun) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// Passes a good answer on to whoever invoked; other answers are an Error and their bodies dropped.
class PassOn final : public FunctionAnswer {
public:
    explicit PassOn(AnswerSink& sink) : sink_(sink) {}

    Task<Result<void>> head(AnswerHead head, std::string_view) override {
        good_ = head.status == 200;
        if (!good_) co_return Result<void>{};
        co_return co_await sink_.head(std::move(head));
    }
    Task<Result<void>> data(std::string_view, std::string_view decoded, bool last) override {
        if (!good_ || (decoded.empty() && !last)) co_return Result<void>{};
        co_return co_await sink_.write(decoded, last);
    }

private:
    AnswerSink& sink_;
    bool good_ = false;
};

}  // namespace

Agent::Agent(SlotPool& slots, ContainerDriver& driver, Metrics& metrics) :
    slots_(slots),
    driver_(driver),
    meter_(driver),
    run_seconds_(metrics.histogram("stoker_call_run_seconds", "Time of calls inside containers")),
    slot_wait_seconds_(
        metrics.histogram("stoker_slot_wait_seconds", "Time calls waited for a container slot")
    ) {}

Task<Result<void>> Agent::invoke(
    Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
) {
    PassOn pass_on(answer);
    co_return co_await execute(invocation, body, pass_on, nullptr, give_up);
}

Task<Result<void>> Agent::execute(
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    LiveCallRef live,
    Deadline give_up
) {
    const auto begun = std::chrono::steady_clock::now();
    int stillborn = 0;
    for (int tries = 0; tries < slot_tries_max && stillborn < stillborn_max; ++tries) {
        auto slot = co_await slots_.acquire(invocation.fn, give_up);
        if (!slot) {
            if (live && !slot.error().detail.empty()) {
                live->log->append(LogStream::err, slot.error().detail);
            }
            co_return fail(slot.error());
        }
        auto& container = slot->container();
        if (!connect(container)) {
            const bool was_idle = container.idle_since != std::chrono::steady_clock::time_point{};
            if (!container.served && !was_idle) ++stillborn;
            continue;
        }
        slot_wait_seconds_.observe(seconds_since(begun));
        if (live && !live->begin(slot->ref(), wall_now())) {
            std::move(*slot).release();
            co_return fail(Errc::cancelled);
        }
        co_return co_await run_in(std::move(*slot), invocation, body, answer, live);
    }
    co_return fail(Errc::init_failed, {}, "containers break before they serve");
}

bool Agent::connect(Container& container) {
    if (container.connection) {
        char byte = 0;
        const auto peeked = ::recv(container.connection.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        // Bytes nobody asked for: nothing this container says next can be trusted.
        if (peeked > 0) return false;
        const auto idle = std::chrono::steady_clock::now() - container.connection_used;
        if (peeked < 0 && errno == EAGAIN && idle < connection_idle_max) return true;
    }
    auto connected = connect_to(container.socket);
    container.connection = connected ? std::move(*connected) : UniqueFd{};
    return connected.has_value();
}

Task<Result<void>> Agent::run_in(
    SlotPool::Slot slot,
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    const LiveCallRef& live
) {
    auto& container = slot.container();
    const auto begun = std::chrono::steady_clock::now();
    container.served = true;
    container.output->begin(live ? live->log : nullptr);
    if (live) meter_.begin(container);

    auto end = co_await exchange_http_stream(
        container.connection.get(),
        invocation,
        body,
        answer,
        {},
        begun + std::chrono::seconds(invocation.fn->timeout_s)
    );

    container.output->end();
    if (live) live->left_container();
    run_seconds_.observe(seconds_since(begun));
    if (live && !end.lost) {
        live->used(co_await meter_.end(slot.ref(), std::chrono::steady_clock::now() - begun));
    }
    container.connection_used = std::chrono::steady_clock::now();
    if (!end.connection_ok) container.connection.reset();
    if (end.container_ok) {
        std::move(slot).release();
        co_return std::move(end.result);
    }
    if (end.lost) {
        if (live && slot.container().killed) live->interrupted = true;
        end.result = fail(co_await explain_loss(slot.ref()));
        container.output->end();  // its last words may have come with the exit
    }
    co_return std::move(end.result);
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
    co_return error_of_exit(*exited, oom_killed, container->killed);
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
            fmt::format("{}: container exit code {}", spec_of(error.code).message, *exit.code);
    }
    return error;
}

}  // namespace stoker
