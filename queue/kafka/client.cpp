#include "queue/kafka/client.hpp"

#include <librdkafka/rdkafka.h>
#include <syslog.h>

#include <array>
#include <stdexcept>

#include "common/log.hpp"

namespace stoker::kafka {

namespace {

const Callbacks& callbacks_of(void* opaque) { return *static_cast<const Callbacks*>(opaque); }

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
    if (const auto& failed = callbacks_of(opaque).failed) failed(code, reason);
}

void on_report(rd_kafka_t*, const rd_kafka_message_t* report, void* opaque) {
    if (const auto& reported = callbacks_of(opaque).reported) reported(*report);
}

void on_rebalance(
    rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions, void* opaque
) {
    if (const auto& rebalanced = callbacks_of(opaque).rebalanced) rebalanced(code, partitions);
}

void on_commit(
    rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions, void* opaque
) {
    if (const auto& committed = callbacks_of(opaque).committed) committed(code, partitions);
}

/// On librdkafka's threads. What is wrong with connections comes through on_error(), too.
void on_log(const rd_kafka_t*, int level, const char* facility, const char* text) {
    const auto ours = level < LOG_ERR ? log::Level::warn : log::Level::debug;
    log::write(ours, "kafka.client", {{"facility", facility}, {"text", text}});
}

rd_kafka_t* make_handle(Role role, const Settings& settings, const Callbacks& callbacks) {
    auto conf = make_conf(role, settings);
    if (!conf) throw std::runtime_error(conf.error());
    auto* raw = conf->get();
    ::rd_kafka_conf_set_opaque(raw, const_cast<Callbacks*>(&callbacks));
    ::rd_kafka_conf_set_error_cb(raw, on_error);
    ::rd_kafka_conf_set_log_cb(raw, on_log);
    if (role == Role::producer) {
        ::rd_kafka_conf_set_dr_msg_cb(raw, on_report);
    } else if (role == Role::consumer) {
        ::rd_kafka_conf_set_rebalance_cb(raw, on_rebalance);
        ::rd_kafka_conf_set_offset_commit_cb(raw, on_commit);
    }
    const auto type = role == Role::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    std::array<char, 512> reason{};
    auto* handle = ::rd_kafka_new(type, raw, reason.data(), reason.size());
    if (handle == nullptr) throw std::runtime_error("librdkafka: " + std::string(reason.data()));
    static_cast<void>(conf->release());  // librdkafka's now
    return handle;
}

}  // namespace

Client::Client(
    Role role, const Settings& settings, std::shared_ptr<Waker> waker, Callbacks callbacks
) :
    callbacks_(std::move(callbacks)),
    waker_(std::move(waker)),
    handle_(make_handle(role, settings, callbacks_)) {
    if (role == Role::consumer) ::rd_kafka_poll_set_consumer(handle_);
    auto* queue = role == Role::consumer ? ::rd_kafka_queue_get_consumer(handle_)
                                         : ::rd_kafka_queue_get_main(handle_);
    waker_->watch(queue);
    ::rd_kafka_queue_destroy(queue);  // our reference to it
}

Client::~Client() {
    // A consumer that left its group in order has been closed by its owner; another one's session
    // ends by itself. Either way nothing is waited for but the threads.
    ::rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void Client::serve() { ::rd_kafka_poll(handle_, 0); }

}  // namespace stoker::kafka
