#pragma once

// A Beast body for parsing: decoded bytes are appended to a string that the user empties at will.
// Unlike string_body it reserves nothing, so a claimed Content-Length costs no memory.

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/optional.hpp>

#include <cstdint>
#include <string>

namespace stoker {

struct AppendBody {
    using value_type = std::string;

    class reader {  // NOLINT(readability-identifier-naming): the name that Beast looks for
    public:
        template <bool is_request, class Fields>
        reader(boost::beast::http::header<is_request, Fields>&, value_type& body) : body_(body) {}

        void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& failed) {
            failed = {};
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, boost::beast::error_code& failed) {
            failed = {};
            std::size_t taken = 0;
            for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
                body_.append(static_cast<const char*>(buffer.data()), buffer.size());
                taken += buffer.size();
            }
            return taken;
        }
        void finish(boost::beast::error_code& failed) { failed = {}; }

    private:
        value_type& body_;
    };
};

}  // namespace stoker
