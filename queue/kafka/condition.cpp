#include "queue/kafka/condition.hpp"

#include "common/log.hpp"

namespace stoker::kafka {

void Condition::answered() {
    if (state_.exchange(State::up) == State::up) return;
    log::info("kafka.up");
    const std::scoped_lock lock(mutex_);
    told_.clear();
}

void Condition::failed(const Fault& fault) { tell(fault); }

void Condition::went_down(const Fault& fault) {
    state_.store(State::down);
    tell(fault);
}

void Condition::tell(const Fault& fault) {
    if (is_abandoned_.load()) return;
    const auto word = word_of(fault.code);
    metrics_
        .counter(
            "stoker_queue_faults_total",
            "What went wrong with the queue's server",
            {{"fault", std::string(word)}}
        )
        .add();
    {
        const std::scoped_lock lock(mutex_);
        if (!told_.insert(fault.code).second) return;
    }
    log::warn(
        "kafka.fault", {{"fault", word}, {"detail", fault.text}, {"hint", hint_of(fault.code)}}
    );
}

}  // namespace stoker::kafka
