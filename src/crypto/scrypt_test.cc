// SPDX-License-Identifier: Apache-2.0
#include "crypto/scrypt.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace klutch::crypto {
namespace {

std::string derive(std::string_view passphrase, std::string_view salt, const ScryptCost& cost) {
  return to_hex(scrypt(Secret(passphrase), salt, cost, 64).value().reveal());
}

TEST(Scrypt, VectorsOfRfc7914Section12) {
  EXPECT_EQ(derive("", "", {.n = 16, .block_size = 1}),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
            "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
  EXPECT_EQ(derive("password", "NaCl", {.n = 1024, .block_size = 8, .parallel = 16}),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
  EXPECT_EQ(derive("pleaseletmein", "SodiumChloride", {.n = 16384}),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

TEST(Scrypt, RefusesCostsThatAreWrongOrWouldEatTheMachine) {
  const struct {
    ScryptCost cost;
    const char* reason;
  } rows[] = {
      {{.n = 0}, "no N"},
      {{.n = 1}, "N must be above 1"},
      {{.n = 1000}, "not a power of 2"},
      {{.n = 1024, .block_size = 0}, "no r"},
      {{.n = 1024, .parallel = 0}, "no p"},
      {{.n = 1024, .parallel = 17}, "too slow"},
      {{.n = std::uint64_t{1} << 21U}, "2 GiB"},
      {{.n = std::uint64_t{1} << 63U}, "overflow of the product"},
      {{.n = 1024, .block_size = 0xffffffffU}, "overflow of the product"},
  };
  for (const auto& row : rows) {
    const auto result = scrypt(Secret("passphrase"), "salt", row.cost, 32);
    ASSERT_FALSE(result.has_value()) << row.reason;
    EXPECT_EQ(result.error().code(), Code::kInvalid) << row.reason;
  }
  EXPECT_FALSE(scrypt(Secret("passphrase"), "salt", {.n = 16}, 0).has_value());
  EXPECT_FALSE(scrypt(Secret("passphrase"), "salt", {.n = 16}, 1025).has_value());
}

TEST(Scrypt, TheDefaultCostWorks) {
  const auto key = scrypt(Secret("correct horse"), "battery staple", {}, 32);
  ASSERT_TRUE(key.has_value());
  EXPECT_NE(key->reveal(), scrypt(Secret("correct horsf"), "battery staple", {}, 32)->reveal());
}

}  // namespace
}  // namespace klutch::crypto
