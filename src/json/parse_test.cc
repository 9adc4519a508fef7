// SPDX-License-Identifier: Apache-2.0
#include "json/parse.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cmath>
#include <string>
#include <vector>

#include "json/build.h"
#include "json/number.h"
#include "json/print.h"
#include "testing/table.h"

namespace klutch::json {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(Parse, ReadsEveryKind) {
  EXPECT_EQ(*parse("null"), Value());
  EXPECT_EQ(*parse(" true "), Value(true));
  EXPECT_EQ(*parse("\t[1,-2,0.5,\"x\"]\r\n"), json::array({1, -2, 0.5, "x"}));
  EXPECT_EQ(*parse(R"({"b":{},"a":[]})"), json::object({{"b", json::object()}, {"a", json::array()}}));
}

TEST(Parse, KeepsTheOrderOfMembers) {
  EXPECT_EQ(print(*parse(R"({"z":1,"a":2,"m":{"y":1,"b":2}})")), R"({"z":1,"a":2,"m":{"y":1,"b":2}})");
}

TEST(Parse, ReadsNumbersAsGoDoes) {
  const auto rows = testing::read_table("src/json/testdata/go_numbers.tsv", 2);
  ASSERT_GE(rows.size(), 150U);
  for (const auto& row : rows) {
    const auto value = parse(row[0]);
    if (row[1] == "error") {
      ASSERT_FALSE(value) << row[0];
      EXPECT_EQ(value.error().code(), Code::kBadRequest);
    } else {
      ASSERT_TRUE(value) << row[0] << ": " << value.error().message();
      EXPECT_EQ(print(*value), row[1]) << row[0];
    }
  }
}

TEST(Parse, ChoosesTheKindOfANumberByItsTextAndSize) {
  struct Case {
    const char* text;
    Kind kind;
    const char* reason;
  };
  const Case cases[] = {
      {"0", Kind::kInt, "whole"},
      {"-0", Kind::kInt, "Go reads the integer 0"},
      {"9223372036854775807", Kind::kInt, "the largest int64"},
      {"9223372036854775808", Kind::kUint, "above int64"},
      {"18446744073709551615", Kind::kUint, "the largest uint64"},
      {"18446744073709551616", Kind::kDouble, "above uint64"},
      {"-9223372036854775808", Kind::kInt, "the smallest int64"},
      {"-9223372036854775809", Kind::kDouble, "below int64"},
      {"1e3", Kind::kDouble, "an exponent"},
      {"1.0", Kind::kDouble, "a point"},
  };
  for (const Case& c : cases) EXPECT_EQ(parse(c.text)->kind(), c.kind) << c.text << ": " << c.reason;
  EXPECT_EQ(parse("18446744073709551615")->as_uint(), UINT64_MAX);
}

TEST(Parse, ReadsEscapesAndSurrogatesAsGoDoes) {
  struct Case {
    const char* text;
    const char* value;
    const char* reason;
  };
  const Case cases[] = {
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t", "all short escapes"},
      {R"("\u00e9\u20AC")", "\xc3\xa9\xe2\x82\xac", "two and three bytes"},
      {R"("\ud83d\ude00")", "\xf0\x9f\x98\x80", "a pair"},
      {R"("\ud800")", "\xef\xbf\xbd", "a leading half alone"},
      {R"("\udc00")", "\xef\xbf\xbd", "a trailing half alone"},
      {R"("\ud800\ud800\udc00")", "\xef\xbf\xbd\xf0\x90\x80\x80", "a half before a pair"},
      {R"("\uDC00\uD800")", "\xef\xbf\xbd\xef\xbf\xbd", "halves in the wrong order"},
      {R"("\ud800\u0041")",
       "\xef\xbf\xbd"
       "A",
       "a half before another escape"},
      {R"("\\ud800")", "\\ud800", "an escaped backslash before the letters"},
      {R"("\\\ud800x")", "\\\xef\xbf\xbdx", "both"},
  };
  for (const Case& c : cases) {
    const auto value = parse(c.text);
    ASSERT_TRUE(value) << c.text << ": " << value.error().message();
    EXPECT_EQ(value->as_string(), c.value) << c.reason;
  }
  EXPECT_EQ(parse(R"("a\u0000b")")->as_string(), std::string_view("a\0b", 3));
}

TEST(Parse, RefusesWhatIsNotJsonAndSaysWhere) {
  struct Case {
    std::string text;
    const char* where;
    const char* reason;
  };
  const Case cases[] = {
      {"", "line 1, column 1", "empty"},
      {"  \n ", "line 2, column 2", "only white space"},
      {"nul", "line 1, column 4", "a cut word"},
      {"nulL", "line 1, column 1", "a wrong word"},
      {"[1,]", "line 1, column 4", "a trailing comma"},
      {"{\"a\":1,}", "line 1, column 8", "a trailing comma"},
      {"{\n  \"a\" 1\n}", "line 2, column 7", "no colon"},
      {"{a:1}", "line 1, column 2", "a bare key"},
      {"[1 2]", "line 1, column 4", "no comma"},
      {"1 2", "line 1, column 3", "two values"},
      {"{}x", "line 1, column 3", "garbage after the value"},
      {"01", "line 1, column 2", "a leading zero"},
      {"+1", "line 1, column 1", "a plus sign"},
      {"1.", "line 1, column 3", "no digits after the point"},
      {".5", "line 1, column 1", "no digits before the point"},
      {"1e", "line 1, column 3", "no exponent"},
      {"NaN", "line 1, column 1", "not a number"},
      {"\"a\nb\"", "line 1, column 3", "a bare control character"},
      {"\"\\x\"", "line 1, column 3", "an unknown escape"},
      {"\"\\u12g4\"", "line 1, column 6", "not hexadecimal"},
      {"\"abc", "line 1, column 5", "an open string"},
      {"[[1]", "line 1, column 5", "an open array"},
      {"\xef\xbb\xbf{}", "line 1, column 1", "a byte order mark"},
      {"/* c */ 1", "line 1, column 1", "a comment"},
      {"'a'", "line 1, column 1", "single quotes"},
      {std::string("1\0", 2), "line 1, column 2", "a zero byte after the value"},
      {"\"\xff\"", "line 1, column 2", "not UTF-8"},
      {"\"\xc0\x80\"", "line 1, column 2", "overlong UTF-8"},
      {"\"\xed\xa0\x80\"", "line 1, column", "a surrogate in UTF-8"},
      {"\"\xf4\x90\x80\x80\"", "line 1, column", "above U+10FFFF"},
      {"\"\xe2\x82\"", "line 1, column", "cut UTF-8"},
  };
  for (const Case& c : cases) {
    const auto value = parse(c.text);
    ASSERT_FALSE(value) << c.reason;
    EXPECT_EQ(value.error().code(), Code::kBadRequest) << c.reason;
    EXPECT_NE(value.error().message().find(c.where), std::string::npos)
        << c.reason << ": " << value.error().message();
  }
}

TEST(Parse, RefusesTextsOverTheLimits) {
  const ParseOptions limits{.max_depth = 3, .max_bytes = 20};
  EXPECT_TRUE(parse("[[[1]]]", limits));
  EXPECT_TRUE(parse("[[[]],[[]],[[]]]", limits));
  for (const std::string& text :
       {std::string("[[[[1]]]]"), std::string("[[{\"a\":{}}]]"), std::string(21, ' ')}) {
    const auto value = parse(text, limits);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code(), Code::kTooLarge);
  }
}

