// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <gtest/gtest.h>

#include <random>

#include "testing/table.h"

namespace klutch {
namespace {

using namespace std::chrono_literals;
using testing::read_table;

TEST(Duration, ParsesWhatGoParsesAndRefusesWhatGoRefuses) {
  for (const auto& row : read_table("src/base/testdata/go_parse_duration.tsv", 3)) {
    const auto parsed = parse_duration(row[0]);
    if (row[1] == "error") {
      ASSERT_FALSE(parsed.has_value()) << row[0];
      EXPECT_TRUE(is(parsed.error(), Code::kInvalid)) << row[0];
      continue;
    }
    ASSERT_TRUE(parsed.has_value()) << row[0] << ": " << parsed.error().message();
    EXPECT_EQ(std::to_string(parsed->count()), row[1]) << row[0];
    EXPECT_EQ(format_duration(*parsed), row[2]) << row[0];
  }
}

TEST(Duration, PrintsAsGoPrints) {
  for (const auto& row : read_table("src/base/testdata/go_format_duration.tsv", 2)) {
    EXPECT_EQ(format_duration(Duration(std::stoll(row[0]))), row[1]) << row[0];
  }
}

TEST(Duration, AgesReadAsKubectlPrintsThem) {
  for (const auto& row : read_table("src/base/testdata/human_duration.tsv", 2)) {
    EXPECT_EQ(format_age(Duration(std::stoll(row[0]))), row[1]) << row[0];
  }
}

TEST(Duration, WholeMicrosecondsSurviveARoundTrip) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    // Below 2^53 units of the smallest printed digit, where Go's double arithmetic is exact.
    const Duration duration(static_cast<std::int64_t>(random() >> (11 + random() % 50)) *
                            (random() % 2 == 0 ? 1 : -1));
    const auto text = format_duration(duration);
    const auto back = parse_duration(text);
    ASSERT_TRUE(back.has_value()) << text;
    ASSERT_EQ(*back, duration) << text;
  }
}

TEST(Duration, ErrorsNameTheTextAndTheCause) {
  const auto error = parse_duration("10 minutes").error();
  EXPECT_NE(error.message().find("10 minutes"), std::string::npos);
  EXPECT_NE(error.message().find("unknown unit"), std::string::npos);
  EXPECT_NE(parse_duration("7").error().message().find("unit is missing"), std::string::npos);
  EXPECT_NE(parse_duration("3000000h").error().message().find("292 years"), std::string::npos);
  EXPECT_LT(parse_duration(std::string(1 << 20, '9')).error().message().size(), 200U);
}

TEST(Duration, SumOfTwoLargestMagnitudesIsRefusedInsteadOfWrapping) {
  EXPECT_FALSE(parse_duration("-9223372036854775808ns9223372036854775808ns").has_value());
}

}  // namespace
}  // namespace klutch
