#include "common/async/spawn.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

#include "common/log.hpp"

namespace stoker {

namespace {

void report(std::string_view name, const std::exception_ptr& failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        log::error("task.escaped", {{"task", name}, {"what", e.what()}});
    } catch (...) {
        log::error("task.escaped", {{"task", name}});
    }
}

}  // namespace

void spawn(Executor lane, std::string_view name, Task<> task) {
    asio::co_spawn(lane, std::move(task), [name](const std::exception_ptr& failure) {
        report(name, failure);
    });
}

void spawn(Gate& gate, Executor lane, std::string_view name, Task<> task) {
    auto pass = gate.enter();
    if (!pass) return;
    asio::co_spawn(
        lane,
        std::move(task),
        [name,
         held = std::make_shared<Gate::Pass>(std::move(*pass))](const std::exception_ptr& failure) {
            report(name, failure);
        }
    );
}

}  // namespace stoker
