// The part of DockerDriver that concerns images.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "common/async/blocking_pool.hpp"
#include "worker/containers/docker/docker_driver.hpp"
#include "worker/containers/docker/json_fields.hpp"
#include "worker/containers/docker/pull_progress.hpp"

namespace stoker {

namespace {

constexpr std::size_t load_piece_bytes = std::size_t{256} * 1024;

std::unexpected<Error> pull_failure(Errc code, std::string_view image, std::string_view why) {
    return fail(code, "Failed to pull image '" + std::string(image) + "': " + std::string(why));
}

/// Whether another try is in vain. Inside a stream of status 200 only the words can tell, and some
/// engines answer 500 to everything.
bool says_missing(std::string_view why) {
    constexpr std::array<std::string_view, 4> words{
        "not found", "manifest unknown", "does not exist", "pull access denied"
    };
    return std::ranges::any_of(words, [&](auto word) { return why.contains(word); });
}

/// Reads the engine's progress to its end.
Task<Result<std::optional<std::string>>> follow(
    HttpStream stream, OnPullProgress progress, Deadline deadline
) {
    PullProgressParser parser;
    for (;;) {
        auto bytes = co_await stream.read(deadline);
        if (!bytes) co_return unreachable(bytes.error());
        if (bytes->empty()) break;
        if (parser.feed(*bytes) && progress) progress(parser.progress());
    }
    parser.finish();
    co_return parser.error();
}

}  // namespace

Task<Result<ImageInfo>> DockerDriver::inspect_image(std::string image, Deadline deadline) {
    const auto reference = parse_image_reference(image);
    if (!reference) co_return fail(Errc::image_not_found, {}, "invalid reference format");
    auto answer =
        co_await engine_.call("GET", "/images/" + reference->text() + "/json", {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status == 404) {
        co_return fail(Errc::image_not_found, {}, engine_message(answer->body));
    }
    if (answer->status != 200) co_return refused("inspect image", *answer);
    const auto found = nlohmann::json::parse(answer->body, nullptr, false);
    const auto& config = object_at(found, "Config");
    co_return ImageInfo{
        .id = text_at(found, "Id"),
        .entrypoint = texts_at(config, "Entrypoint"),
        .cmd = texts_at(config, "Cmd"),
        .working_dir = text_at(config, "WorkingDir"),
        .user = text_at(config, "User"),
        .env = texts_at(config, "Env"),
        .has_volumes = !object_at(config, "Volumes").empty(),
    };
}

Task<Result<void>> DockerDriver::pull_image(
    std::string image, OnPullProgress progress, Deadline deadline
) {
    const auto reference = parse_image_reference(image);
    if (!reference) {
        co_return pull_failure(Errc::image_not_found, image, "invalid reference format");
    }
    HttpRequest request;
    request.method = "POST";
    request.target = "/images/create?fromImage=" + percent_encode(reference->name) +
                     "&tag=" + percent_encode(reference->tag);
    auto stream = co_await engine_.open(std::move(request), deadline);
    if (!stream && has_passed(deadline)) {
        co_return pull_failure(Errc::pull_failed, image, "timed out");
    }
    if (!stream) co_return fail(std::move(stream.error()));
    const int status = stream->head().status;
    if (status != 200) {
        const auto body = co_await stream->read_all(deadline);
        const auto why = body ? engine_message(*body) : body.error().text;
        const bool missing = status == 404 || says_missing(why);
        co_return pull_failure(missing ? Errc::image_not_found : Errc::pull_failed, image, why);
    }
    auto failure = co_await follow(std::move(*stream), std::move(progress), deadline);
    if (!failure && has_passed(deadline)) {
        co_return pull_failure(Errc::pull_failed, image, "timed out");
    }
    if (!failure) co_return fail(std::move(failure.error()));
    if (*failure) {
        const auto code = says_missing(**failure) ? Errc::image_not_found : Errc::pull_failed;
        co_return pull_failure(code, image, **failure);
    }
    co_return Result<void>();
}

Task<Result<void>> DockerDriver::load_image(std::string tar_path, Deadline deadline) {
    std::error_code no_size;
    const auto bytes = std::filesystem::file_size(tar_path, no_size);
    std::ifstream file(tar_path, std::ios::binary);
    if (no_size || !file) co_return fail(Errc::internal, {}, "cannot read " + tar_path);

    // A thread of its own for the length of the load: the lane must not wait for the disk.
    BlockingPool reader(1, 1);
    HttpRequest request;
    request.method = "POST";
    request.target = "/images/load?quiet=1";
    request.headers.emplace_back("Content-Type", "application/x-tar");
    request.body_source = HttpBodySource{
        bytes,
        [&](Deadline until) -> Task<HttpResult<std::string>> {
            auto piece = co_await reader.run(
                [&file] {
                    std::string data(load_piece_bytes, '\0');
                    file.read(data.data(), static_cast<std::streamsize>(data.size()));
                    data.resize(static_cast<std::size_t>(file.gcount()));
                    return data;
                },
                until
            );
            if (piece) co_return std::move(*piece);
            co_return std::unexpected(
                HttpClientError{HttpClientError::Kind::timeout, "timed out while reading the file"}
            );
        }
    };
    auto stream = co_await engine_.open(std::move(request), deadline);
    if (!stream) co_return fail(std::move(stream.error()));
    const int status = stream->head().status;
    if (status != 200) {
        const auto body = co_await stream->read_all(deadline);
        co_return refused("load image", {status, {}, body ? *body : body.error().text});
    }
    const auto failure = co_await follow(std::move(*stream), {}, deadline);
    if (!failure) co_return fail(failure.error());
    if (*failure) co_return fail(Errc::internal, {}, "load image: " + **failure);
    co_return Result<void>();
}

}  // namespace stoker
