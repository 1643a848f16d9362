#pragma once

// SHA-256 (FIPS 180-4), to tell requests from each other: nothing here is secret.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace stoker {

class Sha256 {
public:
    Sha256& add(std::string_view bytes);
    /// 64 hexadecimal digits. Nothing may be added after.
    std::string hex();

private:
    static constexpr std::size_t block_bytes = 64;

    void take(const std::uint8_t* block);

    std::array<std::uint32_t, 8> state_{
        0x6a09e667,
        0xbb67ae85,
        0x3c6ef372,
        0xa54ff53a,
        0x510e527f,
        0x9b05688c,
        0x1f83d9ab,
        0x5be0cd19
    };
    std::array<std::uint8_t, block_bytes> block_{};
    std::size_t filled_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace stoker
