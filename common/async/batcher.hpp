#pragma once

// Group commit. Jobs pile up while one batch is being committed and go together in the next, each
// awaiting its own result; there is no artificial linger. One thread of its own owns the resource
// (a database connection, say) and runs the jobs in the order they were submitted.
//
// Backend gives the transaction:
//   void begin();            // before the first job of a batch
//   error_code commit();     // makes the batch durable; an error fails every job of it
//   void idle();             // after a batch, when nothing else waits: checkpoints and the like
// A job is run with the Backend and must not throw. Its completion is called once, on the batcher's
// thread, after commit() returned, with commit()'s error: it only hands the result over.

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/async/task.hpp"

namespace stoker {

template <class Backend>
class Batcher {
public:
    struct Job {
        std::move_only_function<void(Backend&)> run;
        std::move_only_function<void(error_code)> completed;
    };

    struct Limits {
        std::size_t batch_jobs_max = 512;
        std::size_t waiting_jobs_max = 100'000;
    };

    Batcher(Backend& backend, Limits limits) : backend_(backend), limits_(limits) {
        thread_ = std::thread([this] {
            pthread_setname_np(pthread_self(), "batcher");
            loop();
        });
    }
    ~Batcher() { stop(); }
    Batcher(const Batcher&) = delete;
    Batcher& operator=(const Batcher&) = delete;

    /// Any thread. False (the job is untouched) when too many wait or after stop().
    bool submit(Job&& job) {
        {
            std::scoped_lock lock(mutex_);
            if (stopping_ || waiting_.size() >= limits_.waiting_jobs_max) return false;
            waiting_.push_back(std::move(job));
            if (waiting_.size() > 1) return true;  // the thread is awake or has been woken
        }
        wake_.notify_one();
        return true;
    }

    /// Commits what waits, then ends the thread.
    void stop() {
        {
            std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        if (thread_.joinable()) thread_.join();
    }

    std::size_t waiting() const {
        std::scoped_lock lock(mutex_);
        return waiting_.size();
    }

private:
    void loop() {
        std::vector<Job> taken;
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
                if (waiting_.empty()) return;
                taken.swap(waiting_);
            }
            for (std::size_t at = 0; at < taken.size(); at += limits_.batch_jobs_max) {
                run_batch(taken, at, std::min(at + limits_.batch_jobs_max, taken.size()));
            }
            taken.clear();
            backend_.idle();
        }
    }

    void run_batch(std::vector<Job>& jobs, std::size_t from, std::size_t to) {
        backend_.begin();
        for (std::size_t i = from; i < to; ++i) jobs[i].run(backend_);
        const error_code committed = backend_.commit();
        for (std::size_t i = from; i < to; ++i) jobs[i].completed(committed);
    }

    Backend& backend_;
    const Limits limits_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Job> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace stoker
