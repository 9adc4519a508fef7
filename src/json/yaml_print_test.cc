// SPDX-License-Identifier: Apache-2.0
#include <rapidcheck/gtest.h>

#include <string>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "json/yaml.h"
#include "testing/arbitrary_json.h"
#include "testing/table.h"

namespace klutch::json {
namespace {

TEST(YamlPrint, WritesByteForByteWhatKubernetesToolsWrite) {
  for (const auto& row : testing::read_table("src/json/testdata/yaml_print.tsv", 3)) {
    const Value value = parse(row[1]).value();
    const std::string expected(parse(row[2]).value().as_string());
    EXPECT_EQ(print_yaml(value), expected) << row[0] << ": " << row[1];
  }
}

TEST(YamlPrint, QuotesTheMergeKeySoThatItReadsBack) {
  const Value value = object({{"<<", object({{"a", 1}})}, {"b", "<<"}});
  EXPECT_EQ(print_yaml(value), "\"<<\":\n  a: 1\nb: <<\n");
  EXPECT_EQ(parse_yaml(print_yaml(value)).value(), value);
}

TEST(YamlPrint, KeepsTheOrderOfMembersIfAsked) {
  const Value value = object({{"b", object({{"z", 1}, {"x", 2}})}, {"a", 3}});
  EXPECT_EQ(print_yaml(value, {.sort_keys = false}), "b:\n  z: 1\n  x: 2\na: 3\n");
  EXPECT_EQ(print_yaml(value), "a: 3\nb:\n  x: 2\n  z: 1\n");
}

TEST(YamlPrint, DoesNotDependOnTheOrderOfMembersEvenWhereTheOrderOfKeysIsCircular) {
  const Value one = object({{"1a", 1}, {"2", 2}, {"10", 3}, {"010", 4}});
  const Value other = object({{"010", 4}, {"10", 3}, {"2", 2}, {"1a", 1}});
  EXPECT_EQ(print_yaml(one), print_yaml(other));
}

TEST(YamlPrint, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(print_yaml(Value("a\xff\xc3")), "a\xef\xbf\xbd\xef\xbf\xbd\n");
  EXPECT_EQ(print_yaml(object({{"\xfe", 1}})), "\xef\xbf\xbd: 1\n");
}

TEST(YamlPrint, DoesNotRecurse) {
  Value value;
  for (int i = 0; i < 20'000; ++i) {
    Value outer = Value::empty_array();
    outer.push_back(std::move(value));
    value = std::move(outer);
  }
  EXPECT_EQ(print_yaml(value).size(), 20'000U * 2 + std::string_view("null\n").size());
}

RC_GTEST_PROP(YamlProperty, PrintedTextReadsBackEqual, (const Value& value)) {
  const std::string text = print_yaml(value);
  const auto again = parse_yaml(text);
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == value);
  RC_ASSERT(print_yaml(*again) == text);
  RC_ASSERT(*parse_yaml(print_yaml(value, {.sort_keys = false})) == value);
}

RC_GTEST_PROP(YamlProperty, TextOfAwkwardCharactersReadsBackEqual, ()) {
  static const std::vector<std::string> kPieces = {"a",
                                                   "1",
                                                   " ",
                                                   "\n",
                                                   "\n\n",
                                                   ":",
                                                   "#",
                                                   "-",
                                                   "'",
                                                   "\"",
                                                   "\\",
                                                   "\t",
                                                   "\r",
                                                   "?",
                                                   "[",
                                                   "{",
                                                   ",",
                                                   "&",
                                                   "*",
                                                   "!",
                                                   "|",
                                                   ">",
                                                   "%",
                                                   "@",
                                                   "`",
                                                   "~",
                                                   "=",
                                                   "<<",
                                                   "...",
                                                   "---",
                                                   "\xc2\x85",
                                                   "\xe2\x80\xa8",
                                                   "\xef\xbb\xbf",
                                                   "\xf0\x9f\x98\x80",
                                                   "\x7f",
                                                   "yes",
                                                   "0x",
                                                   "_",
                                                   ".",
                                                   "e"};
  std::string text;
  for (const auto& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(kPieces)))
    text += piece;
  const Value value =
      object({{text, text}, {"list", array({text, array({text})})}, {"deep", object({{text, 1}})}});
  const auto again = parse_yaml(print_yaml(value));
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == value);
}

RC_GTEST_PROP(YamlProperty, JsonReadAsYamlIsTheSameValue, (const Value& value)) {
  const std::string text = print(value);
  RC_ASSERT(*parse_yaml(text) == value);
  const auto documents =
      parse_yaml_documents(print_yaml(value) + "---\n" + text + "\n---\n" + print_yaml(value));
  RC_ASSERT(documents.has_value() || text.find("\\u") != std::string::npos ||
            text.find('\x7f') != std::string::npos);
}

}  // namespace
}  // namespace klutch::json
