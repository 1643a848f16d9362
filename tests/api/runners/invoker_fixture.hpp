#pragma once

// A RemoteInvoker over the workers of a test, and a caller of it that keeps what it is answered.

#include <doctest/doctest.h>

#include "api/runners/remote_invoker.hpp"
#include "datastore/open_datastore.hpp"
#include "model/fn_spec.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {

/// Keeps the answer.
class KeptAnswer final : public AnswerSink {
public:
    std::optional<AnswerHead> given;
    std::string body;
    bool ended = false;
    bool client_gone = false;

    Task<Result<void>> head(AnswerHead head) override {
        CHECK_FALSE(given);
        given = std::move(head);
        co_return Result<void>{};
    }
    Task<Result<void>> write(std::string_view bytes, bool last) override {
        if (client_gone) co_return fail(Errc::invalid_request, "Client cancelled context");
        body += bytes;
        ended = last;
        co_return Result<void>{};
    }
};

/// Says when it is first read, and gives its pieces one by one.
class PiecedBody final : public BodySource {
public:
    explicit PiecedBody(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
    int reads = 0;
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    Task<Result<std::string_view>> read() override {
        const auto at = static_cast<std::size_t>(reads++);
        if (at >= pieces_.size()) co_return std::string_view{};
        co_return std::string_view(pieces_[at]);
    }

private:
    const std::vector<std::string> pieces_;
};

inline FnSpecRef spec_of_fn(FnFormat format = FnFormat::http_stream) {
    FnSpec fn;
    fn.app_id = "A";
    fn.app_name = "app";
    fn.fn_id = "F";
    fn.fn_name = "fn";
    fn.image = "img";
    fn.format = format;
    fn.config = {{"KEY", "välue\n"}};
    fn.slot_key = std::string("key\0\xff", 5);
    return std::make_shared<const FnSpec>(std::move(fn));
}

inline Invocation invocation_of(FnSpecRef fn = spec_of_fn()) {
    return {
        .call_id = "01CALL",
        .fn = std::move(fn),
        .url = "http://here/invoke/F",
        .headers = {{"X-Twice", "a"}, {"X-Twice", "b"}, {"X-Latin", "caf\xe9"}},
        .content_type = "text/plain",
    };
}

class InvokerFixture {
public:
    explicit InvokerFixture(const std::vector<std::string>& workers) :
        store(open(folder, clock, metrics)),
        directory(*store, runners_of(workers)),
        invoker(directory, make_placer(), metrics, limits) {}
    ~InvokerFixture() { store->close(); }
    InvokerFixture(const InvokerFixture&) = delete;
    InvokerFixture& operator=(const InvokerFixture&) = delete;

    Result<void> call(BodySource& body, AnswerSink& answer, Millis give_up = Millis{10'000}) {
        return run(invoker.invoke(invocation_of(), body, answer, deadline_in(give_up)));
    }

    static constexpr RemoteInvokerLimits limits{
        .no_worker_wait = Millis{200},
        .first_pause = Millis{1},
        .longest_pause = Millis{10},
        .suspicion = Millis{1'000}
    };
    TempDir folder;
    SystemClock clock;
    Metrics metrics;
    std::unique_ptr<Datastore> store;
    RunnerDirectory directory;
    RemoteInvoker invoker;

private:
    /// In the order of the list, so that a test knows who comes first.
    class InOrder final : public Placer {
    public:
        RunnerList order(const FnSpec& /*fn*/, const RunnerList& runners) override {
            return runners;
        }
    };
    static std::unique_ptr<Placer> make_placer() { return std::make_unique<InOrder>(); }
    static std::unique_ptr<Datastore> open(
        const TempDir& folder, const Clock& clock, Metrics& metrics
    ) {
        const DatastoreOptions options{.data_folder = folder.path(), .survives_power_cut = false};
        return std::move(*open_datastore("sqlite:", options, clock, metrics));
    }
    static RunnerList runners_of(const std::vector<std::string>& names) {
        RunnerList runners;
        for (const auto& name : names) runners.push_back(make_runner(name).value());
        return runners;
    }
};

}  // namespace stoker::test
