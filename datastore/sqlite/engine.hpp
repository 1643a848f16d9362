#pragma once

// The threads and connections behind an SQLite store: one writer with group commit, and a few
// readers. Owns the lock on the folder. write() and read() may be called on any lane and resume
// there, at the latest at their deadline. Private to datastore/sqlite.

#include <memory>
#include <utility>

#include "common/async/batcher.hpp"
#include "common/async/blocking_pool.hpp"
#include "common/clock.hpp"
#include "common/log.hpp"
#include "common/metrics.hpp"
#include "datastore/disk_space.hpp"
#include "datastore/sqlite/folder_lock.hpp"
#include "datastore/sqlite/reader.hpp"
#include "datastore/sqlite/sqlite_options.hpp"
#include "datastore/sqlite/write_job.hpp"
#include "datastore/sqlite/writer.hpp"

namespace stoker::sqlite {

constexpr std::chrono::seconds operation_time_max{5};

class Engine {
public:
    /// Makes or migrates the file. What is wrong is said in the message, for the operator.
    static Result<std::unique_ptr<Engine>> open(
        SqliteOptions options, const Clock& clock, Metrics& metrics
    );
    ~Engine() { close(); }

    /// Runs `work(Writer&)`, which returns a Result, in a batch; back when that is on disk.
    /// `unknown` is the error when the deadline came while it ran; then `orphaned` gets its result
    /// later.
    template <class Work, class Orphaned>
    auto write(Work work, Errc unknown, Orphaned orphaned)
        -> Task<typename WriteJob<Work, Orphaned>::Outcome>;
    template <class Work>
    auto write(Work work, Errc unknown = Errc::store_unavailable) {
        return write(std::move(work), unknown, [](auto&&) {});
    }

    /// Runs `work(Reader&)`, which returns a Result, on a thread of the read pool.
    template <class Work>
    auto read(Work work) -> Task<std::invoke_result_t<Work&, Reader&>>;

    /// Blocks the calling thread instead: for the start, when no lane is involved.
    ReaderPool::Lease reader() { return readers_.take(deadline_in(operation_time_max)); }

    Writer& writer() { return writer_; }
    const Writer& writer() const { return writer_; }
    DiskSpace& space() { return *space_; }
    const DiskSpace& space() const { return *space_; }
    const SqliteOptions& options() const { return options_; }

    /// Commits what was submitted, then ends the threads. Not from a lane.
    void close();

private:
    Engine(
        SqliteOptions options,
        FolderLock lock,
        std::unique_ptr<DiskSpace> space,
        SQLite::Database db,
        const Clock& clock,
        Metrics& metrics
    );

    // The order matters: the lock is dropped last, the readers close before the writer.
    const SqliteOptions options_;
    const FolderLock lock_;
    const std::unique_ptr<DiskSpace> space_;
    Writer writer_;
    ReaderPool readers_;
    Batcher<Writer> batcher_;
    BlockingPool read_pool_;
};

template <class Work, class Orphaned>
auto Engine::write(Work work, Errc unknown, Orphaned orphaned)
    -> Task<typename WriteJob<Work, Orphaned>::Outcome> {
    using Job = WriteJob<Work, Orphaned>;
    const auto deadline = deadline_in(operation_time_max);
    const auto lane = co_await asio::this_coro::executor;
    const auto job = std::make_shared<Job>(lane, std::move(work), std::move(orphaned));
    Batcher<Writer>::Job steps{
        .run = [job](Writer& writer) { job->run(writer); },
        .completed =
            [this, job](error_code committed) {
                if (!job->completed(committed)) return;
                writer_.deliveries().add(job->waiting().lane(), [job] { job->deliver(); });
            },
    };
    if (!batcher_.submit(std::move(steps))) co_return fail(Errc::store_unavailable);
    co_return co_await job->waiting().outcome(deadline, unknown);
}

template <class Work>
auto Engine::read(Work work) -> Task<std::invoke_result_t<Work&, Reader&>> {
    using Outcome = std::invoke_result_t<Work&, Reader&>;
    const auto deadline = deadline_in(operation_time_max);
    auto blocking = [this, deadline, work = std::move(work)]() mutable -> Outcome {
        try {
            auto reader = readers_.take(deadline);
            return work(*reader);
        } catch (const std::exception& e) {
            log::error("store.read_failed", {{"message", e.what()}});
            return fail(Errc::store_unavailable, {}, e.what());
        }
    };
    auto outcome = co_await read_pool_.run(std::move(blocking), deadline);
    if (!outcome) co_return fail(Errc::store_unavailable);
    co_return std::move(*outcome);
}

}  // namespace stoker::sqlite
