#include "model/id.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace stoker {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

std::optional<std::uint8_t> digit_value(char c) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    const auto at = alphabet.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<std::uint8_t>(at);
}

}  // namespace

std::uint32_t IdSource::random_start() {
    // The upper half is left to count in, so that it does not wrap within a millisecond.
    return static_cast<std::uint32_t>(std::random_device{}()) >> 1U;
}

std::string IdSource::next() {
    // The clock may step back; ids of one process must still sort in the order they were made.
    auto now = to_ms(clock_.now());
    auto latest = latest_ms_.load(std::memory_order_relaxed);
    while (latest < now && !latest_ms_.compare_exchange_weak(latest, now)) {
    }
    now = std::max(now, latest);
    const auto ms = static_cast<std::uint64_t>(now);
    const auto count = counter_.fetch_add(1, std::memory_order_relaxed) + 1;

    std::array<std::uint8_t, 16> bits{};
    for (std::size_t i = 0; i < 6; ++i) {
        bits.at(i) = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
        bits.at(6 + i) = static_cast<std::uint8_t>(machine_ >> (40 - 8 * i));
    }
    for (std::size_t i = 0; i < 4; ++i) {
        bits.at(12 + i) = static_cast<std::uint8_t>(count >> (24 - 8 * i));
    }
    return encode_id(bits);
}

std::uint64_t machine_bits(std::uint16_t port) {
    std::uint32_t address = INADDR_LOOPBACK;
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) == 0) {
        for (const auto* at = all; at != nullptr; at = at->ifa_next) {
            if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
            if ((at->ifa_flags & IFF_LOOPBACK) != 0) continue;
            if (std::string_view(at->ifa_name) == "docker0") continue;
            sockaddr_in in{};
            std::memcpy(&in, at->ifa_addr, sizeof in);
            address = ntohl(in.sin_addr.s_addr);
            break;
        }
        freeifaddrs(all);
    }
    return (static_cast<std::uint64_t>(address) << 16U) | port;
}

std::string encode_id(const std::array<std::uint8_t, 16>& bits) {
    // 26 digits of 5 bits hold 130 bits; the two spare ones lead and are zero.
    std::string text(id_chars, '0');
    unsigned window = 0;
    int filled = 2;
    std::size_t at = 0;
    for (const auto byte : bits) {
        window = (window << 8U) | byte;
        filled += 8;
        while (filled >= 5) {
            filled -= 5;
            text[at++] = alphabet[(window >> static_cast<unsigned>(filled)) & 31U];
        }
        window &= (1U << static_cast<unsigned>(filled)) - 1;
    }
    return text;
}

std::optional<std::array<std::uint8_t, 16>> decode_id(std::string_view text) {
    if (text.size() != id_chars) return std::nullopt;
    std::array<std::uint8_t, 16> bits{};
    unsigned window = 0;
    int filled = -2;
    std::size_t at = 0;
    for (const char c : text) {
        const auto digit = digit_value(c);
        if (!digit) return std::nullopt;
        window = (window << 5U) | *digit;
        filled += 5;
        if (filled >= 8) {
            filled -= 8;
            bits.at(at++) = static_cast<std::uint8_t>(window >> static_cast<unsigned>(filled));
            window &= (1U << static_cast<unsigned>(filled)) - 1;
        }
    }
    // A first digit above 7 does not fit in 128 bits.
    if (*digit_value(text.front()) > 7) return std::nullopt;
    return bits;
}

bool is_id(std::string_view text) { return decode_id(text).has_value(); }

std::optional<WallTime> time_of_id(std::string_view text) {
    const auto bits = decode_id(text);
    if (!bits) return std::nullopt;
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i) ms = (ms << 8) | bits->at(i);
    return from_ms(ms);
}

}  // namespace stoker
