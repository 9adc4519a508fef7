// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace klutch {
namespace {

TEST(Ids, UuidsAreVersionFourAndDistinct) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = new_uuid();
    EXPECT_TRUE(is_uuid(id)) << id;
    EXPECT_EQ(id[14], '4') << id;
    EXPECT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(Ids, UuidFormIsChecked) {
  EXPECT_TRUE(is_uuid("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
  EXPECT_TRUE(is_uuid("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"));
  for (const std::string_view text :
       {"", "f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
        "g81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ",
        "f81d4fae-7dec-11d0-a7650-0a0c91e6bf6"}) {
    EXPECT_FALSE(is_uuid(text)) << text;
  }
}

TEST(Ids, SuffixesUseTheWholeAlphabetOfKubernetesEvenly) {
  const std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::map<char, int> counts;
  constexpr int kDraws = 27'000;
  for (const char c : random_suffix(kDraws)) ++counts[c];
  EXPECT_EQ(counts.size(), alphabet.size());
  for (const auto& [letter, count] : counts) {
    EXPECT_NE(alphabet.find(letter), std::string_view::npos) << letter;
    EXPECT_NEAR(count, 1000, 250) << letter;  // eight standard deviations
  }
  EXPECT_EQ(random_suffix().size(), 5U);
  EXPECT_EQ(random_suffix(0), "");
}

TEST(Ids, RandomBytesFillMoreThanOneSystemCall) {
  std::array<std::byte, 1000> bytes{};
  fill_random(bytes);
  const auto zeros = std::count(bytes.begin(), bytes.end(), std::byte{0});
  EXPECT_LT(zeros, 50);
  fill_random({});
}

}  // namespace
}  // namespace klutch
