#include "tests/support/registry.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "common/base64.hpp"
#include "tests/support/docker_images.hpp"

namespace stoker::test {

Registry::Registry(std::string account) : account_(std::move(account)) {
    start();
    std::string address;
    std::ifstream(dir_.file("address")) >> address;
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
}

Registry::~Registry() {
    try {
        stop();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the test has its verdict
    }
}

void Registry::start() {
    const auto auth = account_.empty() ? std::string{} : " --auth '" + account_ + "'";
    services("start --port " + std::to_string(port_) + auth);
}

void Registry::stop() { services("stop"); }

void Registry::services(const std::string& words) const {
    const auto command = std::string(STOKER_SERVICES) + " registry " + words + " --dir '" +
                         dir_.path().string() + "' >/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

std::string Registry::push(const std::string& local_tag, const std::string& path) {
    auto name = host() + "/" + path;
    std::string auth = "{}";
    if (const auto colon = account_.find(':'); colon != std::string::npos) {
        auth = R"({"username":")" + account_.substr(0, colon) + R"(","password":")" +
               account_.substr(colon + 1) + "\"}";
    }
    digest_ = push_image(local_tag, name, base64url_encode(auth));
    return name;
}

std::size_t Registry::pulls(const std::string& repository) const {
    std::ifstream log(dir_.file("log"));
    const auto asked = "\"GET /v2/" + repository + "/manifests/";
    std::size_t count = 0;
    for (std::string line; std::getline(log, line);) count += line.contains(asked) ? 1 : 0;
    return count;
}

}  // namespace stoker::test