TEST(Parse, StopsAtTheDefaultDepthWhateverComesAfter) {
  const std::size_t depth = ParseOptions{}.max_depth;
  EXPECT_TRUE(parse(repeat("[", depth) + repeat("]", depth)));
  const auto value = parse(repeat("[", 10'000'000));
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code(), Code::kTooLarge);
}

TEST(Parse, TheDefaultDepthFitsTheStackOfAFiber) {
#if defined(KLUTCH_ASAN) || defined(KLUTCH_TSAN)
  constexpr std::size_t kStack = std::size_t{192} << 10;
#else
  constexpr std::size_t kStack = std::size_t{64} << 10;
#endif
  const auto parse_deepest = [](void*) -> void* {
    const std::size_t depth = ParseOptions{}.max_depth;
    EXPECT_TRUE(parse(repeat("{\"a\":", depth) + "1" + repeat("}", depth)));
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, parse_deepest, nullptr), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(Parse, KeepsTheLastOfDuplicateMembersInTheFirstPlace) {
  EXPECT_EQ(print(*parse(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
}

TEST(ParseDocument, ReportsTheFullPathOfEachDuplicateOnce) {
  const auto document =
      parse_document(R"({"spec":{"list":[0,{"x":1},{"a/b":1,"a/b":2,"a/b":3}],"y":{},"y":1},"":1,"":2})");
  ASSERT_TRUE(document);
  const std::vector<std::string> expected = {"/spec/list/2/a~1b", "/spec/y", "/"};
  EXPECT_EQ(document->duplicate_keys, expected);
}

TEST(ParseDocument, SeesDuplicatesInLargeObjectsAndThroughEscapes) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  const auto document = parse_document(text + R"("\u006b999":1})");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->duplicate_keys, std::vector<std::string>{"/k999"});
  EXPECT_EQ(document->value.size(), 1000U);
  EXPECT_EQ(document->value.find_int("k999"), 1);
}

TEST(ParseDocument, BoundsTheNumberOfReports) {
  std::string text = "[0";
  for (int i = 0; i < 1000; ++i) text += ",{\"a\":1,\"a\":2}";
  const auto document = parse_document(text + "]");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->duplicate_keys.size(), Document::kMaxDuplicates);
}

TEST(Parse, RejectsDuplicatesOnDemandAndNamesThePath) {
  const ParseOptions strict{.duplicate_keys = DuplicateKeys::kReject};
  EXPECT_TRUE(parse(R"({"a":{"b":1},"b":{"b":1}})", strict));
  const auto value = parse(R"({"spec":{"replicas":1,"replicas":2}})", strict);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code(), Code::kBadRequest);
  EXPECT_NE(value.error().message().find("/spec/replicas"), std::string::npos);
}

