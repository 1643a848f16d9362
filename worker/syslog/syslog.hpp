#pragma once

// The syslog servers that a worker's functions write to: one sender for each, made when the first
// container needs it. Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/async/gate.hpp"
#include "common/async/lanes.hpp"
#include "common/metrics.hpp"
#include "worker/syslog/syslog_line.hpp"
#include "worker/syslog/syslog_sender.hpp"

namespace stoker {

/// One container's output on its way to a server. Used by one thread at a time.
class SyslogTap {
public:
    SyslogTap(std::shared_ptr<SyslogSender> sender, SyslogSource source);
    ~SyslogTap();
    SyslogTap(const SyslogTap&) = delete;
    SyslogTap& operator=(const SyslogTap&) = delete;

    void write(LogStream stream, std::string_view bytes);

private:
    void say(LogStream stream, std::string_view line);

    const std::shared_ptr<SyslogSender> sender_;
    const SyslogSource source_;
    LineCutter out_;
    LineCutter err_;
};

class Syslog {
public:
    Syslog(Lanes& lanes, Metrics& metrics);

    /// Null for a URL that cannot be spoken to; the log says so.
    std::unique_ptr<SyslogTap> tap(const std::string& url, SyslogSource source);
    /// Until every sender has ended; what is not sent by then is dropped.
    Task<> stop(Deadline deadline);

private:
    std::shared_ptr<SyslogSender> sender_for(const std::string& url);

    Lanes& lanes_;
    Counter& sent_;
    Counter& dropped_;
    Gate running_;
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<SyslogSender>> senders_;
};

}  // namespace stoker
