#include "cli/container_settings.hpp"

#include <doctest/doctest.h>

#include <map>

#include "cli/start_settings.hpp"

using namespace stoker;
using namespace std::chrono_literals;

namespace {

StartOutcome load(
    const std::vector<std::string>& arguments,
    const std::map<std::string, std::string>& variables = {}
) {
    return load_start_settings(arguments, [&](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
}

}  // namespace

TEST_CASE("ContainerSettings: the defaults are Fn's for unprivileged containers") {
    const auto settings = load({}).settings.containers;
    CHECK(settings.freeze_idle == 50ms);
    CHECK(settings.confinement == Confinement{});
    CHECK(settings.confinement.pids_max == 50);
    CHECK(settings.confinement.open_files_max == 350);
    CHECK(settings.confinement.locked_memory_bytes_max == 65536);
    CHECK(settings.confinement.pending_signals_max == 5000);
    CHECK(settings.confinement.message_queue_bytes_max == 819200);
    CHECK_FALSE(settings.confinement.writable_root);
    CHECK_FALSE(settings.confinement.keep_privileges);
    CHECK(settings.networks.empty());
    CHECK(settings.label_tag.empty());
}

TEST_CASE("ContainerSettings: Fn's variables mean what they mean there") {
    const auto outcome = load(
        {},
        {{"FN_FREEZE_IDLE_MSECS", "200"},
         {"FN_MAX_PIDS", "1"},
         {"FN_MAX_OPEN_FILES", "2"},
         {"FN_MAX_LOCKED_MEMORY", "3"},
         {"FN_MAX_PENDING_SIGNALS", "4"},
         {"FN_MAX_MESSAGE_QUEUE", "5"},
         {"FN_MAX_TMPFS_INODES", "6"},
         {"FN_MAX_FS_SIZE_MB", "7"},
         {"FN_DISABLE_READONLY_ROOTFS", "true"},
         {"FN_DISABLE_UNPRIVILEGED_CONTAINERS", "true"},
         {"FN_DOCKER_NETWORKS", "one  two"},
         {"FN_CONTAINER_LABEL_TAG", "tag"}}
    );
    CHECK(outcome.errors.empty());
    const auto& settings = outcome.settings.containers;
    CHECK(settings.freeze_idle == 200ms);
    CHECK(
        settings.confinement ==
        Confinement{
            .writable_root = true,
            .keep_privileges = true,
            .pids_max = 1,
            .open_files_max = 2,
            .locked_memory_bytes_max = 3,
            .pending_signals_max = 4,
            .message_queue_bytes_max = 5,
            .tmpfs_inodes_max = 6,
            .root_bytes_max = 7 * 1024 * 1024
        }
    );
    CHECK(words_of(settings.networks) == std::vector<std::string>{"one", "two"});
    CHECK(settings.label_tag == "tag");
}

TEST_CASE("ContainerSettings: a negative or zero freeze time means never") {
    CHECK(load({}, {{"FN_FREEZE_IDLE_MSECS", "-1"}}).settings.containers.freeze_idle == 0ms);
    CHECK(load({}, {{"FN_FREEZE_IDLE_MSECS", "0"}}).settings.containers.freeze_idle == 0ms);
    CHECK(load({"--freeze-idle", "0"}).settings.containers.freeze_idle == 0ms);
    CHECK(load({"--freeze-idle", "1500ms"}).settings.containers.freeze_idle == 1500ms);
}

TEST_CASE("ContainerSettings: a bad value is refused and named") {
    const std::vector<std::pair<std::string, std::string>> bad{
        {"--freeze-idle", "soon"},
        {"--max-pids", "-1"},
        {"--max-open-files", "x"},
        {"--max-locked-memory", "1.5MB"},
        {"--max-pending-signals", "3000000000"},
        {"--max-message-queue", "-1"},
        {"--max-tmpfs-inodes", "many"},
        {"--max-root-size", "x"},
    };
    for (const auto& [flag, value] : bad) {
        CAPTURE(flag);
        const auto outcome = load({flag, value});
        CHECK(outcome.exit_code == 2);
        REQUIRE(outcome.errors.size() == 1);
        CHECK(outcome.errors[0].starts_with(flag + ": "));
    }
    CHECK(load({}, {{"FN_FREEZE_IDLE_MSECS", "x"}}).exit_code == 2);
    CHECK(load({}, {{"FN_MAX_FS_SIZE_MB", "x"}}).exit_code == 2);
}

TEST_CASE("ContainerSettings: words of a list") {
    CHECK(words_of("").empty());
    CHECK(words_of("  ").empty());
    CHECK(words_of(" a\tb  c ") == std::vector<std::string>{"a", "b", "c"});
}
