// The methods of SqliteDatastore about calls, and where their bodies go.

#include <fmt/format.h>

#include "common/log.hpp"
#include "datastore/sqlite/sqlite_datastore.hpp"
#include "model/json.hpp"

namespace stoker {

namespace {

using sqlite::Reader;
using sqlite::Writer;

std::vector<Fence> fences_of(const std::vector<Call>& calls, const std::string& owner) {
    std::vector<Fence> fences;
    fences.reserve(calls.size());
    for (const auto& call : calls) fences.push_back({call.id, owner, call.attempt});
    return fences;
}

}  // namespace

Task<Result<std::string>> SqliteDatastore::accept(NewCall call) {
    using Accepted = sqlite::CallWrites::Accepted;
    // Without room only an earlier try can succeed: the row it made is found.
    const bool has_room = takes_calls();
    BodyRef& body = call.request.body;
    if (has_room) {
        if (auto moved = co_await move_to_blob(body, call.call.id); !moved) {
            co_return fail(std::move(moved.error()));
        }
    }
    const auto blob = body.blob;
    auto headers = dump(call.request.headers);
    auto work = [this, has_room, call = std::move(call), headers = std::move(headers)](
                    Writer& writer
                ) -> Result<Accepted> {
        if (has_room && takes_calls()) return writer.calls().accept(call, headers, writer.now());
        if (writer.calls().has_call(call.call.id)) return Accepted{.call_id = call.call.id};
        return fail(Errc::store_full);
    };
    auto accepted = co_await engine_->write(std::move(work), Errc::outcome_unknown);
    const bool is_unused =
        accepted ? !accepted->is_new : accepted.error().code != Errc::outcome_unknown;
    if (is_unused) drop_blob(blob);
    if (!accepted) co_return fail(std::move(accepted.error()));
    co_return std::move(accepted->call_id);
}

Task<Result<int>> SqliteDatastore::forget_keys(int items_max) {
    auto work = [items_max](Writer& writer) {
        return Result<int>(writer.calls().keys().forget(items_max, writer.now()));
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<DueStep>> SqliteDatastore::release_due(int items_max) {
    auto work = [items_max](Writer& writer) {
        return Result<DueStep>(writer.sweeps().release_due(items_max, writer.now()));
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<ClaimedCall>>> SqliteDatastore::claim(
    std::string worker_id, std::vector<std::string> call_ids
) {
    // What room the reserve made is for the calls that run already.
    auto work = [this, worker_id, ids = std::move(call_ids)](Writer& writer
                ) -> Result<std::vector<Call>> {
        if (engine_->space().state() == DiskSpace::State::full) return fail(Errc::store_full);
        return writer.calls().claim(worker_id, ids, writer.now());
    };
    // A claim whose claimer has left would never run: the worker lives on, so no sweep finds it.
    auto orphaned = [this, worker_id](Result<std::vector<Call>> claimed) {
        if (claimed) engine_->writer().hand_back_soon(fences_of(*claimed, worker_id));
    };
    auto claimed =
        co_await engine_->write(std::move(work), Errc::store_unavailable, std::move(orphaned));
    if (!claimed) co_return fail(std::move(claimed.error()));
    if (claimed->empty()) co_return std::vector<ClaimedCall>{};

    auto fences = fences_of(*claimed, worker_id);
    auto loading = [this, calls = std::move(*claimed), worker_id](Reader& reader) mutable {
        return load(reader, std::move(calls), worker_id);
    };
    auto loaded = co_await engine_->read(std::move(loading));
    if (!loaded) {
        engine_->writer().hand_back_soon(std::move(fences));
        co_return fail(std::move(loaded.error()));
    }
    if (!loaded->broken.empty()) co_await end_broken(std::move(loaded->broken));
    co_return std::move(loaded->calls);
}

Result<SqliteDatastore::Loaded> SqliteDatastore::load(
    Reader& reader, std::vector<Call> calls, const std::string& owner
) {
    Loaded loaded;
    loaded.calls.reserve(calls.size());
    const auto catalog_version = engine_->writer().catalog_version();
    for (auto& call : calls) {
        auto request = reader.calls().find_request(call.id);
        auto body = request ? load_body(request->body) : fail(Errc::internal);
        if (!body && body.error().code != Errc::internal) return fail(std::move(body.error()));
        if (!body) {
            log::error("store.request_missing", {{"call", call.id}, {"why", body.error().detail}});
            loaded.broken.push_back({call.id, owner, call.attempt});
            continue;
        }
        auto fn = specs_.get(reader.catalog(), call, catalog_version);
        loaded.calls.push_back({std::move(call), std::move(*request), std::move(fn)});
    }
    return loaded;
}

/// A call without its request can never run; it ends instead of coming back for ever.
Task<> SqliteDatastore::end_broken(std::vector<Fence> fences) {
    auto end = end_of({.code = Errc::internal, .message = {}, .detail = {}});
    auto work = [fences = std::move(fences), end = std::move(end)](Writer& writer) -> Result<void> {
        for (const auto& fence : fences) {
            FinishedCall finished;
            finished.fence = fence;
            finished.end = end;
            writer.calls().finish(finished, writer.now());
        }
        return {};
    };
    const auto ended = co_await engine_->write(std::move(work));
    if (!ended) log::error("store.broken_calls_left_running", {{"why", ended.error().text()}});
}

template <class Write>
Task<Result<bool>> SqliteDatastore::end_attempt(FinishedCall attempt, Write write) {
    std::string blob;
    if (attempt.response) {
        BodyRef& body = attempt.response->body;
        if (auto moved = co_await move_to_blob(body, attempt.fence.call_id); !moved) {
            if (moved.error().code == Errc::store_full) engine_->space().ran_out("response body");
            co_return fail(std::move(moved.error()));
        }
        blob = body.blob;
    }
    auto work = [attempt = std::move(attempt), write](Writer& writer) {
        return Result<bool>(write(writer, attempt));
    };
    auto won = co_await engine_->write(std::move(work), Errc::outcome_unknown);
    const bool is_unknown = !won && won.error().code == Errc::outcome_unknown;
    if (is_unknown) co_return fail(Errc::store_unavailable);
    if (!won || !*won) drop_blob(blob);
    co_return won;
}

Task<Result<bool>> SqliteDatastore::finish(FinishedCall finished) {
    const auto write = [](Writer& writer, const FinishedCall& attempt) {
        return writer.calls().finish(attempt, writer.now());
    };
    co_return co_await end_attempt(std::move(finished), write);
}

Task<Result<bool>> SqliteDatastore::retry(FinishedCall attempt, Millis after) {
    const auto write = [after](Writer& writer, const FinishedCall& ended) {
        const auto now = writer.now();
        return writer.calls().retry(ended, now + after, now);
    };
    co_return co_await end_attempt(std::move(attempt), write);
}

Task<Result<bool>> SqliteDatastore::hand_back(Fence fence, HandBack how) {
    auto work = [fence = std::move(fence), how](Writer& writer) {
        return Result<bool>(writer.calls().hand_back(fence, how, writer.now()));
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<void>> SqliteDatastore::progress(std::vector<CallProgress> entries) {
    auto work = [entries = std::move(entries)](Writer& writer) -> Result<void> {
        for (const auto& entry : entries) writer.calls().progress(entry);
        return {};
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<Call>> SqliteDatastore::cancel(Scope scope, std::string call_id) {
    auto work = [scope = std::move(scope), id = std::move(call_id)](Writer& writer) {
        return writer.calls().cancel(scope, id, writer.now());
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<Call>> SqliteDatastore::get_call(Scope scope, std::string call_id) {
    auto work = [scope = std::move(scope),
                 id = std::move(call_id)](Reader& reader) -> Result<Call> {
        auto call = reader.calls().find_call(scope, id);
        if (!call) return fail(Errc::call_not_found);
        return std::move(*call);
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<std::vector<Call>>> SqliteDatastore::list_calls(
    Scope scope, CallFilter filter, Page page
) {
    auto work = [scope = std::move(scope), filter, page = std::move(page)](Reader& reader) {
        return Result<std::vector<Call>>(reader.calls().list_calls(scope, filter, page));
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<CallRequest>> SqliteDatastore::get_request(Scope scope, std::string call_id) {
    auto work = [this, scope = std::move(scope), id = std::move(call_id)](Reader& reader
                ) -> Result<CallRequest> {
        auto request =
            reader.calls().find_call(scope, id) ? reader.calls().find_request(id) : std::nullopt;
        if (!request) return fail(Errc::call_not_found);
        auto loaded = load_body(request->body);
        if (!loaded) return fail(std::move(loaded.error()));
        return std::move(*request);
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<CallResponse>> SqliteDatastore::get_response(Scope scope, std::string call_id) {
    auto work = [this, scope = std::move(scope), id = std::move(call_id)](Reader& reader
                ) -> Result<CallResponse> {
        auto response = reader.calls().find_response(scope, id);
        if (!response) return fail(Errc::call_response_not_found);
        auto loaded = load_body(response->body);
        if (!loaded) return fail(std::move(loaded.error()));
        return std::move(*response);
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<std::vector<LogChunk>>> SqliteDatastore::get_log(
    Scope scope, std::string call_id, std::int64_t from_seq
) {
    auto work = [scope = std::move(scope), id = std::move(call_id), from_seq](Reader& reader
                ) -> Result<std::vector<LogChunk>> {
        auto chunks = reader.calls().find_log(scope, id, from_seq);
        if (!chunks) return fail(Errc::call_log_not_found);
        return std::move(*chunks);
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<std::vector<MovedCall>>> SqliteDatastore::list_queued(
    std::string after_id, int items_max
) {
    auto work = [after = std::move(after_id), items_max](Reader& reader) {
        return Result<std::vector<MovedCall>>(reader.calls().list_queued(after, items_max));
    };
    co_return co_await engine_->read(std::move(work));
}

/// Looking is a reader's work; the writer only marks the few that are lost, if they still wait.
Task<Result<RedispatchStep>> SqliteDatastore::redispatch(
    std::string after_id, int items_max, DeliveredBefore delivered, Millis slack
) {
    auto look = [after = std::move(after_id), items_max](Reader& reader) {
        return Result<std::vector<sqlite::WaitingCall>>(
            reader.calls().list_waiting(after, items_max)
        );
    };
    auto waiting = co_await engine_->read(std::move(look));
    if (!waiting) co_return fail(std::move(waiting.error()));
    RedispatchStep step;
    if (std::cmp_equal(waiting->size(), items_max)) step.seen_to = waiting->back().call.id;
    const auto now = clock_.now();
    std::erase_if(*waiting, [&](const auto& found) {
        const auto& call = found.call;
        return found.put_at >= delivered.of(call.fn_id, call.priority, now) - slack;
    });
    if (waiting->empty()) co_return step;
    auto mark = [lost = std::move(*waiting)](Writer& writer) {
        std::vector<MovedCall> marked;
        for (const auto& found : lost) {
            if (!writer.calls().mark_put(found.call.id, found.put_at, writer.now())) continue;
            marked.push_back(found.call);
        }
        return Result<std::vector<MovedCall>>(std::move(marked));
    };
    auto marked = co_await engine_->write(std::move(mark));
    if (!marked) co_return fail(std::move(marked.error()));
    step.lost = std::move(*marked);
    co_return step;
}

Task<Result<std::vector<MovedCall>>> SqliteDatastore::expire(int items_max) {
    auto work = [items_max](Writer& writer) {
        return Result<std::vector<MovedCall>>(writer.sweeps().expire(items_max, writer.now()));
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<CallCounts>> SqliteDatastore::count_calls() { co_return engine_->writer().counts(); }

/// Each writing has a name of its own, so that a late or repeated one never touches what a row
/// names, and the name tells the blobs of this life from those of earlier ones.
Task<Result<void>> SqliteDatastore::move_to_blob(BodyRef& body, const std::string& call_id) {
    if (!body.is_inline() || body.bytes.size() <= engine_->options().inline_body_bytes_max) {
        co_return Result<void>{};
    }
    auto name = fmt::format("{}-{}-{:x}", call_id, life_, blobs_made_.fetch_add(1));
    body.size = body.bytes.size();
    auto blocking = [this, name, bytes = std::exchange(body.bytes, {})] {
        return blobs_.put(name, bytes);
    };
    body.blob = std::move(name);
    const auto deadline = deadline_in(sqlite::operation_time_max);
    auto written = co_await file_pool_.run(std::move(blocking), deadline);
    if (!written) co_return fail(Errc::store_unavailable);
    co_return std::move(*written);
}

Result<void> SqliteDatastore::load_body(BodyRef& body) const {
    if (body.is_inline()) return {};
    auto bytes = blobs_.get(body.blob);
    if (!bytes) return fail(std::move(bytes.error()));
    body.bytes = std::move(*bytes);
    body.blob.clear();
    return {};
}

void SqliteDatastore::drop_blob(const std::string& name) {
    if (name.empty()) return;
    file_pool_.post([this, name] { blobs_.remove(name); });
}

/// What earlier lives left without a row. Blobs of this one may be waiting for theirs.
void SqliteDatastore::collect_blobs() {
    try {
        auto reader = engine_->reader();
        blobs_.collect([&](std::string_view name) {
            const auto call_id = name.substr(0, name.find('-'));
            return name.contains("-" + life_ + "-") ||
                   (*reader).calls().is_blob_named(std::string(call_id), std::string(name));
        });
    } catch (const std::exception& e) {
        log::error("store.collect_failed", {{"message", e.what()}});
    }
}

bool SqliteDatastore::takes_calls() const {
    return engine_->space().state() == DiskSpace::State::enough;
}

}  // namespace stoker
