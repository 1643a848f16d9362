#pragma once

// Which images this worker has pulled, when each was last used, and which are about to be used:
// what the cleaner may remove, and in which order. Kept in a file over restarts, for an engine does
// not remember who pulled what. Thread-safe.

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "model/error.hpp"
#include "worker/containers/container_spec.hpp"

namespace stoker {

/// The name under which the engine lists an image; the text itself for what is no reference.
std::string listed_name(std::string_view image);

class ImageRecord {
public:
    /// Held from before an image is looked up until a container is made of it: it is in use.
    class Use {
    public:
        Use(Use&& other) noexcept :
            record_(std::exchange(other.record_, nullptr)),
            name_(std::move(other.name_)) {}
        Use& operator=(Use&&) = delete;
        ~Use() {
            if (record_ != nullptr) record_->leave(name_);
        }

    private:
        friend class ImageRecord;
        Use(ImageRecord* record, std::string name) : record_(record), name_(std::move(name)) {}
        ImageRecord* record_;
        std::string name_;
    };

    explicit ImageRecord(const Clock& clock) : clock_(clock) {}

    void pulled(std::string_view image);
    Use use(std::string_view image);
    /// A container of it is gone: it was in use until now.
    void used(std::string_view image);
    void forget(std::string_view name);

    struct Total {
        std::uint64_t bytes = 0;  ///< of the images pulled by this worker, each counted once
        std::vector<std::string> removable;  ///< names, least recently used first
    };
    /// Compares with what the engine has; what it no longer has is forgotten.
    Total compare(const std::vector<StoredImage>& stored);

    /// One line an image, least recently used first: milliseconds since 1970, a space, the name.
    std::string text() const;
    void read(std::string_view text);

private:
    struct Entry {
        WallTime used_at{};
        bool pulled = false;
        std::size_t users = 0;
    };
    void leave(const std::string& name);

    const Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace stoker
