// SPDX-License-Identifier: Apache-2.0
#include "kube/api/conditions.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/time.h"
#include "json/build.h"
#include "json/parse.h"

namespace klutch::kube {
namespace {

using json::array;
using json::object;

constexpr std::string_view kFirst = "2026-01-01T00:00:00Z";
constexpr std::string_view kLater = "2026-01-01T00:01:00Z";

class ConditionsTest : public ::testing::Test {
 protected:
  Conditions conditions() { return {object_, clock_}; }
  void a_minute_passes() { clock_.advance(std::chrono::minutes(1)); }
  std::string time_of(std::string_view type) { return conditions().find(type)->last_transition_time; }
  std::vector<std::string> types() {
    std::vector<std::string> found;
    for (const auto& condition : conditions().all()) found.push_back(condition.type);
    return found;
  }

  ManualClock clock_{*parse_rfc3339("2026-01-01T00:00:00.9Z")};
  json::Value object_ = json::Value::empty_object();
};

TEST_F(ConditionsTest, WritesWhatTheApiConventionsName) {
  EXPECT_TRUE(conditions().set_false(
      "SecretValid", "SecretNotFound",
      {.message = "Secret a/b does not exist", .severity = Severity::kWarning, .observed_generation = 3}));
  EXPECT_EQ(object_, object({{"status", object({{"conditions", array({object({
                                                                   {"type", "SecretValid"},
                                                                   {"status", "False"},
                                                                   {"severity", "Warning"},
                                                                   {"lastTransitionTime", kFirst},
                                                                   {"reason", "SecretNotFound"},
                                                                   {"message", "Secret a/b does not exist"},
                                                                   {"observedGeneration", 3},
                                                               })})}})}}));
}

TEST_F(ConditionsTest, LeavesAloneWhatAlreadySaysSo) {
  conditions().set_false("A", "Broken", {.message = "m", .severity = Severity::kError});
  const auto before = object_;
  a_minute_passes();
  EXPECT_FALSE(conditions().set_false("A", "Broken", {.message = "m", .severity = Severity::kError}));
  EXPECT_EQ(object_, before);
}

TEST_F(ConditionsTest, MovesTheTimeWhenStatusReasonSeverityOrMessageChanges) {
  struct Case {
    std::string_view reason;
    Condition now;
  };
  const Condition first{.type = "A",
                        .status = ConditionStatus::kFalse,
                        .severity = Severity::kError,
                        .reason = "R",
                        .message = "m"};
  const auto with = [&first](auto change) {
    Condition changed = first;
    change(changed);
    return changed;
  };
  for (const auto& c : {
           Case{"status", with([](Condition& it) { it.status = ConditionStatus::kUnknown; })},
           Case{"severity", with([](Condition& it) { it.severity = Severity::kInfo; })},
           Case{"no severity", with([](Condition& it) { it.severity = Severity::kNone; })},
           Case{"reason", with([](Condition& it) { it.reason = "S"; })},
           Case{"no reason", with([](Condition& it) { it.reason.clear(); })},
           Case{"message", with([](Condition& it) { it.message = "n"; })},
           Case{"no message", with([](Condition& it) { it.message.clear(); })},
       }) {
    object_ = json::Value::empty_object();
    clock_.set(*parse_rfc3339(kFirst));
    ASSERT_TRUE(conditions().set(first)) << c.reason;
    a_minute_passes();
    EXPECT_TRUE(conditions().set(c.now)) << c.reason;
    EXPECT_EQ(time_of("A"), kLater) << c.reason;
    a_minute_passes();
    EXPECT_FALSE(conditions().set(c.now)) << c.reason;
    EXPECT_EQ(time_of("A"), kLater) << c.reason;
  }
}

TEST_F(ConditionsTest, ANewerGenerationIsAChangeButNoTransition) {
  conditions().set_true("A", "Fine", {.observed_generation = 1});
  a_minute_passes();
  EXPECT_TRUE(conditions().set_true("A", "Fine", {.observed_generation = 2}));
  EXPECT_EQ(time_of("A"), kFirst);
  EXPECT_EQ(conditions().find("A")->observed_generation, 2);
  EXPECT_FALSE(conditions().set_true("A", "Fine")) << "who has no generation does not take it away";
}

TEST_F(ConditionsTest, ReadyComesFirstAndTheOthersByType) {
  for (const auto* type : {"Synced", "Established", "Ready", "Bound"}) conditions().set_true(type);
  EXPECT_EQ(types(), (std::vector<std::string>{"Ready", "Bound", "Established", "Synced"}));
}

TEST_F(ConditionsTest, OnlyAConditionThatIsFalseHasASeverity) {
  conditions().set({.type = "A", .status = ConditionStatus::kTrue, .severity = Severity::kError});
  conditions().set({.type = "B", .status = ConditionStatus::kUnknown, .severity = Severity::kError});
  EXPECT_EQ(conditions().find("A")->severity, Severity::kNone);
  EXPECT_EQ(conditions().find("B")->severity, Severity::kNone);
  conditions().set_false("A", "Broken", {.severity = Severity::kInfo});
  conditions().set_true("A");
  EXPECT_EQ(object_.find("status")->find("conditions")->at(0),
            object({{"type", "A"}, {"status", "True"}, {"lastTransitionTime", kFirst}}));
}

TEST_F(ConditionsTest, KeepsFieldsAndEntriesItDoesNotKnow) {
  object_ = *json::parse(R"({"status":{"phase":"x","conditions":[
      "stray", {"type":"B","status":"True","extra":1,"lastTransitionTime":"2020-01-01T00:00:00Z"}, {"status":"True"}]}})");
  EXPECT_EQ(types(), std::vector<std::string>{"B"});
  EXPECT_TRUE(conditions().set_false("B", "Broken"));
  EXPECT_TRUE(conditions().set_true("A"));
  EXPECT_EQ(object_, *json::parse(R"({"status":{"phase":"x","conditions":[
      {"type":"A","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},
      {"type":"B","status":"False","extra":1,"lastTransitionTime":"2026-01-01T00:00:00Z","reason":"Broken"},
      "stray", {"status":"True"}]}})"));
}

