#include "cli/image_settings.hpp"

namespace stoker {

namespace {

constexpr Millis day{86'400'000};
constexpr std::uint64_t tib = std::uint64_t{1} << 40U;

}  // namespace

void add_image_settings(Settings& table, ImageSettings& to) {
    table
        .add(
            "docker-auth",
            to.docker_auth,
            text_kind("JSON|FILE"),
            "Registry credentials; by default those of docker login"
        )
        .hidden()
        .alias("FN_DOCKER_AUTH");
    table.add(
        "pull-silence",
        to.pull_silence,
        duration_kind(Millis{10}, day),
        "Without progress until a pull is tried again"
    );
    table
        .add(
            "docker-load-file",
            to.load_file,
            text_kind("FILE"),
            "Images of this archive (docker save) are loaded at start"
        )
        .alias("FN_DOCKER_LOAD_FILE");
    table
        .add(
            "image-enable-volume",
            to.enable_volume,
            bool_kind(),
            "Let functions have images with a VOLUME"
        )
        .alias("FN_IMAGE_ENABLE_VOLUME");
    table
        .add(
            "image-clean-max-size",
            to.clean_max_size,
            size_kind(0, 1024 * tib),
            "Of the images pulled; more are removed, 0 is never"
        )
        .alias("FN_IMAGE_CLEAN_MAX_SIZE");
    table
        .add(
            "image-clean-exempt-tags",
            to.clean_exempt_tags,
            text_kind("IMAGES"),
            "Images that are never removed, with blanks between"
        )
        .alias("FN_IMAGE_CLEAN_EXEMPT_TAGS");
}

}  // namespace stoker
