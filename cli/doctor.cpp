#include "cli/doctor.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/setting_kinds.hpp"
#include "common/async/lanes.hpp"
#include "datastore/audit.hpp"
#include "queue/open_queue.hpp"

namespace stoker {

namespace {

constexpr int exit_unsound = 1;
constexpr int exit_usage = 2;

struct AuditFlags {
    Settings table{
        "stoker doctor audit [flags]",
        "Counts the calls of a datastore and looks at each for what must hold of it. It only "
        "reads, "
        "and may run beside the servers. The exit code is 0 when all is sound, else 1.",
        Settings::File::none
    };
    std::string data = "./data";
    std::string db;
    std::string queue = "embedded:";
    bool as_json = false;

    AuditFlags() {
        table.group("Flags");
        table.add("data", data, path_kind("DIR"), "Folder of the data");
        table.add("db", db, db_kind(), "Datastore, as the server's; by default in --data");
        table.add("queue", queue, queue_kind(), "Queue, as the server's");
        table.add("json", as_json, bool_kind(), "One JSON object instead of text").flag_only();
    }

    std::optional<int> load(std::span<const std::string> arguments, Console& console) {
        auto loaded = table.load(arguments, console.environment);
        if (loaded.help) {
            console.out << table.help_text();
            return 0;
        }
        if (!loaded.positionals.empty()) {
            loaded.errors.emplace_back("usage: stoker doctor audit [flags]");
        }
        for (const auto& error : loaded.errors) console.err << "stoker: " << error << '\n';
        if (!loaded.errors.empty()) return exit_usage;
        if (db.empty()) db = "sqlite:" + data + "/stoker.db";
        return std::nullopt;
    }
};

/// What a queue of its own server holds; nothing of one that is in the servers' memory.
Result<std::optional<QueueStats>> stats_of_queue(const std::string& url) {
    if (!is_shared_queue(url)) return std::nullopt;
    Metrics metrics;
    Lanes lanes(1);
    const auto queue = open_queue(url, {}, lanes.at(0), metrics);
    if (!queue) return fail(queue.error());
    lanes.start();
    auto stats = asio::co_spawn(lanes.at(0), (*queue)->stats(), asio::use_future).get();
    lanes.stop();
    if (!stats) return fail(std::move(stats.error()));
    return std::move(*stats);
}

/// References that the queue ought to have now, and has not. Each api puts such calls again.
std::uint64_t missing_in(const QueueStats& queue, const Audit& audit) {
    const auto to_be_put = audit.calls.at(CallStatus::queued) - audit.held;
    const auto there = queue.ready + queue.leased;
    return to_be_put > there ? to_be_put - there : 0;
}

void print_text(
    const AuditFlags& flags,
    const Audit& audit,
    const std::optional<QueueStats>& queue,
    std::ostream& out
) {
    out << fmt::format("datastore {}\n", redacted_url(flags.db));
    out << fmt::format(
        "accepted {} = ended {} + live {}\n", audit.accepted(), audit.ended(), audit.live()
    );
    for (const auto& [status, count] : audit.calls) {
        const bool tells_held = status == CallStatus::queued && audit.held > 0;
        out << fmt::format("  {:<10}{:>10}", to_word(status), count);
        if (tells_held) out << fmt::format("  {} held: their function is paused", audit.held);
        out << '\n';
    }
    if (queue) {
        out << fmt::format(
            "queue {}: {} ready, {} being taken\n",
            redacted_url(flags.queue),
            queue->ready,
            queue->leased
        );
        if (const auto missing = missing_in(*queue, audit); missing > 0) {
            out << fmt::format(
                "  {} waiting calls are not in it: the api puts them again\n", missing
            );
        }
    }
    for (const auto& finding : audit.findings) {
        out << fmt::format(
            "{}: {} calls {}", finding.is_passing ? "note" : "WRONG", finding.calls, finding.about
        );
        for (const auto& id : finding.examples) out << "\n    " << id;
        out << '\n';
    }
    out << (audit.is_sound() ? "the ledger is sound\n" : "the ledger is NOT sound\n");
}

void print_json(const Audit& audit, const std::optional<QueueStats>& queue, std::ostream& out) {
    nlohmann::ordered_json object{
        {"sound", audit.is_sound()},
        {"accepted", audit.accepted()},
        {"ended", audit.ended()},
        {"live", audit.live()},
        {"held", audit.held}
    };
    for (const auto& [status, count] : audit.calls) {
        object["calls"][std::string(to_word(status))] = count;
    }
    if (queue) {
        object["queue"] = {
            {"ready", queue->ready},
            {"leased", queue->leased},
            {"missing", missing_in(*queue, audit)}
        };
    }
    object["findings"] = nlohmann::ordered_json::array();
    for (const auto& finding : audit.findings) {
        object["findings"].push_back(
            {{"name", finding.name},
             {"about", finding.about},
             {"passing", finding.is_passing},
             {"calls", finding.calls},
             {"examples", finding.examples}}
        );
    }
    out << object.dump(2) << '\n';
}

}  // namespace

int run_doctor_audit(std::span<const std::string> arguments, Console& console) {
    AuditFlags flags;
    if (const auto exit_code = flags.load(arguments, console)) return *exit_code;
    const auto audit = audit_datastore(flags.db, {.data_folder = flags.data}, wall_now());
    const auto queue =
        audit ? stats_of_queue(flags.queue) : Result<std::optional<QueueStats>>(std::nullopt);
    if (!audit || !queue) {
        const auto& error = audit ? queue.error() : audit.error();
        console.err << "stoker: " << error.text() << '\n';
        return exit_unsound;
    }
    if (flags.as_json) {
        print_json(*audit, *queue, console.out);
    } else {
        print_text(flags, *audit, *queue, console.out);
    }
    return audit->is_sound() ? 0 : exit_unsound;
}

}  // namespace stoker
