#pragma once

// Tiny function images for tests that need a real container engine: a static program compiled here,
// put into an otherwise empty image through the engine's build API. No registry, no base image. The
// engine is DOCKER_HOST's, else the one at /var/run/docker.sock. Failures throw: a test cannot go
// on.

#include <string>
#include <string_view>
#include <vector>

#include "common/http/connection.hpp"

namespace stoker::test {

HttpAddress docker_address();
/// False: the test says so and returns.
bool docker_answers();

struct ImageFile {
    std::string path;  ///< relative to the root of the build context
    std::string bytes;
    unsigned mode = 0755;
};

void build_image(
    const std::string& tag, const std::vector<ImageFile>& files, const std::string& dockerfile
);
/// One that does not exist is fine.
void remove_image(const std::string& tag);
/// The archive `docker save` would write.
std::string save_image(const std::string& tag);

bool image_exists(const std::string& tag);
/// Pushes a local image as `name` (registry, path and tag) and keeps it here under its first name
/// only. The digest by which the registry has it.
std::string push_image(
    const std::string& tag, const std::string& name, const std::string& auth_header = "e30="
);

/// The path of a static executable. Compiled once per build folder and source text.
std::string compile_static_c(std::string_view source);
std::string read_file(const std::string& path);

/// An image that lives as long as this object, under a tag nobody else uses.
class TestImage {
public:
    TestImage(const std::vector<ImageFile>& files, const std::string& dockerfile);
    /// `program` as /program, uncompressed into an empty image.
    explicit TestImage(const std::string& program_path);
    ~TestImage();
    TestImage(const TestImage&) = delete;
    TestImage& operator=(const TestImage&) = delete;

    const std::string& tag() const { return tag_; }

private:
    std::string tag_;
};

/// Unlike any other, in this process and others: for names of containers, images and instances.
std::string unique_name(std::string_view prefix);

}  // namespace stoker::test
