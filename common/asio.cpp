// Asio and Beast are compiled here once (BOOST_ASIO_SEPARATE_COMPILATION) instead of in every
// source.

#include <boost/asio/impl/src.hpp>

// Beast 1.81 asserts that the last chunk of a body comes with more than its first four bytes
// (basic_parser::parse_chunk_header). The peer decides that, and its code is right without it.
#define BOOST_DISABLE_ASSERTS
#include <boost/assert.hpp>
#include <boost/beast/src.hpp>
