// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/selector.h"
#include "testing/table.h"

namespace klutch::kube {
namespace {

using testing::read_table;
using Operator = LabelSelector::Operator;

const std::string kTables = "src/kube/api/testdata/";

std::string text_in(const std::string& cell) {
  return std::string(json::parse(cell)->as_string());
}

std::vector<json::Value> label_sets() {
  std::vector<json::Value> sets;
  for (const auto& row : read_table(kTables + "label_sets.tsv", 1)) sets.push_back(*json::parse(row[0]));
  return sets;
}

/// One digit per set, as in the tables.
std::string matches_of(const LabelSelector& selector, const std::vector<json::Value>& sets) {
  std::string digits;
  for (const auto& labels : sets) digits += selector.matches_labels(&labels) ? '1' : '0';
  return digits;
}

void compare(const Result<LabelSelector>& selector, const std::vector<std::string>& row,
             const std::vector<json::Value>& sets) {
  if (row[1] == "error") {
    ASSERT_FALSE(selector.has_value()) << row[0] << " gave " << selector->to_string();
    EXPECT_EQ(selector.error().code(), Code::kInvalid) << row[0];
    return;
  }
  ASSERT_TRUE(selector.has_value()) << row[0] << ": " << selector.error().message();
  EXPECT_EQ(selector->to_string(), text_in(row[1])) << row[0];
  EXPECT_EQ(matches_of(*selector, sets), row[2]) << row[0];
  const auto again = LabelSelector::parse(selector->to_string());
  ASSERT_TRUE(again.has_value()) << row[0] << ": " << again.error().message();
  EXPECT_EQ(*again, *selector) << row[0];
}

TEST(LabelSelector, ReadsPrintsAndMatchesAsApimachinery) {
  const auto sets = label_sets();
  for (const auto& row : read_table(kTables + "label_selectors.tsv", 3)) {
    compare(LabelSelector::parse(text_in(row[0])), row, sets);
  }
}

TEST(LabelSelector, ReadsObjectsAsApimachinery) {
  const auto sets = label_sets();
  for (const auto& row : read_table(kTables + "label_selector_objects.tsv", 3)) {
    compare(LabelSelector::from_json(*json::parse(row[0])), row, sets);
  }
}

TEST(LabelSelector, AZeroByteEndsNothing) {
  for (const std::string_view text : {std::string_view("a\0", 2), std::string_view("\0", 1),
                                      std::string_view("a=\0b", 4), std::string_view("a,\0!b", 5)}) {
    const auto selector = LabelSelector::parse(text);
    ASSERT_FALSE(selector.has_value());
    EXPECT_EQ(selector.error().code(), Code::kInvalid);
  }
}

TEST(LabelSelector, RefusesATextThatIsTooLarge) {
  std::string text = "a in (b";
  while (text.size() < LabelSelector::kMaxBytes - 2) text += ",b";
  ASSERT_TRUE(LabelSelector::parse(text + ")").has_value());
  const auto larger = LabelSelector::parse(text + ",b,b)");
  ASSERT_FALSE(larger.has_value());
  EXPECT_EQ(larger.error().code(), Code::kTooLarge);
}

TEST(LabelSelector, SaysWhereAndWhatIsWrong) {
  struct Case {
    std::string_view reason;
    std::string_view text;
    std::string_view offset;
    std::string_view about;
  };
  for (const auto& c : {
           Case{"an operator is missing", "a=b,c d", "offset 6", "\"d\""},
           Case{"a set is not closed", "a in (b", "offset 7", "its end"},
           Case{"a key is missing", "a,,b", "offset 2", "\",\""},
           Case{"a bad key", "a=b, -c", "offset 5", "\"-c\" is no label key"},
           Case{"a bad value", "a=b/c", "offset 0", "\"b/c\" is no label value"},
           Case{"no number", "a>b", "offset 0", "\"b\" is no integer"},
       }) {
    const auto selector = LabelSelector::parse(c.text);
    ASSERT_FALSE(selector.has_value()) << c.reason;
    const auto& message = selector.error().message();
    EXPECT_NE(message.find(c.offset), std::string::npos) << c.reason << ": " << message;
    EXPECT_NE(message.find(c.about), std::string::npos) << c.reason << ": " << message;
  }
}

TEST(LabelSelector, NamesTheFieldOfAnObjectThatIsWrong) {
  struct Case {
    std::string_view json;
    std::string_view about;
  };
  for (const auto& c : {
           Case{R"({"matchLabels":{"ok":"1","no":7}})", "matchLabels[\"no\"]"},
           Case{R"({"matchExpressions":[{"key":"a","operator":"Exists"},{"key":"b","operator":"Is"}]})",
                "matchExpressions[1]: operator \"Is\""},
           Case{R"({"matchExpressions":[{"key":"a","operator":"In"}]})",
                "matchExpressions[0]: operator In needs"},
           Case{R"({"matchExpressions":[{"key":"a","operator":"In","values":[1]}]})",
                "matchExpressions[0]: values"},
       }) {
    const auto selector = LabelSelector::from_json(*json::parse(c.json));
    ASSERT_FALSE(selector.has_value()) << c.json;
    EXPECT_NE(selector.error().message().find(c.about), std::string::npos) << selector.error().message();
  }
}

TEST(LabelSelector, NullAndAnEmptyObjectSelectEverything) {
  for (const auto& selector : {LabelSelector(), *LabelSelector::from_json(nullptr),
                               *LabelSelector::from_json(json::object()), *LabelSelector::parse("")}) {
    EXPECT_TRUE(selector.selects_everything());
    EXPECT_TRUE(selector.matches_labels(nullptr));
    EXPECT_EQ(selector.to_string(), "");
  }
}

TEST(LabelSelector, NothingMatchesNoObjectAndSaysSoInItsText) {
  const auto nothing = LabelSelector::nothing();
  EXPECT_FALSE(nothing.selects_everything());
  EXPECT_FALSE(nothing.matches_labels(nullptr));
  for (const auto& labels : label_sets()) EXPECT_FALSE(nothing.matches_labels(&labels)) << labels;
  const auto key = nothing.requirements().front().key;
  const auto with_key = json::object({{key, "x"}});
  EXPECT_FALSE(nothing.matches_labels(&with_key));
  EXPECT_EQ(*LabelSelector::parse(nothing.to_string()), nothing);
}

TEST(LabelSelector, MatchesTheLabelsOfAnObject) {
  const auto selector = *LabelSelector::parse("a=b");
  EXPECT_TRUE(selector.matches(*json::parse(R"({"metadata":{"labels":{"a":"b"}}})")));
  for (const auto* text : {"null", "{}", R"({"metadata":{}})", R"({"metadata":{"labels":null}})",
                           R"({"metadata":{"labels":{"a":7}}})", R"({"labels":{"a":"b"}})"}) {
    EXPECT_FALSE(selector.matches(*json::parse(text))) << text;
    EXPECT_TRUE(LabelSelector::parse("!a")->matches(*json::parse(text))) << text;
    EXPECT_TRUE(LabelSelector::parse("a!=b")->matches(*json::parse(text))) << text;
  }
}

TEST(LabelSelector, IsMadeFromLabels) {
  const auto labels = *json::parse(R"({"b":"2","a":"1","n":7,"e":""})");
  EXPECT_EQ(LabelSelector::from_labels(labels).to_string(), "a=1,b=2,e=");
  EXPECT_TRUE(LabelSelector::from_labels(nullptr).selects_everything());
  EXPECT_EQ(LabelSelector::exactly("a", "1").to_string(), "a=1");
  EXPECT_EQ(LabelSelector::exactly("a", "1"), *LabelSelector::parse("a==1"));
}

TEST(LabelSelector, ShowsItsRequirementsInOrder) {
  const auto selector = *LabelSelector::parse("b notin (y,x,y),a");
  ASSERT_EQ(selector.requirements().size(), 2U);
  EXPECT_EQ(selector.requirements()[0].key, "a");
  EXPECT_EQ(selector.requirements()[0].op, Operator::kExists);
  EXPECT_EQ(selector.requirements()[1].values, (std::vector<std::string>{"x", "y"}));
}

rc::Gen<std::string> any_key() {
  return rc::gen::element<std::string>("a", "in", "notin", "ex.io/a", "A_b.c-d", "5", "x.y-z.w/In");
}

rc::Gen<std::string> any_value() {
  return rc::gen::element<std::string>("", "a", "in", "notin", "5", "06", "A_b.c-d", "9223372036854775807");
}

rc::Gen<std::string> any_requirement() {
  return rc::gen::map(rc::gen::tuple(any_key(), rc::gen::inRange(0, 8),
                                     rc::gen::container<std::vector<std::string>>(any_value())),
                      [](const auto& parts) {
                        const auto& [key, form, values] = parts;
                        const auto value = values.empty() ? std::string("x") : values.front();
                        switch (form) {
                          case 0: return key;
                          case 1: return "!" + key;
                          case 2: return key + "=" + value;
                          case 3: return key + "!=" + value;
                          case 4:
                            return key + " in (" + join(values, ",") +
                                   (values.size() > 1 && values.back().empty() ? "x)" : ")");
                          case 5: return key + " notin (" + value + ")";
                          case 6: return key + ">5";
                          default: return key + "<06";
                        }
                      });
}

RC_GTEST_PROP(LabelSelectorProperty, ItsTextReadsBackEqual, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(any_requirement());
  const auto selector = LabelSelector::parse(join(parts, ","));
  if (!selector) RC_FAIL(join(parts, ",") + ": " + selector.error().message());
  const auto text = selector->to_string();
  const auto again = LabelSelector::parse(text);
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == *selector);
  RC_ASSERT(again->to_string() == text);

  auto shuffled = parts;
  std::reverse(shuffled.begin(), shuffled.end());
  RC_ASSERT(LabelSelector::parse(join(shuffled, " , "))->to_string() == text);
}

RC_GTEST_PROP(LabelSelectorProperty, AnObjectIsSelectedWhenEveryRequirementIsMet, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(any_requirement());
  auto labels = json::object();
  for (const auto& [key, value] :
       *rc::gen::container<std::map<std::string, std::string>>(any_key(), any_value())) {
    labels.set(key, value);
  }
  const bool each = std::all_of(parts.begin(), parts.end(), [&labels](const std::string& part) {
    return LabelSelector::parse(part)->matches_labels(&labels);
  });
  RC_ASSERT(LabelSelector::parse(join(parts, ","))->matches_labels(&labels) == each);
  RC_ASSERT(LabelSelector::from_labels(labels).matches_labels(&labels));
}

}  // namespace
}  // namespace klutch::kube
