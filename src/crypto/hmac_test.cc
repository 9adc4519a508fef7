// SPDX-License-Identifier: Apache-2.0
#include "crypto/hmac.h"

#include <gtest/gtest.h>

#include "crypto/compare.h"
#include "crypto/hash.h"

namespace klutch::crypto {
namespace {

TEST(Hmac, VectorsOfRfc4231) {
  struct Case {
    std::string key;
    std::string message;
    std::string_view sha256;
    std::string_view sha512;
    std::string_view reason;
  };
  const Case cases[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
       "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
       "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
       "case 1"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
       "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
       "case 2: a key shorter than the digest"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
       "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
       "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
       "case 6: a key longer than the block"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(to_hex(hmac_sha256(Secret(c.key), c.message)), c.sha256) << c.reason;
    EXPECT_EQ(to_hex(hmac_sha512(Secret(c.key), c.message)), c.sha512) << c.reason;
  }
}

TEST(Hmac, AnEmptyKeyIsAKeyAndNotTheLastOne) {
  const std::string first = hmac_sha256(Secret("some key"), "");
  EXPECT_EQ(to_hex(hmac_sha256(Secret(), "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_NE(hmac_sha256(Secret(), ""), first);
}

TEST(Hmac, MatchesOnlyTheWholeMac) {
  const Secret key("k");
  const std::string mac = hmac_sha256(key, "m");
  EXPECT_TRUE(hmac_sha256_matches(key, "m", mac));
  EXPECT_FALSE(hmac_sha256_matches(key, "n", mac));
  EXPECT_FALSE(hmac_sha256_matches(Secret("l"), "m", mac));
  EXPECT_FALSE(hmac_sha256_matches(key, "m", mac.substr(0, 16)));
  EXPECT_FALSE(hmac_sha256_matches(key, "m", ""));
}

TEST(ConstantTimeEqual, AgreesWithEquality) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "xbc"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
  EXPECT_TRUE(constant_time_equal(Secret("abc"), Secret("abc")));
  EXPECT_FALSE(constant_time_equal(Secret("abc"), ""));
}

}  // namespace
}  // namespace klutch::crypto
