#pragma once

// Results on their way from the thread that writes to the lanes that wait for them. They are
// gathered while a batch completes and sent with one post for each lane: waking a lane once for
// each result costs more than the write itself. Private to datastore; on one thread, the one that
// writes.

#include <boost/asio/post.hpp>

#include <functional>
#include <utility>
#include <vector>

#include "common/async/task.hpp"

namespace stoker {

class Deliveries {
public:
    /// `deliver` will run on the lane, after the next flush().
    void add(Executor lane, std::move_only_function<void()> deliver) {
        for (auto& parcel : parcels_) {
            if (parcel.lane != lane) continue;
            parcel.items.push_back(std::move(deliver));
            return;
        }
        parcels_.push_back({lane, {}});
        parcels_.back().items.push_back(std::move(deliver));
    }

    void flush() {
        for (auto& parcel : parcels_) {
            asio::post(parcel.lane, [items = std::move(parcel.items)]() mutable {
                for (auto& deliver : items) deliver();
            });
        }
        parcels_.clear();
    }

private:
    struct Parcel {
        Executor lane;
        std::vector<std::move_only_function<void()>> items;
    };
    std::vector<Parcel> parcels_;
};

}  // namespace stoker
