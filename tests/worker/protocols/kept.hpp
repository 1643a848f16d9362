#pragma once

// A FunctionAnswer that keeps what it is given, and a body whose size is not known.

#include <optional>
#include <string>
#include <vector>

#include "worker/protocols/exchange.hpp"

namespace stoker::test {

class Kept final : public FunctionAnswer {
public:
    Task<Result<void>> head(AnswerHead head, std::string_view raw) override {
        answer = std::move(head);
        raw_head = raw;
        co_return Result<void>{};
    }
    Task<Result<void>> data(std::string_view raw, std::string_view bytes, bool last) override {
        raw_body += raw;
        body += bytes;
        complete = last;
        co_return Result<void>{};
    }
    AnswerHead answer{.status = 0, .headers = {}, .length = {}};
    std::string raw_head;
    std::string raw_body;
    std::string body;
    bool complete = false;
};

class Stream final : public BodySource {
public:
    explicit Stream(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    Task<Result<std::string_view>> read() override {
        if (next_ == pieces_.size()) co_return std::string_view{};
        co_return pieces_[next_++];
    }

private:
    std::vector<std::string> pieces_;
    std::size_t next_ = 0;
};

}  // namespace stoker::test
