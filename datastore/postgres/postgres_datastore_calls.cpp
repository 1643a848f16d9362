// The methods of PostgresDatastore about calls, and where their bodies go.

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "common/log.hpp"
#include "datastore/postgres/answers.hpp"
#include "datastore/postgres/postgres_datastore.hpp"
#include "datastore/stored_rows.hpp"

namespace stoker {

namespace {

using namespace postgres;

/// Calls `make(nth, piece)` for each piece of a body.
template <class Make>
void in_pieces(std::string_view bytes, std::size_t piece_max, Make make) {
    for (std::int64_t nth = 0; !bytes.empty(); ++nth) {
        const auto piece = bytes.substr(0, piece_max);
        make(nth, piece);
        bytes.remove_prefix(piece.size());
    }
}

constexpr auto read_call = stored::read_call<Row>;
constexpr auto read_moved = stored::read_moved<Row>;

/// In the order of the times that they were found by.
std::vector<MovedCall> in_order(std::vector<DatedCall> found) {
    const auto key = [](const DatedCall& each) { return std::tie(each.at, each.call.id); };
    std::ranges::sort(found, {}, key);
    std::vector<MovedCall> calls;
    calls.reserve(found.size());
    for (auto& each : found) calls.push_back(std::move(each.call));
    return calls;
}

}  // namespace

Task<Result<std::string>> PostgresDatastore::accept(NewCall call) {
    AcceptedCall accepted{std::move(call), {}, clock_.now()};
    accepted.headers = dump(accepted.call.request.headers);
    const auto body_bytes = accepted.call.request.body.bytes.size();
    if (body_bytes > options_.inline_body_bytes_max) {
        co_return co_await accept_large(std::move(accepted));
    }
    co_return co_await accepts_.run(std::move(accepted), Errc::outcome_unknown);
}

/// A transaction of its own: there is no row without all pieces of its body, and no piece without
/// its row.
Task<Result<std::string>> PostgresDatastore::accept_large(AcceptedCall accepted) {
    const auto id = accepted.call.call.id;
    const auto bytes = name_blob(accepted.call.request.body, id);
    const auto blob = accepted.call.request.body.blob;
    const AcceptedCall* const item = &accepted;
    auto steps = accept_.steps({&item, 1});
    const auto last = steps.size() - 1;
    in_pieces(bytes, options_.chunk_bytes, [&](std::int64_t nth, std::string_view piece) {
        steps.push_back(calls_.insert_request_chunk(blob, nth, piece, id));
    });
    const auto outcome = co_await pool_.run(std::move(steps));
    if (!outcome) co_return fail(to_error(outcome.error(), Errc::outcome_unknown));
    co_return AcceptSql::read(outcome->at(last), {&item, 1}).front();
}

Task<Result<int>> PostgresDatastore::forget_keys(int items_max) {
    const auto outcome = co_await pool_.run(sweeps_.forget_keys(items_max, clock_.now()));
    if (!outcome) co_return fail(to_error(outcome.error()));
    co_return outcome->front().size();
}

Task<Result<DueStep>> PostgresDatastore::release_due(int items_max) {
    const auto now = clock_.now();
    const auto outcome = co_await pool_.run(sweeps_.release_due(items_max, now));
    if (!outcome) co_return fail(to_error(outcome.error()));
    DueStep step;
    step.due = in_order(outcome->front().each(read_dated));
    const auto next = outcome->back().front().optional_time();
    if (next) step.next_in = *next - now;
    co_return step;
}

/// Takes the bytes out of the body and leaves a name of its own for each writing, so that the
/// pieces of two tries never mix.
std::string PostgresDatastore::name_blob(BodyRef& body, const std::string& call_id) {
    body.size = body.bytes.size();
    body.blob = fmt::format("{}-{}-{:x}", call_id, life_, names_made_.fetch_add(1));
    return std::exchange(body.bytes, {});
}

Task<Result<void>> PostgresDatastore::load_body(BodyRef& body) {
    if (body.is_inline()) co_return Result<void>{};
    const auto outcome = co_await pool_.run(calls_.find_blob(body.blob));
    if (!outcome) co_return fail(to_error(outcome.error()));
    const auto& pieces = outcome->front();
    body.bytes.reserve(body.size);
    for (int i = 0; i < pieces.size(); ++i) body.bytes += pieces.at(i).text();
    if (body.bytes.size() != body.size) {
        co_return fail(Errc::internal, {}, "pieces are missing: " + body.blob);
    }
    body.blob.clear();
    co_return Result<void>{};
}

Task<Result<std::vector<ClaimedCall>>> PostgresDatastore::claim(
    std::string worker_id, std::vector<std::string> call_ids
) {
    const auto claim = fmt::format("{}-{:x}", life_, names_made_.fetch_add(1));
    const auto outcome =
        co_await pool_.run(calls_.claim(worker_id, claim, call_ids, clock_.now()), Repeat::never);
    if (!outcome) {
        if (outcome.error().kind != Failure::Kind::not_done) lost_claims_.add(worker_id, claim);
        co_return fail(to_error(outcome.error()));
    }
    auto loaded = co_await load(outcome->back().each(read_claimed), worker_id);
    if (!loaded) lost_claims_.add(worker_id, claim);
    co_return loaded;
}

/// A call without its request can never run; it ends instead of coming back for ever.
Task<Result<std::vector<ClaimedCall>>> PostgresDatastore::load(
    std::vector<ClaimedRow> rows, std::string worker_id
) {
    std::vector<ClaimedCall> claimed;
    claimed.reserve(rows.size());
    for (auto& row : rows) {
        auto body = row.has_request ? co_await load_body(row.request.body)
                                    : Result<void>(fail(Errc::internal, {}, "no request"));
        if (!body && body.error().code != Errc::internal) co_return fail(std::move(body.error()));
        if (!body) {
            log::error(
                "store.request_missing", {{"call", row.call.id}, {"why", body.error().detail}}
            );
            co_await end_broken({row.call.id, worker_id, row.call.attempt});
            continue;
        }
        auto spec = co_await find_spec(row);
        if (!spec) co_return fail(std::move(spec.error()));
        claimed.push_back({std::move(row.call), std::move(row.request), std::move(*spec)});
    }
    co_return claimed;
}

Task<Result<FnSpecRef>> PostgresDatastore::find_spec(const ClaimedRow& row) {
    if (row.fn_rev == 0 || row.app_rev == 0) co_return nullptr;
    if (auto known = specs_.get(row)) co_return known;
    std::vector<Step> steps;
    steps.push_back(catalog_.find_fn(row.call.fn_id));
    steps.push_back(catalog_.find_app(row.call.app_id));
    const auto outcome = co_await pool_.run(std::move(steps));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->at(0).empty() || outcome->at(1).empty()) co_return nullptr;
    auto fn_row = outcome->at(0).front();
    auto app_row = outcome->at(1).front();
    auto fn = stored::read_fn(fn_row);
    const auto [app, app_rev] = read_stored_app(app_row);
    const auto fn_rev = fn.rev;
    auto spec = spec_of(row.call, std::move(fn), app);
    specs_.put(row.call, fn_rev, app_rev, spec);
    co_return spec;
}

