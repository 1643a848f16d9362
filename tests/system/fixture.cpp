#include "tests/system/fixture.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/docker_images.hpp"

namespace stoker::test {

std::string function_program() {
    const std::string folder = STOKER_TEST_FUNCTIONS;
    auto source = read_file(folder + "/function.c");
    for (const std::string name : {"bad_deeds.h", "report.h"}) {
        const auto include = "#include \"" + name + "\"\n";
        source.replace(source.find(include), include.size(), read_file(folder + "/" + name));
    }
    return compile_static_c(source);
}

const std::string& function_image() {
    static const TestImage image(function_program());
    return image.tag();
}

Resources resources_of(const StokerProcess& stoker) {
    namespace fs = std::filesystem;
    const auto proc = fs::path("/proc") / std::to_string(stoker.pid());
    const auto entries = [](const fs::path& folder) {
        return std::distance(fs::directory_iterator(folder), fs::directory_iterator{});
    };
    Resources now;
    now.descriptors = entries(proc / "fd");
    now.threads = entries(proc / "task");
    std::ifstream statm(proc / "statm");
    std::int64_t pages = 0;
    statm >> pages >> pages;
    now.resident_mb = pages * ::sysconf(_SC_PAGESIZE) >> 20;
    for (const auto& instance : fs::directory_iterator(stoker.data() / "run")) {
        for (const auto& entry : fs::directory_iterator(instance))
            now.folders += entry.is_directory();
    }
    return now;
}

double metric(const StokerProcess& stoker, std::string_view series) {
    const auto text = "\n" + stoker.request("GET", "/metrics").body;
    const auto found = text.find("\n" + std::string(series) + " ");
    if (found == std::string::npos) return 0;
    return std::stod(text.substr(found + series.size() + 2));
}

Resources at_rest(const StokerProcess& stoker) {
    Resources now;
    eventually("everything is given back", [&] {
        now = resources_of(stoker);
        return stoker.containers().empty() && now.folders == 0 &&
               metric(stoker, "stoker_memory_used_bytes") == 0;
    });
    return now;
}

void wait_until_executing(const StokerProcess& stoker, const std::string& call_id) {
    eventually("it executes", [&] {
        return stoker.json("GET", "/v2/calls/" + call_id).value("phase", "") == "executing";
    });
}

bool has_both_lines(const std::string& log, const std::string& text) {
    const auto out = "out: " + text + "\n";
    const auto err = "err: " + text + "\n";
    return log == out + err || log == err + out;
}

}  // namespace stoker::test
