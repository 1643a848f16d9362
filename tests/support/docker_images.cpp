#include "tests/support/docker_images.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

#include "common/http/client.hpp"
#include "tests/support/run.hpp"
#include "tests/support/tar.hpp"

namespace stoker::test {

namespace {

constexpr std::chrono::seconds engine_time{60};
constexpr const char* api = "/v1.41";

HttpAnswer ask_docker(HttpRequest request) {
    request.target = api + request.target;
    const auto ask = [](HttpRequest sent) -> Task<HttpResult<HttpAnswer>> {
        const HttpClient client(docker_address(), {.body_bytes_max = std::size_t{256} << 20});
        co_return co_await client.request(std::move(sent), deadline_in(engine_time));
    };
    const auto answer = run(ask(std::move(request)));
    if (!answer) throw std::runtime_error("docker: " + answer.error().text);
    return *answer;
}

HttpRequest request_of(std::string method, std::string target) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    return request;
}

void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

HttpAddress docker_address() {
    const char* host = std::getenv("DOCKER_HOST");
    return parse_http_address(host != nullptr ? host : "unix:///var/run/docker.sock").value();
}

bool docker_answers() {
    const auto ping = []() -> Task<bool> {
        const HttpClient client(docker_address());
        const auto answer =
            co_await client.request(request_of("GET", "/_ping"), deadline_in(engine_time));
        co_return answer && answer->status == 200;
    };
    return run(ping());
}

void build_image(
    const std::string& tag, const std::vector<ImageFile>& files, const std::string& dockerfile
) {
    TarWriter context;
    for (const auto& file : files) context.add(file.path, file.bytes, file.mode);
    context.add("Dockerfile", dockerfile, 0644);
    // Without the cache every image is its own: removing one cannot pull layers from under another.
    auto request = request_of("POST", "/build?nocache=1&rm=1&forcerm=1&t=" + tag);
    request.headers = {{"Content-Type", "application/x-tar"}};
    request.body = std::move(context).finish();
    const auto answer = ask_docker(std::move(request));
    // A build that fails says so inside its stream of status 200.
    if (answer.status != 200 || answer.body.contains("\"errorDetail\"")) {
        throw std::runtime_error("docker build " + tag + ": " + answer.body);
    }
}

void remove_image(const std::string& tag) {
    const auto answer = ask_docker(request_of("DELETE", "/images/" + tag + "?force=1"));
    if (answer.status != 200 && answer.status != 404) {
        throw std::runtime_error("docker rmi " + tag + ": " + answer.body);
    }
}

std::string save_image(const std::string& tag) {
    const auto answer = ask_docker(request_of("GET", "/images/" + tag + "/get"));
    if (answer.status != 200) throw std::runtime_error("docker save " + tag + ": " + answer.body);
    return answer.body;
}

bool image_exists(const std::string& tag) {
    return ask_docker(request_of("GET", "/images/" + tag + "/json")).status == 200;
}

std::string push_image(
    const std::string& tag, const std::string& name, const std::string& auth_header
) {
    const auto colon = name.rfind(':');
    const auto repository = name.substr(0, colon);
    const auto version = name.substr(colon + 1);
    const auto tagged = ask_docker(
        request_of("POST", "/images/" + tag + "/tag?repo=" + repository + "&tag=" + version)
    );
    if (tagged.status != 201) throw std::runtime_error("docker tag " + name + ": " + tagged.body);
    auto push = request_of("POST", "/images/" + repository + "/push?tag=" + version);
    push.headers = {{"X-Registry-Auth", auth_header}};
    const auto pushed = ask_docker(std::move(push));
    remove_image(name);
    constexpr std::string_view digest_key = "\"Digest\":\"";
    const auto at = pushed.body.find(digest_key);
    if (pushed.status != 200 || at == std::string::npos) {
        throw std::runtime_error("docker push " + name + ": " + pushed.body);
    }
    const auto begin = at + digest_key.size();
    return pushed.body.substr(begin, pushed.body.find('"', begin) - begin);
}

std::string compile_static_c(std::string_view source) {
    namespace fs = std::filesystem;
    const fs::path folder = STOKER_STATIC_C_DIR;
    fs::create_directories(folder);
    const auto name = std::to_string(std::hash<std::string_view>{}(source));
    const auto program = (folder / name).string();
    if (fs::exists(program)) return program;
    // Tests run in parallel: each compiles under a name of its own, the rename is atomic.
    const auto mine = (folder / unique_name(name)).string();
    write_file(mine + ".c", source);
    const auto command = std::string(STOKER_STATIC_C_COMPILER) + " -std=gnu11 -O1 -static -s -o '" +
                         mine + "' '" + mine + ".c'";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    fs::remove(mine + ".c");
    fs::rename(mine, program);
    return program;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TestImage::TestImage(const std::vector<ImageFile>& files, const std::string& dockerfile) :
    tag_(unique_name("stoker-test/image") + ":test") {
    build_image(tag_, files, dockerfile);
}

TestImage::TestImage(const std::string& program_path) :
    TestImage(
        {{"program", read_file(program_path)}},
        "FROM scratch\nCOPY program /program\nENTRYPOINT [\"/program\"]\n"
    ) {}

TestImage::~TestImage() {
    try {
        remove_image(tag_);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the test has its verdict
    }
}

std::string unique_name(std::string_view prefix) {
    static std::atomic<unsigned> counter{0};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return std::string(prefix) + "-" + std::to_string(ms) + "-" + std::to_string(::getpid()) + "-" +
           std::to_string(counter.fetch_add(1));
}

}  // namespace stoker::test
