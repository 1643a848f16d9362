#include "common/async/blocking_pool.hpp"

namespace stoker {

BlockingPool::BlockingPool(std::size_t threads, std::size_t waiting_max) :
    waiting_max_(waiting_max) {
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this] {
            pthread_setname_np(pthread_self(), "blocking");
            loop();
        });
    }
}

BlockingPool::~BlockingPool() { stop(); }

bool BlockingPool::post(std::move_only_function<void()> work) {
    {
        std::scoped_lock lock(mutex_);
        if (stopping_ || waiting_.size() >= waiting_max_) return false;
        waiting_.push_back(std::move(work));
    }
    wake_.notify_one();
    return true;
}

void BlockingPool::stop() {
    {
        std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void BlockingPool::loop() {
    for (;;) {
        std::move_only_function<void()> work;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            work = std::move(waiting_.front());
            waiting_.pop_front();
        }
        work();
    }
}

}  // namespace stoker
