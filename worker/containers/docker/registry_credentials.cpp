#include "worker/containers/docker/registry_credentials.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "common/base64.hpp"
#include "worker/containers/docker/json_fields.hpp"

namespace stoker {

namespace {

constexpr std::string_view docker_hub = "docker.io";
constexpr std::string_view docker_hub_address = "https://index.docker.io/v1/";
constexpr std::uintmax_t file_bytes_max = std::uintmax_t{1} << 20U;

/// Keys may be URLs, as of old: `https://index.docker.io/v1/` is the most frequent one of all.
std::string_view host_of(std::string_view key) {
    if (const auto scheme = key.find("://"); scheme != std::string_view::npos) {
        key.remove_prefix(scheme + 3);
    }
    const auto host = key.substr(0, key.find('/'));
    const bool hub = host == "index.docker.io" || host == "registry-1.docker.io";
    return hub ? docker_hub : host;
}

/// What the engine wants to know; empty when the entry holds nothing, and a Result without a value
/// when it cannot be read.
std::optional<nlohmann::json> account_of(const nlohmann::json& entry) {
    auto account = nlohmann::json::object();
    auto user = text_at(entry, "username");
    auto password = text_at(entry, "password");
    if (const auto packed = text_at(entry, "auth"); !packed.empty()) {
        const auto plain = base64_decode(packed);
        const auto colon = plain ? plain->find(':') : std::string::npos;
        if (colon == std::string::npos) return std::nullopt;
        user = plain->substr(0, colon);
        password = plain->substr(colon + 1);
        // Docker pads short ones.
        while (password.ends_with('\0')) password.pop_back();
    }
    if (!user.empty()) account["username"] = std::move(user);
    if (!password.empty()) account["password"] = std::move(password);
    for (const char* token : {"identitytoken", "registrytoken"}) {
        if (auto value = text_at(entry, token); !value.empty()) account[token] = std::move(value);
    }
    return account;
}

Result<std::string> read_whole(const std::string& path) {
    std::error_code failed;
    const auto bytes = std::filesystem::file_size(path, failed);
    std::ifstream file(path, std::ios::binary);
    if (failed || !file) {
        return fail(Errc::internal, fmt::format("registry credentials: cannot read {}", path));
    }
    if (bytes > file_bytes_max) {
        return fail(Errc::internal, fmt::format("registry credentials: {} is too large", path));
    }
    return std::string(std::istreambuf_iterator<char>(file), {});
}

bool is_set(const nlohmann::json& config, const char* key) {
    const auto found = config.find(key);
    return found != config.end() && !found->empty() && *found != "";
}

}  // namespace

std::string_view registry_of(std::string_view image_name) {
    const auto first = image_name.substr(0, image_name.find('/'));
    const bool is_host = first.size() < image_name.size() &&
                         (first.contains('.') || first.contains(':') || first == "localhost");
    return is_host ? host_of(first) : docker_hub;
}

Result<RegistryCredentials> RegistryCredentials::parse(
    std::string_view json, std::string_view place
) {
    const auto wrong = [&](std::string_view what) {
        return fail(Errc::internal, fmt::format("registry credentials: {} {}", place, what));
    };
    const auto config = nlohmann::json::parse(json, nullptr, false);
    if (!config.is_object()) return wrong("is not a JSON object");
    RegistryCredentials credentials;
    credentials.needs_helpers_ = is_set(config, "credsStore") || is_set(config, "credHelpers");
    // A .dockercfg is what `auths` is in a config.json, which has other keys beside it.
    const auto auths = config.find("auths");
    if (auths != config.end() && !auths->is_object()) return wrong("has auths that is no object");
    for (const auto& [key, entry] : (auths != config.end() ? *auths : config).items()) {
        if (!entry.is_object()) {
            if (auths == config.end()) continue;
            return wrong(fmt::format("has no object for {}", key));
        }
        auto account = account_of(entry);
        if (!account) {
            return wrong(fmt::format("has an auth for {} that is not base64 of USER:PASSWORD", key)
            );
        }
        if (account->empty()) continue;  // left to a helper
        const auto host = host_of(key);
        (*account)["serveraddress"] = host == docker_hub ? docker_hub_address : host;
        try {
            credentials.headers_[std::string(host)] = base64url_encode(account->dump());
        } catch (const nlohmann::json::exception&) {
            return wrong(fmt::format("has an account for {} that is not UTF-8", key));
        }
    }
    return credentials;
}

Result<RegistryCredentials> RegistryCredentials::load(
    const std::string& configured, const std::vector<std::string>& files
) {
    const auto begin = configured.find_first_not_of(" \t\r\n");
    if (begin != std::string::npos && configured[begin] == '{') {
        return parse(configured, "the setting docker-auth");
    }
    std::string path = configured;
    if (path.empty()) {
        const auto exists = [](const std::string& file) {
            std::error_code ignored;
            return std::filesystem::is_regular_file(file, ignored);
        };
        const auto found = std::ranges::find_if(files, exists);
        if (found == files.end()) return RegistryCredentials{};
        path = *found;
    }
    const auto text = read_whole(path);
    if (!text) return fail(text.error());
    return parse(*text, path);
}

std::string RegistryCredentials::header_for(std::string_view image_name) const {
    const auto found = headers_.find(registry_of(image_name));
    return found == headers_.end() ? std::string{} : found->second;
}

}  // namespace stoker
