#include "worker/images.hpp"

#include "common/log.hpp"

namespace stoker {

Task<Result<ImageInfo>> Images::ensure(std::string image, std::function<void()> on_pull) {
    auto info = co_await driver_.inspect_image(image, deadline_in(EngineTimes{}.request));
    if (info || info.error().code != Errc::image_not_found) co_return info;
    on_pull();
    if (auto pulled = co_await pull(image); !pulled) co_return fail(pulled.error());
    co_return co_await driver_.inspect_image(image, deadline_in(EngineTimes{}.request));
}

Task<Result<void>> Images::pull(std::string image) {
    std::shared_ptr<Latch<Result<void>>> done;
    bool mine = false;
    {
        const std::scoped_lock lock(mutex_);
        auto& latch = pulling_[image];
        if (!latch) {
            latch = std::make_shared<Latch<Result<void>>>();
            mine = true;
        }
        done = latch;
    }
    if (!mine) {
        auto result = co_await done->wait(deadline_in(pull_timeout_));
        if (!result) co_return fail(Errc::pull_failed, "Image pull timed out");
        co_return *result;
    }
    log::info("image.pull", {{"image", image}});
    auto result = co_await driver_.pull_image(image, {}, deadline_in(pull_timeout_));
    if (!result) {
        log::warn("image.pull_failed", {{"image", image}, {"why", result.error().text()}});
    }
    {
        const std::scoped_lock lock(mutex_);
        pulling_.erase(image);
    }
    done->set(result);
    co_return result;
}

}  // namespace stoker
