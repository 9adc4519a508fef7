// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <gtest/gtest.h>

namespace klutch::crypto {
namespace {

constexpr std::string_view kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

TEST(Hash, VectorsOfFips180) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(kTwoBlocks)), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(digest(Hash::kSha384, "abc")),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(digest(Hash::kSha512, "abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Hasher, PiecesGiveTheSameDigestAsTheWhole) {
  for (const Hash hash : {Hash::kSha256, Hash::kSha384, Hash::kSha512}) {
    for (std::size_t cut = 0; cut <= kTwoBlocks.size(); cut += 7) {
      Hasher hasher(hash);
      hasher.update(kTwoBlocks.substr(0, cut)).update("").update(kTwoBlocks.substr(cut));
      EXPECT_EQ(hasher.finish(), digest(hash, kTwoBlocks)) << cut;
    }
  }
}

TEST(Hasher, FinishStartsAnew) {
  Hasher hasher(Hash::kSha256);
  EXPECT_EQ(hasher.update("abc").finish(), sha256("abc"));
  EXPECT_EQ(hasher.finish(), sha256(""));
  Hasher moved = std::move(hasher);
  EXPECT_EQ(moved.update("abc").finish(), sha256("abc"));
}

}  // namespace
}  // namespace klutch::crypto
