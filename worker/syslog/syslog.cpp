#include "worker/syslog/syslog.hpp"

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

SyslogTap::SyslogTap(std::shared_ptr<SyslogSender> sender, SyslogSource source) :
    sender_(std::move(sender)),
    source_(std::move(source)) {}

SyslogTap::~SyslogTap() {
    out_.end([this](std::string_view line) { say(LogStream::out, line); });
    err_.end([this](std::string_view line) { say(LogStream::err, line); });
    sender_->leave();
}

void SyslogTap::write(LogStream stream, std::string_view bytes) {
    auto& cutter = stream == LogStream::err ? err_ : out_;
    cutter.feed(bytes, [&](std::string_view line) { say(stream, line); });
}

void SyslogTap::say(LogStream stream, std::string_view line) {
    sender_->push(syslog_message(source_, stream, wall_now(), line));
}

Syslog::Syslog(Lanes& lanes, Metrics& metrics) :
    lanes_(lanes),
    sent_(metrics.counter("stoker_syslog_sent_total", "Lines of functions sent to syslog servers")),
    dropped_(metrics.counter(
        "stoker_syslog_dropped_total", "Lines of functions that no syslog server took in time"
    )) {}

std::unique_ptr<SyslogTap> Syslog::tap(const std::string& url, SyslogSource source) {
    auto sender = sender_for(url);
    if (!sender) return nullptr;
    return std::make_unique<SyslogTap>(std::move(sender), std::move(source));
}

std::shared_ptr<SyslogSender> Syslog::sender_for(const std::string& url) {
    const std::scoped_lock lock(mutex_);
    auto& known = senders_[url];
    if (auto sender = known.lock(); sender && sender->join()) return sender;
    auto address = parse_syslog_url(url);
    if (!address) {
        senders_.erase(url);
        log::warn("syslog.unsupported", {{"why", address.error()}});
        return nullptr;
    }
    std::erase_if(senders_, [&](const auto& entry) {
        return entry.first != url && entry.second.expired();
    });
    const auto lane = lanes_.next();
    auto sender = std::make_shared<SyslogSender>(lane, std::move(*address), sent_, dropped_);
    sender->join();
    senders_[url] = sender;
    spawn(running_, lane, "syslog.send", SyslogSender::run(sender));
    return sender;
}

Task<> Syslog::stop(Deadline deadline) {
    // Their containers are gone: each ends when its queue is empty, or is made to.
    if (co_await running_.close(deadline)) co_return;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [url, known] : senders_) {
            if (const auto sender = known.lock()) sender->close();
        }
    }
    co_await running_.close(deadline_in(std::chrono::seconds(10)));
}

}  // namespace stoker
