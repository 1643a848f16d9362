#include "common/async/lanes.hpp"

#include <pthread.h>

namespace stoker {

Lanes::Lanes(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        // The hint 1 keeps Asio's cheap single-threaded wake-ups while posts from elsewhere stay
        // safe.
        contexts_.push_back(std::make_unique<Context>(1));
        work_.emplace_back(contexts_.back()->get_executor());
    }
}

Lanes::~Lanes() { stop(); }

void Lanes::start() {
    for (auto& context : contexts_) {
        threads_.emplace_back([&context] {
            pthread_setname_np(pthread_self(), "lane");
            context->run();
        });
    }
}

void Lanes::stop() {
    work_.clear();
    for (auto& context : contexts_) context->stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    if (!std::exchange(is_shut_down_, true)) {
        for (auto& context : contexts_) context->shutdown();
    }
}

}  // namespace stoker
