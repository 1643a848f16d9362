#include "tests/system/fixture.hpp"

#include "tests/support/docker_images.hpp"

namespace stoker::test {

const std::string& function_image() {
    static const TestImage image(compile_static_c(read_file(STOKER_TEST_FUNCTION)));
    return image.tag();
}

bool has_both_lines(const std::string& log, const std::string& text) {
    const auto out = "out: " + text + "\n";
    const auto err = "err: " + text + "\n";
    return log == out + err || log == err + out;
}

}  // namespace stoker::test
