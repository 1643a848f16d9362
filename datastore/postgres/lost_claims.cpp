#include "datastore/postgres/lost_claims.hpp"

#include "common/log.hpp"

namespace stoker::postgres {

LostClaims::LostClaims(Pool& pool, const CallSql& sql, const Clock& clock) :
    pool_(pool),
    sql_(sql),
    clock_(clock) {
    pool_.on_tick([this](Deadline now) { hand_back_all(now); });
    pool_.on_return([this] { hand_back_all(std::chrono::steady_clock::now()); });
}

void LostClaims::add(std::string worker_id, std::string claim) {
    pool_.post([this, worker = std::move(worker_id), claim = std::move(claim)]() mutable {
        claims_.push_back({std::move(worker), std::move(claim), deadline_in(kept)});
        hand_back(claims_.back());
    });
}

void LostClaims::hand_back_all(Deadline now) {
    // While the server is away the time does not count.
    if (!pool_.unhealthy_reason().empty()) {
        for (auto& lost : claims_) lost.until = now + kept;
        return;
    }
    std::erase_if(claims_, [&](const Lost& lost) { return lost.until < now; });
    for (const auto& lost : claims_) hand_back(lost);
}

void LostClaims::hand_back(const Lost& lost) {
    auto job = std::make_unique<Job>();
    job->steps.push_back(sql_.hand_back_claim(lost.worker_id, lost.claim, clock_.now()));
    job->give_up = deadline_in(operation_time_max);
    job->done = [](const Outcome& outcome) {
        if (!outcome || outcome->front().empty()) return;
        log::info("store.lost_claim_handed_back", {{"calls", outcome->front().size()}});
    };
    pool_.enqueue(std::move(job));
}

}  // namespace stoker::postgres