TEST_F(ConditionsTest, WritesEvenWhereTheWrongKindStood) {
  for (const auto* text : {"null", "[]", R"({"status":7})", R"({"status":{"conditions":{}}})"}) {
    object_ = *json::parse(text);
    EXPECT_TRUE(conditions().all().empty()) << text;
    EXPECT_FALSE(conditions().remove("A")) << text;
    EXPECT_FALSE(conditions().summarize()) << text;
    EXPECT_TRUE(conditions().set_true("A")) << text;
    EXPECT_TRUE(conditions().is_true("A")) << text;
  }
}

TEST_F(ConditionsTest, TellsTrueFalseAndUnknownApart) {
  conditions().set_true("T");
  conditions().set_false("F", "No");
  conditions().set_unknown("U", "Checking");
  EXPECT_TRUE(conditions().is_true("T"));
  EXPECT_FALSE(conditions().is_false("T"));
  EXPECT_TRUE(conditions().is_false("F"));
  EXPECT_FALSE(conditions().is_true("U"));
  EXPECT_FALSE(conditions().is_false("U"));
  EXPECT_FALSE(conditions().is_true("absent"));
  EXPECT_FALSE(conditions().is_false("absent"));
  EXPECT_FALSE(conditions().find("absent").has_value());
}

TEST_F(ConditionsTest, RemovesOneTypeAndNothingElse) {
  conditions().set_true("A");
  conditions().set_true("B");
  EXPECT_TRUE(conditions().remove("A"));
  EXPECT_FALSE(conditions().remove("A"));
  EXPECT_EQ(types(), std::vector<std::string>{"B"});
}

TEST(ConditionStatusText, ReadsUnknownForAnythingElse) {
  EXPECT_EQ(parse_condition_status("True"), ConditionStatus::kTrue);
  EXPECT_EQ(parse_condition_status("False"), ConditionStatus::kFalse);
  for (const auto* text : {"Unknown", "true", "", "yes"}) {
    EXPECT_EQ(parse_condition_status(text), ConditionStatus::kUnknown) << text;
  }
}

struct SummaryCase {
  std::string_view why;
  std::vector<Condition> conditions;
  Condition ready;
};

Condition make(std::string type, ConditionStatus status, Severity severity = Severity::kNone) {
  return {.type = type,
          .status = status,
          .severity = severity,
          .reason = type + "Reason",
          .message = type + " m"};
}

constexpr auto kTrue = ConditionStatus::kTrue;
constexpr auto kFalse = ConditionStatus::kFalse;
constexpr auto kUnknown = ConditionStatus::kUnknown;