Task<> PostgresDatastore::end_broken(Fence fence) {
    EndedCall ended;
    ended.finished.fence = std::move(fence);
    ended.finished.end = end_of({.code = Errc::internal, .message = {}, .detail = {}});
    ended.now = clock_.now();
    const auto done = co_await finishes_.run(std::move(ended), Errc::store_unavailable);
    if (!done) log::error("store.broken_call_left_running", {{"why", done.error().text()}});
}

Task<Result<bool>> PostgresDatastore::finish(FinishedCall finished) {
    co_return co_await end_attempt({std::move(finished), clock_.now()});
}

Task<Result<bool>> PostgresDatastore::retry(FinishedCall attempt, Millis after) {
    const auto now = clock_.now();
    co_return co_await end_attempt({std::move(attempt), now, now + after});
}

Task<Result<bool>> PostgresDatastore::end_attempt(EndedCall ended) {
    const auto& response = ended.finished.response;
    if (response && response->body.bytes.size() > options_.inline_body_bytes_max) {
        co_return co_await finish_large(std::move(ended));
    }
    co_return co_await finishes_.run(std::move(ended), Errc::store_unavailable);
}

Task<Result<bool>> PostgresDatastore::finish_large(EndedCall ended) {
    const auto fence = ended.finished.fence;
    auto& body = ended.finished.response->body;
    const auto bytes = name_blob(body, fence.call_id);
    const EndedCall* const item = &ended;
    auto steps = finish_.steps({&item, 1});
    // Before the last one, which tells how it went.
    auto look = std::move(steps.back());
    steps.pop_back();
    in_pieces(bytes, options_.chunk_bytes, [&](std::int64_t nth, std::string_view piece) {
        steps.push_back(calls_.insert_response_chunk(body.blob, nth, piece, fence));
    });
    steps.push_back(std::move(look));
    const auto outcome = co_await pool_.run(std::move(steps));
    if (!outcome) co_return fail(to_error(outcome.error()));
    co_return FinishSql::read(outcome->back(), {&item, 1}).front();
}

