#pragma once

// An engine that has nothing but images, for the parts of the worker that deal with them: pulls
// succeed, fail as told, or are held until they are let go.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "common/async/lanes.hpp"
#include "common/async/latch.hpp"
#include "tests/worker/inert_driver.hpp"
#include "worker/images.hpp"

namespace stoker::test {

class ImageEngine final : public InertDriver {
public:
    void put(const std::string& name, std::uint64_t bytes) {
        const std::scoped_lock lock(mutex_);
        images_[name] = bytes;
    }
    void drop(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        images_.erase(name);
    }
    bool has(const std::string& name) const {
        const std::scoped_lock lock(mutex_);
        return images_.contains(name);
    }
    void need(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        needed_.insert(name);
    }
    void hold_pulls() { held_ = std::make_shared<Latch<bool>>(); }
    void let_pulls_go() { held_->set(true); }

    std::atomic<int> pulls{0};
    PullProgress progress;
    std::vector<Error> failures;  ///< of the next pulls; set while there is none

    Task<Result<ImageInfo>> inspect_image(std::string image, Deadline) override {
        if (!has(image)) co_return fail(Errc::image_not_found);
        co_return ImageInfo{};
    }
    Task<Result<void>> pull_image(std::string image, PullOptions options, Deadline) override {
        ++pulls;
        options.progress(progress);
        if (const auto held = held_) co_await held->wait(deadline_in(std::chrono::seconds(20)));
        if (!failures.empty()) {
            auto failure = failures.back();
            failures.pop_back();
            co_return fail(std::move(failure));
        }
        put(image, 10);
        co_return Result<void>{};
    }
    Task<Result<std::vector<StoredImage>>> list_images(Deadline) override {
        const std::scoped_lock lock(mutex_);
        std::vector<StoredImage> images;
        for (const auto& [name, bytes] : images_) images.push_back({name, {name}, bytes});
        co_return images;
    }
    Task<Result<bool>> remove_image(std::string name, Deadline) override {
        const std::scoped_lock lock(mutex_);
        if (needed_.contains(name)) co_return false;
        images_.erase(name);
        co_return true;
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> images_;
    std::set<std::string> needed_;
    std::shared_ptr<Latch<bool>> held_;
};

/// Time that goes on by a millisecond whenever it is looked at.
struct StepClock final : Clock {
    WallTime now() const override { return from_ms(++ms); }
    mutable std::atomic<std::int64_t> ms{1'000};
};

struct ImageFixture {
    ImageFixture() { lanes.start(); }
    ~ImageFixture() { lanes.stop(); }
    ImageFixture(const ImageFixture&) = delete;
    ImageFixture& operator=(const ImageFixture&) = delete;

    template <class T>
    std::future<T> start(Task<T> task) {
        return asio::co_spawn(lanes.next(), std::move(task), asio::use_future);
    }
    template <class T>
    T run(Task<T> task) {
        return start(std::move(task)).get();
    }
    static void eventually(const std::function<bool()>& is_so) {
        const auto deadline = deadline_in(std::chrono::seconds(20));
        while (!is_so()) {
            REQUIRE_FALSE(has_passed(deadline));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    Lanes lanes{2};
    ImageEngine driver;
    StepClock clock;
    ImageRecord record{clock};
    Metrics metrics;
};

}  // namespace stoker::test