std::vector<SummaryCase> summary_cases() {
  const Condition well{.type = "Ready", .status = kTrue};
  const auto ready = [](const Condition& of) {
    Condition condition = of;
    condition.type = "Ready";
    return condition;
  };
  return {
      {"all is well: no reason, no message", {make("A", kTrue), make("B", kTrue)}, well},
      {"True wins over Unknown", {make("A", kUnknown), make("B", kTrue)}, well},
      {"only Unknown", {make("B", kUnknown), make("A", kUnknown)}, ready(make("A", kUnknown))},
      {"an error outweighs all",
       {make("A", kFalse, Severity::kWarning), make("B", kFalse, Severity::kInfo), make("C", kTrue),
        make("D", kFalse, Severity::kError), make("E", kUnknown)},
       ready(make("D", kFalse, Severity::kError))},
      {"a warning outweighs information",
       {make("A", kFalse, Severity::kInfo), make("B", kFalse, Severity::kWarning)},
       ready(make("B", kFalse, Severity::kWarning))},
      {"information outweighs True",
       {make("A", kTrue), make("B", kFalse, Severity::kInfo)},
       ready(make("B", kFalse, Severity::kInfo))},
      {"False without a severity is not outweighed by True",
       {make("A", kTrue), make("B", kFalse)},
       ready(make("B", kFalse))},
      {"the first by type speaks for its group",
       {make("C", kFalse, Severity::kError), make("B", kFalse, Severity::kError),
        make("A", kFalse, Severity::kWarning)},
       ready(make("B", kFalse, Severity::kError))},
      {"what Ready said before does not count",
       {make("Ready", kFalse, Severity::kError), make("A", kTrue)},
       well},
  };
}

TEST_F(ConditionsTest, SummarizesByTheWorstGroup) {
  for (const auto& c : summary_cases()) {
    object_ = json::Value::empty_object();
    for (const auto& condition : c.conditions) conditions().set(condition);
    EXPECT_TRUE(conditions().summarize()) << c.why;
    const auto ready = conditions().find("Ready");
    ASSERT_TRUE(ready.has_value()) << c.why;
    EXPECT_EQ(ready->status, c.ready.status) << c.why;
    EXPECT_EQ(ready->severity, c.ready.severity) << c.why;
    EXPECT_EQ(ready->reason, c.ready.reason) << c.why;
    EXPECT_EQ(ready->message, c.ready.message) << c.why;
    EXPECT_FALSE(conditions().summarize()) << c.why;
  }
}

TEST_F(ConditionsTest, WithoutOthersReadyIsLeftAlone) {
  EXPECT_FALSE(conditions().summarize());
  EXPECT_EQ(object_, json::Value::empty_object());
  conditions().set_false("Ready", "Broken");
  const auto before = object_;
  EXPECT_FALSE(conditions().summarize());
  EXPECT_EQ(object_, before);
}

rc::Gen<Condition> any_condition() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::element<std::string>("Ready", "A", "B", "C", "D"),
                     rc::gen::element(kTrue, kFalse, kUnknown),
                     rc::gen::element(Severity::kNone, Severity::kError, Severity::kWarning, Severity::kInfo),
                     rc::gen::element<std::string>("", "R", "S"),
                     rc::gen::element<std::string>("", "m", "n")),
      [](const auto& parts) {
        const auto& [type, status, severity, reason, message] = parts;
        return Condition{
            .type = type, .status = status, .severity = severity, .reason = reason, .message = message};
      });
}

RC_GTEST_PROP(ConditionsProperty, StaySortedAndSettingTwiceIsSettingOnce, ()) {
  ManualClock clock(*parse_rfc3339(kFirst));
  json::Value it = json::Value::empty_object();
  for (const auto& condition : *rc::gen::container<std::vector<Condition>>(any_condition())) {
    clock.advance(std::chrono::seconds(1));
    const auto before = it;
    const bool changed = Conditions(it, clock).set(condition);
    RC_ASSERT(changed == !(it == before));
    const auto once = it;
    clock.advance(std::chrono::seconds(1));
    RC_ASSERT(!Conditions(it, clock).set(condition));
    RC_ASSERT(it == once);
    const auto all = Conditions(it, clock).all();
    const auto rank = [](const Condition& one) { return std::pair(one.type != "Ready", one.type); };
    RC_ASSERT(std::adjacent_find(all.begin(), all.end(), [&](const Condition& a, const Condition& b) {
                return !(rank(a) < rank(b));
              }) == all.end());
  }
  Conditions(it, clock).summarize();
  const auto once = it;
  clock.advance(std::chrono::seconds(1));
  RC_ASSERT(!Conditions(it, clock).summarize());
  RC_ASSERT(it == once);
}

}  // namespace
}  // namespace klutch::kube
