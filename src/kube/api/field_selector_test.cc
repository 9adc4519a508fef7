// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/strings.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/selector.h"
#include "testing/table.h"

namespace klutch::kube {
namespace {

std::string string_in(const std::string& cell) {
  return std::string(json::parse(cell)->as_string());
}

TEST(FieldSelector, ReadsPrintsAndMatchesAsApimachinery) {
  const auto value_of = [](std::string_view field) -> std::string {
    if (field == "a") return "b";
    if (field == "metadata.name") return "x";
    return field == "s" ? "p,q=r\\" : "";
  };
  for (const auto& row : testing::read_table("src/kube/api/testdata/field_selectors.tsv", 3)) {
    const auto selector = FieldSelector::parse(string_in(row[0]));
    if (row[1] == "error") {
      ASSERT_FALSE(selector.has_value()) << row[0] << " gave " << selector->to_string();
      EXPECT_EQ(selector.error().code(), Code::kInvalid) << row[0];
      continue;
    }
    ASSERT_TRUE(selector.has_value()) << row[0] << ": " << selector.error().message();
    EXPECT_EQ(selector->to_string(), string_in(row[1])) << row[0];
    EXPECT_EQ(selector->matches(value_of), row[2] == "1") << row[0];
    EXPECT_EQ(*FieldSelector::parse(selector->to_string()), *selector) << row[0];
  }
}

TEST(FieldSelector, MatchesPathsIntoAnObject) {
  const auto object = *json::parse(
      R"({"metadata":{"name":"a","labels":{"x":"y"}},"status":{"phase":"Running","ready":true},"spec":{"n":3}})");
  struct Case {
    std::string_view text;
    bool matches;
  };
  for (const auto& c : {
           Case{"metadata.name=a", true},
           Case{"metadata.name!=a", false},
           Case{"metadata.name=b", false},
           Case{"status.phase=Running,metadata.name=a", true},
           Case{"status.phase=Running,metadata.name=b", false},
           Case{"status.ready=true", true},
           Case{"spec.n=3", true},
           Case{"spec.n=3.0", false},
           Case{"spec.missing=", true},
           Case{"spec.missing!=", false},
           Case{"spec.missing=x", false},
           Case{"metadata.labels=", true},
           Case{"metadata.labels.x=y", true},
           Case{"metadata.name.first=", true},
           Case{"", true},
       }) {
    EXPECT_EQ(FieldSelector::parse(c.text)->matches(object), c.matches) << c.text;
  }
  EXPECT_TRUE(FieldSelector::parse("a=")->matches(json::Value()));
}

TEST(FieldSelector, TellsTheValueThatAFieldMustHave) {
  const auto selector = *FieldSelector::parse("metadata.name=a,status.phase!=Failed");
  EXPECT_EQ(selector.required_value("metadata.name"), "a");
  EXPECT_FALSE(selector.required_value("status.phase").has_value());
  EXPECT_FALSE(selector.required_value("spec").has_value());
}

TEST(FieldSelector, IsMadeOfOneField) {
  const auto selector = FieldSelector::exactly("metadata.name", "a,b=c\\");
  EXPECT_EQ(selector.to_string(), R"(metadata.name=a\,b\=c\\)");
  EXPECT_EQ(*FieldSelector::parse(selector.to_string()), selector);
  EXPECT_FALSE(selector.selects_everything());
  EXPECT_TRUE(FieldSelector().selects_everything());
}

TEST(FieldSelector, SaysWhereAndWhatIsWrong) {
  const auto selector = FieldSelector::parse("a=b,metadata.name");
  ASSERT_FALSE(selector.has_value());
  EXPECT_NE(selector.error().message().find("offset 4"), std::string::npos) << selector.error().message();
  const auto larger = FieldSelector::parse("a=" + std::string(FieldSelector::kMaxBytes, 'b'));
  ASSERT_FALSE(larger.has_value());
  EXPECT_EQ(larger.error().code(), Code::kTooLarge);
}

RC_GTEST_PROP(FieldSelectorProperty, ItsTextReadsBackEqual, ()) {
  const auto value = rc::gen::container<std::string>(rc::gen::element('a', 'b', ',', '=', '\\', '!', ' '));
  const auto field = rc::gen::element<std::string>("a", "metadata.name", "status.phase");
  std::vector<std::string> texts;
  const auto count = *rc::gen::inRange(0, 5);
  for (int i = 0; i < count; ++i) texts.push_back(FieldSelector::exactly(*field, *value).to_string());
  for (auto& text : texts) {
    if (*rc::gen::arbitrary<bool>()) text.insert(text.find('='), "!");
  }
  const auto selector = FieldSelector::parse(join(texts, ","));
  RC_ASSERT(selector.has_value());
  const auto again = FieldSelector::parse(selector->to_string());
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == *selector);
  RC_ASSERT(again->to_string() == selector->to_string());
}

}  // namespace
}  // namespace klutch::kube
