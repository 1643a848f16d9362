#include "common/sha256.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("Sha256: the vectors of FIPS 180-4") {
    CHECK(Sha256{}.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(
        Sha256{}.add("abc").hex() ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    CHECK(
        Sha256{}.add("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    );
    CHECK(
        Sha256{}.add(std::string(1'000'000, 'a')).hex() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    );
}

TEST_CASE("Sha256: how the bytes come in pieces does not matter") {
    for (const std::size_t size : {55U, 56U, 63U, 64U, 65U, 119U, 120U, 200U}) {
        std::string bytes;
        for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i);
        const auto whole = Sha256{}.add(bytes).hex();
        for (const std::size_t piece : {1U, 7U, 64U}) {
            Sha256 pieces;
            for (std::size_t at = 0; at < size; at += piece) pieces.add(bytes.substr(at, piece));
            CHECK(pieces.hex() == whole);
        }
    }
}
