#pragma once

// Runs one call synchronously and streams its answer. Implemented by the agent, and by the proxy
// that hands the call to a worker over HTTP; api knows only this.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "common/http/headers.hpp"
#include "model/call.hpp"
#include "model/error.hpp"
#include "model/fn_spec.hpp"

namespace stoker {

/// The bytes of a request body, in order. Used by one Task at a time.
class BodySource {
public:
    virtual ~BodySource() = default;
    /// The length if it is known before reading.
    virtual std::optional<std::uint64_t> size() const = 0;
    /// The next bytes, valid until the next read; empty at the end.
    virtual Task<Result<std::string_view>> read() = 0;
};

/// A body that is already in memory. Borrows the bytes.
class InlineBody final : public BodySource {
public:
    explicit InlineBody(std::string_view bytes) : bytes_(bytes) {}
    std::optional<std::uint64_t> size() const override { return bytes_.size(); }
    Task<Result<std::string_view>> read() override {
        co_return std::exchange(remaining_, std::string_view{});
    }

private:
    std::string_view bytes_;
    std::string_view remaining_ = bytes_;
};

struct AnswerHead {
    int status = 200;
    Headers headers;                      ///< hop-by-hop fields already dropped
    std::optional<std::uint64_t> length;  ///< of the body, if the function said so
};

/// Where a good answer goes. head() is called at most once, then write() until `last`. After head()
/// the answer is committed: an error can only cut it short.
class AnswerSink {
public:
    virtual ~AnswerSink() = default;
    virtual Task<Result<void>> head(AnswerHead head) = 0;
    virtual Task<Result<void>> write(std::string_view bytes, bool last) = 0;
    /// False: whoever asked has gone, so that it need not begin.
    virtual bool is_wanted() { return true; }
    /// `told` is called once, on the caller's lane, when whoever asked is seen to be gone. Empty:
    /// not any more.
    virtual void when_gone(std::function<void()> told) { (void)told; }
};

struct Invocation {
    std::string call_id;
    FnSpecRef fn;
    std::string method = "POST";
    std::string url;  ///< absolute, as the caller reached us
    Headers headers;
    std::string content_type;
    int attempt = 1;
};

class Invoker {
public:
    virtual ~Invoker() = default;
    /// On the caller's lane. An Error before the sink's head() is the caller's to answer. `give_up`
    /// bounds the wait for a slot; the time inside the container is the fn's own timeout.
    virtual Task<Result<void>> invoke(
        Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
    ) = 0;
};

}  // namespace stoker
