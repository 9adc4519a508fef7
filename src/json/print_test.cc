// SPDX-License-Identifier: Apache-2.0
#include "json/print.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <sstream>

#include "json/build.h"
#include "json/parse.h"
#include "testing/table.h"

namespace klutch::json {
namespace {

using testing::read_table;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

const PrintOptions kPlain{.escape_html = false, .indent = 0};

TEST(Print, PrintsFloatsAsGoDoes) {
  const auto rows = read_table("src/json/testdata/go_floats.tsv", 2);
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    const auto number = std::bit_cast<double>(std::uint64_t{std::stoull(row[0], nullptr, 16)});
    EXPECT_EQ(print(number), row[1]) << row[0];
  }
}

TEST(Print, PrintsStringsAsGoDoes) {
  const auto rows = read_table("src/json/testdata/go_strings.tsv", 3);
  ASSERT_GE(rows.size(), 256U);
  for (const auto& row : rows) {
    const std::string bytes = from_hex(row[0]);
    EXPECT_EQ(print(bytes), row[1]) << row[0];
    EXPECT_EQ(print(bytes, kPlain), row[2]) << row[0];
    std::string appended = "x";
    print_string_to(appended, bytes);
    EXPECT_EQ(appended, "x" + row[1]) << row[0];
  }
}

TEST(Print, PrintsDocumentsAsGoDoesCompactAndIndented) {
  const auto rows = read_table("src/json/testdata/go_documents.tsv", 4);
  ASSERT_GE(rows.size(), 10U);
  for (const auto& row : rows) {
    const auto value = parse(row[0]);
    ASSERT_TRUE(value) << row[0];
    EXPECT_EQ(canonical(*value), row[1]);
    const auto sorted = parse(row[1]);
    ASSERT_TRUE(sorted) << row[1];
    EXPECT_EQ(print(*sorted), row[1]);
    EXPECT_EQ(print_pretty(*sorted, 2), from_hex(row[2]));
    EXPECT_EQ(print_pretty(*sorted), from_hex(row[3]));
  }
}

TEST(Print, PrintsIntegersExactly) {
  EXPECT_EQ(print(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(print(INT64_MAX), "9223372036854775807");
  EXPECT_EQ(print(UINT64_MAX), "18446744073709551615");
}

TEST(Print, KeepsTheOrderOfMembers) {
  EXPECT_EQ(print(json::object({{"b", 1}, {"a", nullptr}})), R"({"b":1,"a":null})");
}

TEST(Print, AppendsToWhatIsThere) {
  std::string out = "data: ";
  print_to(out, json::array({true}));
  EXPECT_EQ(out, "data: [true]");
}

TEST(Print, PrintsTextsLargerThanItsBuffer) {
  Value list = Value::empty_array();
  std::string expected = "[";
  for (int length = 0; length < 3000; length += 7) {
    const std::string text(static_cast<std::size_t>(length), 'x');
    list.push_back(text);
    expected += (length == 0 ? "\"" : ",\"") + text + "\"";
  }
  EXPECT_EQ(print(list), expected + "]");
}

TEST(Print, StreamsForTestFailures) {
  std::ostringstream out;
  out << json::object({{"a", 1}});
  EXPECT_EQ(out.str(), R"({"a":1})");
}

TEST(Print, HundredsOfThousandsOfLevelsDoNotOverflowTheStack) {
  Value deep = 1;
  for (int i = 0; i < 200'000; ++i) {
    Value outer;
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_EQ(print(deep).size(), 400'001U);
}

TEST(Canonical, IsTheSameForEqualNumbersOfDifferentKinds) {
  struct Case {
    Value value;
    const char* text;
    const char* reason;
  };
  const Case cases[] = {
      {1.0, "1", "whole"},
      {-0.0, "0", "zero has no sign"},
      {1152921504606846976.0, "1152921504606846976", "2^60, which Go rounds to ...7000"},
      {-9223372036854775808.0, "-9223372036854775808", "the smallest int64"},
      {9223372036854775808.0, "9223372036854775808", "above int64"},
      {18446744073709551616.0, "18446744073709552000", "above uint64, as Go prints it"},
      {0.5, "0.5", "not whole"},
      {1e21, "1e+21", "beyond positional notation"},
  };
  for (const Case& c : cases) EXPECT_EQ(canonical(c.value), c.text) << c.reason;
}

TEST(Canonical, SortsMembersOfEveryLevelBytewise) {
  const Value value = json::object({{"b", json::object({{"\xc3\xa9", 1}, {"z", 2}})}, {"a", 1}, {"B", 0}});
  EXPECT_EQ(canonical(value), "{\"B\":0,\"a\":1,\"b\":{\"z\":2,\"\xc3\xa9\":1}}");
}

TEST(Hash, IsFnv1aOverTheCanonicalBytes) {
  // The test vectors of FNV-1a 64 are for plain bytes; `7` is canonical text of one byte.
  EXPECT_EQ(hash(7), (0xcbf29ce484222325U ^ '7') * 0x00000100000001b3U);
  EXPECT_EQ(hash(Value()), 0x5b9bc4ba528108e4U);
}

TEST(Hash, IgnoresMemberOrderAndNumberKindButNotContent) {
  const Value a = json::object({{"a", 1}, {"b", json::array({1, 2})}});
  const Value b = json::object({{"b", json::array({1.0, 2})}, {"a", 1}});
  EXPECT_EQ(hash(a), hash(b));
  EXPECT_NE(hash(a), hash(json::object({{"a", 1}, {"b", json::array({2, 1})}})));
}

}  // namespace
}  // namespace klutch::json
