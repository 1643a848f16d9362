#include "tests/support/tar.hpp"

#include <fmt/format.h>

#include <cassert>

namespace stoker::test {

namespace {

constexpr std::size_t block_bytes = 512;

void put(std::string& header, std::size_t at, std::string_view text) {
    header.replace(at, text.size(), text);
}

}  // namespace

void TarWriter::add(std::string_view path, std::string_view bytes, unsigned mode) {
    assert(path.size() <= 100);
    std::string header(block_bytes, '\0');
    put(header, 0, path);
    put(header, 100, fmt::format("{:07o}", mode));
    put(header, 108, "0000000");  // owner
    put(header, 116, "0000000");  // group
    put(header, 124, fmt::format("{:011o}", bytes.size()));
    put(header, 136, "00000000000");  // time
    put(header, 148, "        ");     // the checksum counts as spaces while it is computed
    put(header, 156, "0");            // a plain file
    put(header,
        257,
        std::string_view(
            "ustar\0"
            "00",
            8
        ));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(header, 148, fmt::format("{:06o}", sum) + std::string(1, '\0'));
    out_ += header;
    out_ += bytes;
    out_.append((block_bytes - bytes.size() % block_bytes) % block_bytes, '\0');
}

std::string TarWriter::finish() && {
    out_.append(2 * block_bytes, '\0');
    return std::move(out_);
}

}  // namespace stoker::test
