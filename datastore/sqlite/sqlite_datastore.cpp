#include "datastore/sqlite/sqlite_datastore.hpp"

#include <fmt/format.h>

#include <random>

#include "common/log.hpp"

namespace stoker {

namespace {

using sqlite::Reader;
using sqlite::Writer;

std::string random_word() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

/// Found or `absent`, as the reads of single rows answer.
template <class Row>
Result<Row> found_or(std::optional<Row> row, Errc absent) {
    if (!row) return fail(absent);
    return std::move(*row);
}

}  // namespace

Result<std::unique_ptr<Datastore>> SqliteDatastore::open(
    SqliteOptions options, const Clock& clock, Metrics& metrics
) {
    auto engine = sqlite::Engine::open(std::move(options), clock, metrics);
    if (!engine) return fail(std::move(engine.error()));
    std::unique_ptr<SqliteDatastore> store(new SqliteDatastore(std::move(*engine), clock));
    store->file_pool_.post([store = store.get()] { store->collect_blobs(); });
    return store;
}

SqliteDatastore::SqliteDatastore(std::unique_ptr<sqlite::Engine> engine, const Clock& clock) :
    clock_(clock),
    life_(random_word()),
    blobs_(engine->options().folder / "blobs"),
    engine_(std::move(engine)),
    schedules_(*engine_),
    file_pool_(engine_->options().file_threads, engine_->options().waiting_reads_max) {}

Task<Result<std::vector<App>>> SqliteDatastore::list_apps(AppFilter filter, Page page) {
    auto work = [filter = std::move(filter), page = std::move(page)](Reader& reader) {
        return Result<std::vector<App>>(reader.catalog().list_apps(filter, page));
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<App>> SqliteDatastore::get_app(std::string id) {
    auto work = [id = std::move(id)](Reader& reader) {
        return found_or(reader.catalog().find_app(id), Errc::app_not_found);
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<App>> SqliteDatastore::insert_app(App app) {
    auto work = [this, app = std::move(app)](Writer& writer) -> Result<App> {
        if (!takes_calls()) return fail(Errc::store_full);
        writer.touch_catalog();
        return writer.catalog().insert_app(app);
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<App>> SqliteDatastore::update_app(std::string id, AppPatch patch) {
    auto work = [id = std::move(id), patch = std::move(patch)](Writer& writer) {
        writer.touch_catalog();
        return writer.catalog().update_app(id, patch, writer.now());
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<MovedCall>>> SqliteDatastore::delete_app(std::string id) {
    auto work = [id = std::move(id)](Writer& writer) -> Result<std::vector<MovedCall>> {
        writer.touch_catalog();
        auto cancelled = writer.sweeps().cancel_waiting_of_app(id, writer.now());
        if (auto removed = writer.catalog().remove_app(id); !removed) {
            return fail(std::move(removed.error()));
        }
        writer.schedules().remove_of_app(id);
        return cancelled;
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<Fn>>> SqliteDatastore::list_fns(FnFilter filter, Page page) {
    auto work = [filter = std::move(filter), page = std::move(page)](Reader& reader) {
        return Result<std::vector<Fn>>(reader.catalog().list_fns(filter, page));
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<Fn>> SqliteDatastore::get_fn(std::string id) {
    auto work = [id = std::move(id)](Reader& reader) {
        return found_or(reader.catalog().find_fn(id), Errc::fn_not_found);
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<std::vector<FnSpecRef>>> SqliteDatastore::list_warm_fns() {
    auto work = [](Reader& reader) -> Result<std::vector<FnSpecRef>> {
        std::vector<FnSpecRef> specs;
        for (const auto& fn : reader.catalog().list_warm_fns()) {
            const auto app = reader.catalog().find_app(fn.app_id);
            if (app) specs.push_back(make_fn_spec(*app, fn));
        }
        return specs;
    };
    co_return co_await engine_->read(std::move(work));
}

Task<Result<Fn>> SqliteDatastore::insert_fn(Fn fn) {
    auto work = [this, fn = std::move(fn)](Writer& writer) -> Result<Fn> {
        if (!takes_calls()) return fail(Errc::store_full);
        writer.touch_catalog();
        return writer.catalog().insert_fn(fn);
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<Fn>> SqliteDatastore::update_fn(std::string id, FnPatch patch) {
    auto work = [id = std::move(id), patch = std::move(patch)](Writer& writer) {
        writer.touch_catalog();
        return writer.catalog().update_fn(id, patch, writer.now());
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<MovedCall>>> SqliteDatastore::delete_fn(std::string id) {
    auto work = [id = std::move(id)](Writer& writer) -> Result<std::vector<MovedCall>> {
        writer.touch_catalog();
        if (auto removed = writer.catalog().remove_fn(id); !removed) {
            return fail(std::move(removed.error()));
        }
        writer.schedules().remove_of_fn(id);
        return writer.sweeps().cancel_waiting_of_fn(id, writer.now());
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<Fn>> SqliteDatastore::pause_fn(std::string id) {
    auto work = [id = std::move(id)](Writer& writer) {
        auto fn = writer.catalog().pause_fn(id, true);
        if (fn) writer.sweeps().hold(id);
        return fn;
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<Fn>> SqliteDatastore::resume_fn(std::string id) {
    auto work = [id = std::move(id)](Writer& writer) {
        auto fn = writer.catalog().pause_fn(id, false);
        if (fn) writer.sweeps().free_held(id);
        return fn;
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<MovedCall>>> SqliteDatastore::purge_fn(std::string id) {
    auto work = [id = std::move(id)](Writer& writer) -> Result<std::vector<MovedCall>> {
        if (!writer.catalog().has_fn(id)) return fail(Errc::fn_not_found);
        return writer.sweeps().cancel_waiting_of_fn(id, writer.now());
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<void>> SqliteDatastore::register_worker(
    std::string worker_id, std::string host, Millis lease
) {
    auto work = [id = std::move(worker_id), host = std::move(host), lease](Writer& writer) {
        return writer.sweeps().register_worker(id, host, writer.lease_now() + lease);
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<Heartbeat>> SqliteDatastore::heartbeat(std::string worker_id, Millis lease) {
    auto work = [id = std::move(worker_id), lease](Writer& writer) {
        return Result<Heartbeat>(writer.sweeps().heartbeat(id, writer.lease_now() + lease));
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<void>> SqliteDatastore::describe_worker(std::string worker_id, WorkerProfile profile) {
    auto work = [id = std::move(worker_id), profile = dump(profile)](Writer& writer) {
        writer.sweeps().describe_worker(id, profile);
        return Result<void>{};
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<KnownWorker>>> SqliteDatastore::list_workers() {
    // By the writer, who knows what time the leases are told in.
    auto work = [](Writer& writer) {
        return Result<std::vector<KnownWorker>>(writer.sweeps().list_workers(writer.lease_now()));
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<void>> SqliteDatastore::remove_worker(std::string worker_id) {
    auto work = [id = std::move(worker_id)](Writer& writer) -> Result<void> {
        writer.sweeps().remove_worker(id);
        return {};
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<MovedCall>>> SqliteDatastore::sweep_lost(Millis grace) {
    auto work = [grace](Writer& writer) {
        return Result<std::vector<MovedCall>>(
            writer.sweeps().sweep_lost(writer.lease_now() - grace, writer.now())
        );
    };
    co_return co_await engine_->write(std::move(work));
}

Task<Result<std::vector<MovedCall>>> SqliteDatastore::recover_all() {
    auto work = [](Writer& writer) {
        return Result<std::vector<MovedCall>>(writer.sweeps().recover_all(writer.now()));
    };
    auto recovered = co_await engine_->write(work);
    // A start on a full disk: the first try has given up the reserve.
    const bool was_full = !recovered && recovered.error().code == Errc::store_full;
    if (was_full) recovered = co_await engine_->write(work);
    co_return recovered;
}

std::string SqliteDatastore::unhealthy_reason() const {
    if (closed_) return "the datastore is closed";
    return engine_->space().reason();
}

Result<void> SqliteDatastore::admission() const {
    if (closed_) return fail(Errc::store_unavailable);
    if (!takes_calls()) return fail(Errc::store_full);
    return {};
}

void SqliteDatastore::close() {
    if (closed_.exchange(true)) return;
    file_pool_.stop();
    engine_->close();
}

}  // namespace stoker
