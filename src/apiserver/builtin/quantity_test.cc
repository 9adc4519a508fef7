// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/quantity.h"

#include <gtest/gtest.h>

#include "testing/table.h"

namespace klutch::apiserver {
namespace {

TEST(Quantity, EqualsThatOfKubernetesOnRecordedTexts) {
  // text, canonical form or error, value rounded up, sign of the comparison with 1024
  for (const auto& row : testing::read_table("src/apiserver/builtin/testdata/quantity.tsv", 4)) {
    SCOPED_TRACE(row[0]);
    const auto quantity = Quantity::parse(row[0]);
    if (row[2].empty()) {
      ASSERT_FALSE(quantity);
      EXPECT_EQ(quantity.error().message(), row[1]);
      continue;
    }
    ASSERT_TRUE(quantity) << quantity.error().message();
    EXPECT_EQ(quantity->to_string(), row[1]);
    EXPECT_EQ(std::to_string(quantity->rounded_up()), row[2]);
    EXPECT_EQ(std::to_string(quantity->compare(Quantity(1024))), row[3]);
  }
}

TEST(Quantity, RefusesNumbersThatAreTooLong) {
  EXPECT_FALSE(Quantity::parse("9999999999999999999999999999999999999999"));
  EXPECT_FALSE(Quantity::parse("99999999999999999999999999999Ei"));
}

}  // namespace
}  // namespace klutch::apiserver
