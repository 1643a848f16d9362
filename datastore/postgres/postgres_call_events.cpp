#include "datastore/postgres/postgres_call_events.hpp"

#include <fmt/format.h>

#include <charconv>
#include <ranges>
#include <utility>

namespace stoker {

namespace {

using namespace postgres;

/// The server takes 8000.
constexpr std::size_t message_bytes_max = 7'500;

Pool::Options one_listener() {
    Pool::Options options;
    options.name = "events";
    options.connections = 1;
    options.connection.setup_sql =
        "SET statement_timeout = '4s'; SET client_encoding = 'UTF8'; LISTEN stoker_call_events";
    return options;
}

std::optional<CallEvent> from_line(std::string_view line) {
    std::vector<std::string_view> words;
    for (const auto word : std::views::split(line, ' ')) words.emplace_back(word);
    if (words.size() != 4) return std::nullopt;
    const auto status = parse_call_status(words[2]);
    int attempt = 0;
    const auto* const end = words[3].data() + words[3].size();
    const bool is_number = std::from_chars(words[3].data(), end, attempt).ptr == end;
    if (!status || !is_number) return std::nullopt;
    return CallEvent{std::string(words[0]), std::string(words[1]), *status, attempt};
}

}  // namespace

std::vector<std::string> postgres::to_messages(const std::vector<CallEvent>& events) {
    std::vector<std::string> messages;
    for (const auto& event : events) {
        const auto line = fmt::format(
            "{} {} {} {}\n", event.call_id, event.fn_id, to_word(event.status), event.attempt
        );
        const bool fits =
            !messages.empty() && messages.back().size() + line.size() <= message_bytes_max;
        if (!fits) messages.emplace_back();
        messages.back() += line;
    }
    return messages;
}

std::vector<CallEvent> postgres::from_message(std::string_view message) {
    std::vector<CallEvent> events;
    for (const auto line : std::views::split(message, '\n')) {
        if (auto event = from_line(std::string_view(line))) events.push_back(std::move(*event));
    }
    return events;
}

PostgresCallEvents::PostgresCallEvents(Target target, Metrics& metrics) :
    notify_{
        "notify", "SELECT pg_notify('stoker_call_events', message) FROM unnest($1::text[]) message"
    },
    dropped_(metrics.counter(
        "stoker_call_events_dropped_total", "Events that other processes do not get"
    )),
    pool_(std::move(target), one_listener(), metrics) {
    pool_.on_notice([this](const Notice& notice) { take(notice); });
    pool_.on_room([this] { send(); });
    pool_.start();
}

void PostgresCallEvents::publish(const CallEvent& event) {
    here_->publish(event);
    {
        const std::scoped_lock lock(mutex_);
        if (waiting_.size() >= waiting_events_max || !pool_.unhealthy_reason().empty()) {
            dropped_.add();
            return;
        }
        waiting_.push_back(event);
        if (waiting_.size() > 1) return;  // the lane has been told
    }
    pool_.post([this] { send(); });
}

/// What comes while one transaction is on its way goes together in the next.
void PostgresCallEvents::send() {
    if (is_sending_ || !pool_.has_room()) return;
    std::vector<CallEvent> events;
    {
        const std::scoped_lock lock(mutex_);
        events.swap(waiting_);
    }
    if (events.empty()) return;
    is_sending_ = true;
    auto job = std::make_unique<Job>();
    job->steps.push_back(step(notify_, to_messages(events)));
    job->repeat = Repeat::never;
    job->give_up = deadline_in(operation_time_max);
    job->done = [this, count = events.size()](const Outcome& outcome) {
        is_sending_ = false;
        if (!outcome) dropped_.add(count);
    };
    pool_.enqueue(std::move(job));
}

void PostgresCallEvents::take(const Notice& notice) {
    if (pool_.is_own_process(notice.from_process)) return;
    for (const auto& event : from_message(notice.payload)) here_->publish(event);
}

std::unique_ptr<CallEvents::Subscription> PostgresCallEvents::subscribe_call(
    std::string_view call_id, Executor lane
) {
    return here_->subscribe_call(call_id, lane);
}

std::unique_ptr<CallEvents::Subscription> PostgresCallEvents::subscribe_fn(
    std::string_view fn_id, Executor lane
) {
    return here_->subscribe_fn(fn_id, lane);
}

}  // namespace stoker
