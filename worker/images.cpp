#include "worker/images.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds state_interval{1};
constexpr std::chrono::seconds log_interval{5};
constexpr std::size_t expected_max = 10'000;

Deadline inspect_deadline() { return deadline_in(EngineTimes{}.request); }

double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

std::string state_of(const std::string& image, const PullProgress& progress) {
    if (progress.layers_total == 0) return fmt::format("image {}: asking its registry", image);
    return fmt::format(
        "image {}: {:.1f} of {:.1f} MB, {} of {} layers",
        image,
        megabytes(progress.bytes_done),
        megabytes(progress.bytes_total),
        progress.layers_done,
        progress.layers_total
    );
}

}  // namespace

struct Images::Pull {
    explicit Pull(std::string its_image) : image(std::move(its_image)) {}

    const std::string image;
    const Steady::time_point begun = Steady::now();
    Latch<Result<void>> done;

    Steady::time_point logged_at = begun;  // of the task that pulls

    // Under Images::mutex_.
    PullProgress progress;
    std::string state;  // as it was told last
    Steady::time_point state_at{};
};

Images::Images(ContainerDriver& driver, ImageRecord& record, Metrics& metrics, PullPolicy policy) :
    driver_(driver),
    record_(record),
    policy_(policy),
    pulled_(metrics.counter("stoker_image_pulls_total", "Image pulls", {{"result", "pulled"}})),
    failed_(metrics.counter("stoker_image_pulls_total", "Image pulls", {{"result", "failed"}})),
    retried_(metrics.counter(
        "stoker_image_pull_retries_total", "Image pulls tried again after a failure"
    )),
    seconds_(metrics.histogram("stoker_image_pull_seconds", "Time of pulls that succeeded")) {
    metrics.gauge("stoker_image_pulls_running", "Image pulls under way", [this] {
        const std::scoped_lock lock(mutex_);
        return static_cast<double>(pulling_.size());
    });
}

Task<Result<ImageInfo>> Images::ensure(std::string image, std::function<void()> on_pull) {
    auto info = co_await driver_.inspect_image(image, inspect_deadline());
    if (info || info.error().code != Errc::image_not_found) co_return info;
    on_pull();
    if (auto pulled = co_await pull(image); !pulled) co_return fail(pulled.error());
    co_return co_await driver_.inspect_image(image, inspect_deadline());
}

Task<Result<void>> Images::pull(std::string image) {
    PullRef pull;
    bool mine = false;
    {
        const std::scoped_lock lock(mutex_);
        if (stopping_) co_return fail(Errc::shutting_down);
        auto& shared = pulling_[image];
        if (!shared) {
            shared = std::make_shared<Pull>(std::move(image));
            mine = true;
        }
        pull = shared;
    }
    const auto lane = co_await asio::this_coro::executor;
    if (mine) spawn(lane, "images.pull", run(pull));
    co_return (co_await pull->done.wait(Deadline::max())).value();
}

Task<> Images::run(PullRef pull) {
    log::info("image.pull", {{"image", pull->image}});
    const auto result = co_await try_until_done(pull);
    const auto took = std::chrono::duration<double>(Steady::now() - pull->begun).count();
    if (result) {
        pulled_.add();
        seconds_.observe(took);
        record_.pulled(pull->image);
        log::info("image.pulled", {{"image", pull->image}, {"seconds", took}});
    } else {
        failed_.add();
        log::warn(
            "image.pull_failed",
            {{"image", pull->image},
             {"code", spec_of(result.error().code).word},
             {"why", result.error().text()},
             {"detail", result.error().detail}}
        );
    }
    {
        const std::scoped_lock lock(mutex_);
        pulling_.erase(pull->image);
    }
    pull->done.set(result);
    if (result) on_pulled_();
}

Task<Result<void>> Images::try_until_done(PullRef pull) {
    const auto deadline = pull->begun + policy_.timeout;
    auto pause = policy_.pause_min;
    for (int tries = 1;; ++tries) {
        PullOptions options{
            .progress = [this, pull](const PullProgress& progress) { report(*pull, progress); },
            .silence_max = policy_.silence_max
        };
        auto result = co_await driver_.pull_image(pull->image, std::move(options), deadline);
        // An engine that is away is waited for elsewhere.
        if (result || result.error().code != Errc::pull_failed) co_return result;
        if (tries >= policy_.tries_max || has_passed(deadline - pause)) co_return result;
        log::warn(
            "image.pull_retry",
            {{"image", pull->image}, {"tries", tries}, {"why", result.error().text()}}
        );
        retried_.add();
        if (co_await stopped_.wait(deadline_in(pause))) co_return fail(Errc::shutting_down);
        pause *= 2;
    }
}

void Images::report(Pull& pull, const PullProgress& progress) {
    {
        const std::scoped_lock lock(mutex_);
        pull.progress = progress;
    }
    const auto now = Steady::now();
    if (now - pull.logged_at < log_interval) return;
    pull.logged_at = now;
    log::info(
        "image.pulling",
        {{"image", pull.image},
         {"bytes_done", progress.bytes_done},
         {"bytes_total", progress.bytes_total},
         {"layers_done", progress.layers_done},
         {"layers_total", progress.layers_total}}
    );
}

void Images::expect(const std::string& image, Executor lane) {
    {
        const std::scoped_lock lock(mutex_);
        if (stopping_ || expected_.contains(image)) return;
        if (expected_.size() >= expected_max) expected_.clear();
        expected_.insert(image);
    }
    spawn(lane, "images.look_ahead", look_ahead(image));
}

/// Its failure is logged, and found out again by the launch that needs the image.
Task<> Images::look_ahead(std::string image) {
    co_await ensure(std::move(image), [] {});
}

void Images::forget(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(expected_, [&](const std::string& image) { return listed_name(image) == name; });
}

std::string Images::pull_state(const std::string& image) const {
    const std::scoped_lock lock(mutex_);
    const auto found = pulling_.find(image);
    if (found == pulling_.end()) return {};
    auto& pull = *found->second;
    // Whatever changes here is written into the row of every call that waits: not too often.
    const auto now = Steady::now();
    if (now - pull.state_at >= state_interval) {
        pull.state_at = now;
        pull.state = state_of(image, pull.progress);
    }
    return pull.state;
}

void Images::stop() {
    std::vector<PullRef> pulls;
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        for (const auto& [image, pull] : pulling_) pulls.push_back(pull);
    }
    stopped_.set(true);
    for (const auto& pull : pulls) pull->done.set(fail(Errc::shutting_down));
}

}  // namespace stoker