TEST(Parse, ReadsStringsAndNumbersThatComeInPieces) {
  const std::string text = repeat("\\n0123456789", 5000);
  EXPECT_EQ(parse("\"" + text + "\"")->as_string(), repeat("\n0123456789", 5000));
  EXPECT_EQ(parse("{\"" + text + "\":1}")->members()[0].key(), repeat("\n0123456789", 5000));
  const std::string digits = "0." + repeat("3", 5000);
  EXPECT_EQ(parse("[" + digits + "," + digits + "]")->at(1).as_double(), 1.0 / 3);
}

TEST(ReadNumber, TellsTooSmallFromTooLarge) {
  EXPECT_EQ(read_number("1e-99999999999999999999"), Value(0.0));
  EXPECT_EQ(read_number("1e99999999999999999999"), std::nullopt);
  EXPECT_EQ(read_number("0." + repeat("0", 400) + "1"), Value(0.0));
  EXPECT_EQ(read_number("1" + repeat("0", 400)), std::nullopt);
  EXPECT_EQ(read_number("1" + repeat("0", 400) + "e-400"), Value(1.0));
  EXPECT_EQ(read_number("0." + repeat("0", 400) + "1e401"), Value(1.0));
  EXPECT_EQ(read_number("0." + repeat("0", 400) + "1e10"), Value(0.0));
  EXPECT_TRUE(std::signbit(read_number("-1e-400")->as_double()));
}

}  // namespace
}  // namespace klutch::json
