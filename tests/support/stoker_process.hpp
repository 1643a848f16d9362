#pragma once

// A real `stoker start` (or `api`, or `worker`) on loopback with a data folder of its own, for
// system tests: started, asked over HTTP, killed or stopped, started again on the same data.
// Failures throw.

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/role.hpp"
#include "common/http/client.hpp"
#include "tests/support/eventually.hpp"

namespace stoker::test {

class StokerProcess {
public:
    explicit StokerProcess(std::vector<std::string> flags = {});
    /// Kills the process, if any, then removes its containers and its data.
    ~StokerProcess();
    StokerProcess(const StokerProcess&) = delete;
    StokerProcess& operator=(const StokerProcess&) = delete;

    /// Before the first start: another data folder, and what is added to the environment.
    void use_data(std::filesystem::path folder) { data_folder_ = std::move(folder); }
    void set_environment(std::vector<std::string> words) { environment_ = std::move(words); }

    /// A network namespace to run in, and the address it has there; loopback without.
    void use_network(std::string network_namespace, std::string host);
    /// Which command it is, from the next start on. A worker listens with its runner endpoint.
    void be(Role role) { role_ = role; }
    /// For the next start.
    void set_flags(std::vector<std::string> flags);
    void start();
    /// Started, and ready to run calls.
    void start_ready();
    void wait_ready();
    void kill_hard();
    void send(int signal);
    /// The exit code; 128 + n for a signal.
    int wait_exit();
    bool is_running() const { return pid_ > 0; }
    pid_t pid() const { return pid_; }

    HttpAnswer request(
        std::string method, std::string target, std::string body = {}, Headers headers = {}
    ) const;
    nlohmann::json json(std::string method, std::string target, std::string body = {}) const;
    /// Bytes as they are, and what comes back until the server closes or the time is over.
    std::string raw(std::string_view bytes) const;

    /// The id of a new function in a new app. `more` are further fields of the fn.
    std::string make_fn(const std::string& image, nlohmann::json more = {}) const;
    /// The id of an accepted call.
    std::string call_async(const std::string& fn_id, std::string body) const;
    /// The call once it has ended, however that takes.
    nlohmann::json ended(const std::string& call_id) const;
    std::string log_of(const std::string& call_id) const;

    /// Names of this instance's containers, running or not.
    std::vector<std::string> containers() const;

    const HttpAddress& address() const { return address_; }
    /// Removed with all that is in it.
    const std::filesystem::path& data() const { return data_; }
    /// What --data says.
    const std::filesystem::path& data_folder() const { return data_folder_; }
    std::string log_text() const;

private:
    std::filesystem::path data_;
    std::filesystem::path data_folder_;
    Role role_ = Role::start;
    std::string namespace_;
    std::vector<std::string> flags_;
    std::vector<std::string> environment_;
    HttpAddress address_;
    HttpAddress engine_;
    int port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace stoker::test
