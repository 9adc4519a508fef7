// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klutch::http {
namespace {

TEST(Query, PrintsBothSpellingsOfASpace) {
  const Query query{{"q", "a b+c"}, {"empty", ""}, {"n&me", "ü/?=~-._"}};
  EXPECT_EQ(query.to_string(), "q=a%20b%2Bc&empty=&n%26me=%C3%BC%2F%3F%3D~-._");
  EXPECT_EQ(query.to_form(), "q=a+b%2Bc&empty=&n%26me=%C3%BC%2F%3F%3D~-._");
  EXPECT_EQ(Query().to_string(), "");
}

TEST(Query, PlusIsASpaceInFormsAndItselfInRfc3986) {
  EXPECT_EQ(Query::parse_form("a=1+2%2B3")->get("a"), "1 2+3");
  EXPECT_EQ(Query::parse_rfc3986("a=1+2%2B3")->get("a"), "1+2+3");
}

TEST(Query, ParsesWhatServersParse) {
  struct Case {
    std::string_view text;
    Query expected;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"", {}, "nothing"},
      {"a", {{"a", ""}}, "no equals sign"},
      {"a=", {{"a", ""}}, "empty value"},
      {"=b", {{"", "b"}}, "empty name"},
      {"&&a=1&&b=2&", {{"a", "1"}, {"b", "2"}}, "empty pieces are skipped"},
      {"a=1&a=2", {{"a", "1"}, {"a", "2"}}, "repeated name, in order"},
      {"a=b=c", {{"a", "b=c"}}, "only the first equals sign counts"},
      {"a=1;b=2", {{"a", "1;b=2"}}, "a semicolon is data"},
      {"%61=%62%00", {{"a", std::string_view("b\0", 2)}}, "names are decoded too, any byte is allowed"},
  };
  for (const auto& test : cases) {
    const auto parsed = Query::parse_form(test.text);
    ASSERT_TRUE(parsed) << test.reason;
    EXPECT_EQ(*parsed, test.expected) << test.reason;
  }
}

TEST(Query, RefusesBadEncodingAndTooMany) {
  EXPECT_EQ(Query::parse_form("a=%").error().code(), Code::kInvalid);
  EXPECT_EQ(Query::parse_form("a%zz=1").error().code(), Code::kInvalid);
  const auto error = Query::parse_form("x=1&secret_name=%4").error();
  EXPECT_NE(error.message().find("secret_name"), std::string::npos) << "names the parameter";

  std::string many;
  for (std::size_t i = 0; i < Query::kMaxParameters; ++i) many += "a&";
  EXPECT_EQ(Query::parse_form(many)->size(), Query::kMaxParameters);
  EXPECT_EQ(Query::parse_form(many + "a").error().code(), Code::kTooLarge);
}

TEST(Query, GetsAllAndSets) {
  auto query = *Query::parse_form("a=1&b=2&a=3");
  EXPECT_EQ(query.all("a"), (std::vector<std::string_view>{"1", "3"}));
  EXPECT_FALSE(query.get("A")) << "names are case-sensitive";
  query.set("a", "9");
  EXPECT_EQ(query.to_string(), "b=2&a=9");
}

RC_GTEST_PROP(Query, ParsingWhatWasPrintedGivesItBack,
              (const std::vector<std::pair<std::string, std::string>>& pairs)) {
  Query query;
  for (const auto& [name, value] : pairs) query.add(name, value);
  RC_ASSERT(Query::parse_form(query.to_form()).value() == query);
  RC_ASSERT(Query::parse_form(query.to_string()).value() == query);
  RC_ASSERT(Query::parse_rfc3986(query.to_string()).value() == query);
}

}  // namespace
}  // namespace klutch::http
