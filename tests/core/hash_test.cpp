#include "catch.hpp"

#include <mgca/core/hash.hpp>

#include <vector>

TEST_CASE("hash: SHA-256 gives the published digests", "[core][golden][fast]") {
  CHECK(mgca::sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(mgca::sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(mgca::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(mgca::sha256(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hash: pieces of any length give the digest of the whole", "[core][fast]") {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (std::size_t length = 0; length <= 130; ++length) {  // every place of the padding in its block
    const auto whole = std::string_view(text).substr(0, length);
    for (const std::size_t step : {1U, 7U, 64U}) {
      mgca::Sha256 pieces;
      for (std::size_t i = 0; i < length; i += step) pieces.update(whole.substr(i, step));
      REQUIRE(pieces.hex_digest() == mgca::sha256(whole));
    }
  }
}

TEST_CASE("hash: the checksum has the published seedless XXH3 value and finds every flipped bit", "[core][golden][fast]") {
  CHECK(mgca::checksum({}) == 0x2D06800538D394C2ULL);
  std::vector<std::byte> bytes(300, std::byte{0x5A});
  const auto before = mgca::checksum(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    REQUIRE(mgca::checksum(bytes) != before);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  CHECK(mgca::hex(std::vector<std::byte>{std::byte{0}, std::byte{0xAF}}) == "00af");
}
