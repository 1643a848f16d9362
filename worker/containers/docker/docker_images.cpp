// The part of DockerDriver that concerns images.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/async/blocking_pool.hpp"
#include "common/units.hpp"
#include "worker/containers/docker/docker_driver.hpp"
#include "worker/containers/docker/json_fields.hpp"
#include "worker/containers/docker/pull_progress.hpp"

namespace stoker {

namespace {

constexpr std::size_t load_piece_bytes = std::size_t{256} * 1024;

std::unexpected<Error> pull_failure(Errc code, std::string_view image, std::string_view why) {
    return fail(code, "Failed to pull image '" + std::string(image) + "': " + std::string(why));
}

/// What the engine's words say of another try. Inside a stream of status 200 only they can tell,
/// and some engines answer 500 to everything.
Errc judge(int status, std::string_view why) {
    constexpr std::array<std::string_view, 8> missing{
        "not found",
        "manifest unknown",
        "name unknown",
        "does not exist",
        "pull access denied",
        "no matching manifest",
        "invalid reference format",
        "unsupported media type"
    };
    constexpr std::array<std::string_view, 4> denied{
        "unauthorized", "authentication required", "no basic auth credentials", "denied"
    };
    const auto says = [why](std::string_view words) { return why.contains(words); };
    if (status == 404 || std::ranges::any_of(missing, says)) return Errc::image_not_found;
    if (status == 401 || status == 403 || std::ranges::any_of(denied, says)) {
        return Errc::pull_denied;
    }
    return Errc::pull_failed;
}

/// Reads the engine's progress to its end: the error it ended with, if any.
Task<Result<std::optional<std::string>>> follow(
    HttpStream stream, PullOptions options, Deadline deadline
) {
    PullProgressParser parser;
    for (;;) {
        const auto silent_until = deadline_in(options.silence_max);
        auto bytes = co_await stream.read(std::min(deadline, silent_until));
        if (!bytes && has_passed(silent_until) && !has_passed(deadline)) {
            co_return "no progress for " + format_duration(options.silence_max);
        }
        if (!bytes) co_return unreachable(bytes.error());
        if (bytes->empty()) break;
        if (parser.feed(*bytes) && options.progress) options.progress(parser.progress());
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
    std::string image, PullOptions options, Deadline deadline
) {
    const auto reference = parse_image_reference(image);
    if (!reference) {
        co_return pull_failure(Errc::image_not_found, image, "invalid reference format");
    }
    HttpRequest request;
    request.method = "POST";
    request.target = "/images/create?fromImage=" + percent_encode(reference->name) +
                     "&tag=" + percent_encode(reference->tag);
    if (auto header = credentials_.header_for(reference->name); !header.empty()) {
        request.headers.emplace_back("X-Registry-Auth", std::move(header));
    }
    // The head comes with the first progress: a registry that stalls before that is silent, too.
    const auto silent_until = deadline_in(options.silence_max);
    auto stream = co_await engine_.open(std::move(request), std::min(deadline, silent_until));
    if (!stream && has_passed(deadline)) co_return fail(Errc::pull_timeout);
    if (!stream && has_passed(silent_until)) {
        const auto silence = format_duration(options.silence_max);
        co_return pull_failure(Errc::pull_failed, image, "no answer for " + silence);
    }
    if (!stream) co_return fail(std::move(stream.error()));
    const int status = stream->head().status;
    if (status != 200) {
        const auto body = co_await stream->read_all(deadline);
        const auto why = body ? engine_message(*body) : body.error().text;
        co_return pull_failure(judge(status, why), image, why);
    }
    auto failure = co_await follow(std::move(*stream), std::move(options), deadline);
    if (!failure && has_passed(deadline)) co_return fail(Errc::pull_timeout);
    if (!failure) co_return fail(std::move(failure.error()));
    if (*failure) co_return pull_failure(judge(status, **failure), image, **failure);
    co_return Result<void>();
}

Task<Result<std::vector<StoredImage>>> DockerDriver::list_images(Deadline deadline) {
    auto answer = co_await engine_.call("GET", "/images/json", {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status != 200) co_return refused("list images", *answer);
    std::vector<StoredImage> images;
    for (const auto& found : nlohmann::json::parse(answer->body, nullptr, false)) {
        StoredImage image{
            .id = text_at(found, "Id"),
            .names = texts_at(found, "RepoTags"),
            .bytes =
                static_cast<std::uint64_t>(std::max<std::int64_t>(integer_at(found, "Size"), 0))
        };
        std::ranges::move(texts_at(found, "RepoDigests"), std::back_inserter(image.names));
        images.push_back(std::move(image));
    }
    co_return images;
}

Task<Result<bool>> DockerDriver::remove_image(std::string name, Deadline deadline) {
    const auto reference = parse_image_reference(name);
    if (!reference) co_return true;
    auto answer = co_await engine_.call("DELETE", "/images/" + reference->text(), {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status == 409) co_return false;
    if (answer->status != 200 && answer->status != 404) co_return refused("remove image", *answer);
    co_return true;
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
    const PullOptions unbounded{.progress = {}, .silence_max = std::chrono::hours{24}};
    const auto failure = co_await follow(std::move(*stream), unbounded, deadline);
    if (!failure) co_return fail(failure.error());
    if (*failure) co_return fail(Errc::internal, {}, "load image: " + **failure);
    co_return Result<void>();
}

}  // namespace stoker
