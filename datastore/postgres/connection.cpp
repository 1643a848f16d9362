#include "datastore/postgres/connection.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>

#include "common/async/spawn.hpp"

namespace stoker::postgres {

Millis Backoff::next() {
    std::uniform_int_distribution<Millis::rep> pause(0, bound_.count());
    bound_ = std::min(2 * bound_, last);
    return Millis(pause(random_));
}

void Connection::start(Executor lane) {
    pause_ = std::make_unique<Timer>(lane);
    spawn(lane, "postgres.connection", keep());
}

void Connection::stop() {
    stopped_ = true;
    if (pause_) pause_->cancel();
    if (link_) link_->abort();
}

Task<> Connection::keep() {
    while (!stopped_) {
        auto opened =
            co_await Link::open(target_, options_.setup_sql, deadline_in(options_.connect_time));
        if (opened && !stopped_) {
            link_ = std::move(*opened);
            ++life_;
            heard_ = std::chrono::steady_clock::now();
            backoff_.reset();
            owner_.has_room(*this);
            co_await serve();
        } else if (!opened) {
            give_up(std::move(opened.error()));
        }
        if (stopped_) break;
        pause_->expires_after(backoff_.next());
        error_code ignored;
        co_await pause_->async_wait(asio::redirect_error(use_task, ignored));
    }
}

Task<> Connection::serve() {
    while (!stopped_ && co_await link_->wait_readable()) {
        if (!link_->take_in()) break;
        heard_ = std::chrono::steady_clock::now();
        take_answers();
        while (auto notice = link_->next_notice()) owner_.noticed(std::move(*notice));
        if (has_room()) owner_.has_room(*this);
    }
    // What the server said last (that it shuts down, say) is worth more than that it hung up.
    take_answers();
    auto why = link_->last_words();
    give_up(why.empty() ? "the connection was lost" : std::move(why));
}

void Connection::send(JobRef job) {
    prepare_for(*job);
    flights_.push_back({std::move(job), {}});
    write_on();
}

void Connection::prepare_for(const Job& job) {
    std::vector<const Statement*> preparing;
    for (const auto& [statement, params] : job.steps) {
        const bool is_new = !link_->is_prepared(*statement) &&
                            std::ranges::find(preparing, statement) == preparing.end();
        if (is_new) preparing.push_back(statement);
    }
    if (!preparing.empty()) flights_.push_back({nullptr, std::move(preparing)});
}

void Connection::write_on() {
    if (waits_to_write_ || !link_) return;
    while (written_ < flights_.size()) {
        if (!write_some()) return link_->abort();
        switch (link_->flush()) {
            case Link::Flushed::all: break;
            case Link::Flushed::broken: return link_->abort();
            case Link::Flushed::partly:
                waits_to_write_ = true;
                link_->when_writable([this, life = life_] {
                    if (life != life_) return;
                    waits_to_write_ = false;
                    write_on();
                });
                return;
        }
    }
}

/// A step at a time, so that a large body is never whole in libpq's buffer.
bool Connection::write_some() {
    auto& flight = flights_[written_];
    if (!flight.job) {
        const bool sent = std::ranges::all_of(flight.preparing, [&](const auto* statement) {
            return link_->prepare(*statement);
        });
        ++written_;
        return sent && link_->send_job_end();
    }
    auto& job = *flight.job;
    if (job.sent_steps < job.steps.size()) {
        if (!link_->send(job.steps[job.sent_steps++])) return false;
        if (job.sent_steps < job.steps.size()) return true;
    }
    ++written_;
    return link_->send_job_end();
}

void Connection::take_answers() {
    while (!flights_.empty()) {
        auto event = link_->next_event();
        if (event.kind == Link::Event::Kind::nothing_yet) break;
        if (event.kind == Link::Event::Kind::job_end) {
            end_first();
        } else {
            take(flights_.front(), std::move(event));
        }
    }
    write_on();
}

void Connection::take(Flight& flight, Link::Event event) {
    using Kind = Link::Event::Kind;
    if (!flight.job) {
        // The job behind it will be refused, and says which statement it was.
        if (event.kind == Kind::rows) return;
        for (const auto* statement : flight.preparing) link_->forget(*statement);
        return;
    }
    auto& job = *flight.job;
    if (event.kind == Kind::rows) job.answer.emplace_back(std::move(event.result));
    if (event.kind == Kind::failed && !job.failure) job.failure = failure_of(event.result.get());
}

void Connection::end_first() {
    auto job = std::move(flights_.front().job);
    flights_.pop_front();
    --written_;
    if (job) owner_.done(std::move(job));
}

void Connection::check_silence(Deadline now) {
    if (!link_) return;
    if (flights_.empty()) {
        heard_ = now;
    } else if (now - heard_ > options_.silence_max) {
        link_->abort();
    }
}

void Connection::give_up(std::string why) {
    std::vector<JobRef> unfinished;
    for (auto& flight : flights_) {
        if (flight.job) unfinished.push_back(std::move(flight.job));
    }
    flights_.clear();
    written_ = 0;
    waits_to_write_ = false;
    link_.reset();
    ++life_;
    owner_.broke(why, std::move(unfinished));
}

}  // namespace stoker::postgres