Task<Result<bool>> PostgresDatastore::hand_back(Fence fence, HandBack how) {
    const auto outcome = co_await pool_.run(calls_.hand_back(fence, how, clock_.now()));
    if (!outcome) co_return fail(to_error(outcome.error()));
    co_return !outcome->at(0).empty() || !outcome->at(1).empty();
}

Task<Result<void>> PostgresDatastore::progress(std::vector<CallProgress> entries) {
    if (entries.empty()) co_return Result<void>{};
    const auto outcome = co_await pool_.run(calls_.progress(entries));
    if (!outcome) co_return fail(to_error(outcome.error()));
    co_return Result<void>{};
}

Task<Result<Call>> PostgresDatastore::cancel(Scope scope, std::string call_id) {
    const auto outcome = co_await pool_.run(calls_.cancel(scope, call_id, clock_.now()));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->back().empty()) co_return fail(Errc::call_not_found);
    auto row = outcome->back().front();
    co_return read_call(row);
}

Task<Result<Call>> PostgresDatastore::get_call(Scope scope, std::string call_id) {
    const auto outcome = co_await pool_.run(calls_.find_call(scope, call_id));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->front().empty()) co_return fail(Errc::call_not_found);
    auto row = outcome->front().front();
    co_return read_call(row);
}

Task<Result<std::vector<Call>>> PostgresDatastore::list_calls(
    Scope scope, CallFilter filter, Page page
) {
    co_return all(co_await pool_.run(calls_.list_calls(scope, filter, page)), read_call);
}

Task<Result<CallRequest>> PostgresDatastore::get_request(Scope scope, std::string call_id) {
    const auto outcome = co_await pool_.run(calls_.find_request(scope, call_id));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->front().empty()) co_return fail(Errc::call_not_found);
    auto row = outcome->front().front();
    auto request = stored::read_request(row);
    const auto loaded = co_await load_body(request.body);
    if (!loaded) co_return fail(loaded.error());
    co_return request;
}

Task<Result<CallResponse>> PostgresDatastore::get_response(Scope scope, std::string call_id) {
    const auto outcome = co_await pool_.run(calls_.find_response(scope, call_id));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->front().empty()) co_return fail(Errc::call_response_not_found);
    auto row = outcome->front().front();
    auto response = stored::read_response(row);
    const auto loaded = co_await load_body(response.body);
    if (!loaded) co_return fail(loaded.error());
    co_return response;
}

Task<Result<std::vector<LogChunk>>> PostgresDatastore::get_log(
    Scope scope, std::string call_id, std::int64_t from_seq
) {
    const auto outcome = co_await pool_.run(calls_.find_log(scope, call_id, from_seq));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->front().empty()) co_return fail(Errc::call_log_not_found);
    co_return outcome->back().each(stored::read_chunk<Row>);
}

Task<Result<std::vector<MovedCall>>> PostgresDatastore::list_queued(
    std::string after_id, int items_max
) {
    co_return all(co_await pool_.run(sweeps_.list_queued(after_id, items_max)), read_moved);
}

Task<Result<RedispatchStep>> PostgresDatastore::redispatch(
    std::string after_id, int items_max, DeliveredBefore delivered, Millis slack
) {
    auto waiting = all(co_await pool_.run(sweeps_.list_waiting(after_id, items_max)), read_dated);
    if (!waiting) co_return fail(std::move(waiting.error()));
    RedispatchStep step;
    if (std::cmp_equal(waiting->size(), items_max)) step.seen_to = waiting->back().call.id;
    const auto now = clock_.now();
    std::erase_if(*waiting, [&](const auto& found) {
        return found.at >= delivered.of(found.call.fn_id, found.call.priority, now) - slack;
    });
    if (waiting->empty()) co_return step;
    auto lost = all(co_await pool_.run(sweeps_.mark_put(*waiting, now)), read_moved);
    if (!lost) co_return fail(std::move(lost.error()));
    std::ranges::sort(*lost, {}, &MovedCall::id);
    step.lost = std::move(*lost);
    co_return step;
}

Task<Result<std::vector<MovedCall>>> PostgresDatastore::expire(int items_max) {
    auto expired = all(co_await pool_.run(sweeps_.expire(items_max, clock_.now())), read_dated);
    if (!expired) co_return fail(std::move(expired.error()));
    co_return in_order(std::move(*expired));
}

Task<Result<CallCounts>> PostgresDatastore::count_calls() {
    const auto outcome = co_await pool_.run(sweeps_.count_calls());
    if (!outcome) co_return fail(to_error(outcome.error()));
    auto row = outcome->front().front();
    CallCounts counts;
    counts.delayed = row.number<std::uint64_t>();
    counts.queued = row.number<std::uint64_t>();
    counts.running = row.number<std::uint64_t>();
    co_return counts;
}

}  // namespace stoker
