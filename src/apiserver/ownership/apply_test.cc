// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>

#include "apiserver/ownership/managed_fields.h"
#include "apiserver/ownership/typed.h"
#include "base/time.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using Scalar = MergeType::Scalar;
using List = MergeType::List;
using Map = MergeType::Map;

/// The type of the Widgets in testdata/: every kind of list and map.
class WidgetTypes {
 public:
  WidgetTypes() {
    const TypeRef text = schema_.scalar(Scalar::kString);
    const TypeRef number = schema_.scalar(Scalar::kNumeric);
    const TypeRef texts = map_of(text);
    const TypeRef port = object(
        {{"name", {text, {}}}, {"proto", {text, "TCP"}}, {"port", {number, {}}}, {"opts", {texts, {}}}});
    const TypeRef owner = object({{"uid", {text, {}}}, {"name", {text, {}}}}, true);
    const TypeRef condition = object({{"type", {text, {}}}, {"status", {text, {}}}});
    const TypeRef metadata = object({{"name", {text, {}}},
                                     {"namespace", {text, {}}},
                                     {"uid", {text, {}}},
                                     {"labels", {texts, {}}},
                                     {"finalizers", {list(List::Kind::kSet, text), {}}},
                                     {"ownerReferences", {list(List::Kind::kMap, owner, {"uid"}), {}}},
                                     {"managedFields", {list(List::Kind::kAtomic, schema_.any()), {}}}});
    const TypeRef spec =
        object({{"color", {text, {}}},
                {"size", {number, {}}},
                {"tags", {list(List::Kind::kSet, text), {}}},
                {"ports", {list(List::Kind::kMap, port, {"name", "proto"}), {}}},
                {"atom", {object({{"a", {text, {}}}, {"b", {text, {}}}}, true), {}}},
                {"plain", {list(List::Kind::kAtomic, text), {}}},
                {"free", {schema_.any(), {}}},
                {"nested", {object({{"deep", {map_of(object({{"v", {text, {}}}})), {}}}}), {}}}});
    const TypeRef status =
        object({{"phase", {text, {}}}, {"conditions", {list(List::Kind::kMap, condition, {"type"}), {}}}});
    widget_ = object({{"apiVersion", {text, {}}},
                      {"kind", {text, {}}},
                      {"metadata", {metadata, {}}},
                      {"spec", {spec, {}}},
                      {"status", {status, {}}}});
  }

  [[nodiscard]] TypeRef widget() const { return widget_; }

  /// As an endpoint of the API uses them: the main one never owns status, /status owns nothing else.
  [[nodiscard]] OwnershipTypes through(std::string_view subresource) const {
    FieldSet reset;
    const auto field = [](const char* name) { return PathElement::field(name); };
    if (subresource.empty()) {
      reset.insert({field("status")});
    } else {
      reset.insert({field("spec")});
      for (const char* name : {"labels", "finalizers", "ownerReferences"})
        reset.insert({field("metadata"), field(name)});
    }
    return {.type_of = [this](std::string_view version) { return version == "ex.io/v1" ? widget_ : nullptr; },
            .reset_fields = [reset](std::string_view) { return reset; }};
  }

 private:
  TypeRef object(std::map<std::string, MergeType::Field, std::less<>> fields, bool atomic = false) {
    auto& type = schema_.add();
    type.map = Map{.atomic = atomic, .fields = std::move(fields)};
    return &type;
  }
  TypeRef map_of(TypeRef element) {
    auto& type = schema_.add();
    type.map = Map{.element = element};
    return &type;
  }
  TypeRef list(List::Kind kind, TypeRef element, std::vector<std::string> keys = {}) {
    auto& type = schema_.add();
    type.list = List{kind, element, std::move(keys)};
    return &type;
  }

  MergeSchema schema_;
  TypeRef widget_ = nullptr;
};

/// Without the times of managedFields, which the recordings lack.
Value without_times(Value object) {
  if (auto* metadata = object.find("metadata"); metadata != nullptr) {
    if (auto* entries = metadata->find("managedFields"); entries != nullptr && entries->is_array()) {
      for (auto& entry : entries->elements()) entry.erase("time");
    }
  }
  return object;
}

std::string describe(const Error& error) {
  const auto* status = error.detail<kube::Status>();
  if (!is(error, Code::kConflict) || status == nullptr) return error.message();
  return "conflict: " + std::to_string(status->causes.size()) + " " + error.message();
}

/// The recordings are random sessions of several managers with k8s.io/apimachinery v0.34.4: each step with
/// what it was given and what came out.
TEST(ManagedFields, EqualThoseOfKubernetesAfterEveryStepOfRecordedSessions) {
  const WidgetTypes types;
  const char* other = std::getenv("KLUTCH_RECORDED_SESSIONS");
  std::ifstream file(other != nullptr ? other
                                      : std::string(std::getenv("KLUTCH_SOURCE_DIR")) +
                                            "/src/apiserver/ownership/testdata/managed_fields.jsonl");
  ASSERT_TRUE(file.is_open());
  int session = 0;
  int steps = 0;
  for (std::string line; std::getline(file, line); ++session) {
    auto recorded = json::parse(line).value();
    Value live = json::object({{"apiVersion", "ex.io/v1"}, {"kind", "Widget"}});
    const Time now = parse_rfc3339("2026-01-01T00:00:00Z").value();  // as in the recordings
    for (std::size_t i = 0; i < recorded.size(); ++i, ++steps) {
      Value& step = recorded.at(i);
      const std::string sub(step.find_string("sub").value_or(""));
      const WriteIdentity write{std::string(*step.find_string("manager")), "ex.io/v1", sub, now};
      Value result;
      std::string error;
      if (step.find_string("op") == "apply") {
        const auto force = step.find_bool("force").value_or(false) ? Force::kYes : Force::kNo;
        auto applied = apply_object(live, step["object"], write, types.through(sub), force);
        if (applied) {
          result = *std::move(applied);
        } else {
          error = describe(applied.error());
        }
      } else {
        result = step["object"];
        track_update(live, result, write, types.through(sub));
      }
      ASSERT_EQ(error, step.find_string("error").value_or("")) << "session " << session << " step " << i;
      if (!error.empty()) continue;
      live = std::move(result);
      live["metadata"].set("uid", "the-uid");
      ASSERT_EQ(without_times(live), step["result"])
          << "session " << session << " step " << i << "\nwe:   " << json::print(without_times(live))
          << "\nthey: " << json::print(step["result"]) << "\nstep: " << json::print(step["object"]);
    }
  }
  EXPECT_GE(steps, 300);
}

class ManagedFieldsTest : public ::testing::Test {
 protected:
  static Value widget(std::string_view text) {
    auto object = json::parse(text).value();
    object.set("apiVersion", "ex.io/v1");
    object.set("kind", "Widget");
    object["metadata"].set("name", "w");
    return object;
  }
  static std::vector<std::string> managers(const Value& object) {
    std::vector<std::string> names;
    const auto* entries = object.find("metadata")->find("managedFields");
    if (entries == nullptr) return names;
    for (const auto& entry : entries->elements()) names.emplace_back(*entry.find_string("manager"));
    return names;
  }
  WriteIdentity by(std::string manager, int second = 0) const {
    return {std::move(manager), "ex.io/v1", {}, Time{std::chrono::seconds(1000 + second)}};
  }
  const WidgetTypes types_;
};

TEST_F(ManagedFieldsTest, TheFirstApplyGivesWhatIsThereToItsFormerWriters) {
  auto live = widget(R"({"spec":{"color":"red","size":1}})");
  live["metadata"].set("uid", "1");
  const auto applied =
      apply_object(live, widget(R"({"spec":{"color":"red"}})"), by("m1"), types_.through(""), Force::kNo);
  EXPECT_EQ(managers(applied.value()), (std::vector<std::string>{"m1", "before-first-apply"}));
}

TEST_F(ManagedFieldsTest, AnObjectWhoseOwnersWereForgottenStaysWithoutUntilSomebodyApplies) {
  auto live = widget(R"({"spec":{"color":"red"}})");
  track_update(Value::empty_object(), live, by("u1"), types_.through(""));
  live["metadata"].set("uid", "1");
  for (const char* reset : {"[]", "[{}]"}) {
    auto updated = live;
    updated["metadata"].set("managedFields", json::parse(reset).value());
    track_update(live, updated, by("u2"), types_.through(""));
    EXPECT_TRUE(managers(updated).empty()) << reset;
    auto again = updated;
    again["spec"].set("color", "blue");
    track_update(updated, again, by("u2"), types_.through(""));
    EXPECT_TRUE(managers(again).empty());
  }
}

TEST_F(ManagedFieldsTest, EntriesThatMakeNoSenseAreReplacedByTheLiveOnes) {
  auto live = widget(R"({"spec":{"color":"red"}})");
  track_update(Value::empty_object(), live, by("u1"), types_.through(""));
  live["metadata"].set("uid", "1");
  auto updated = live;
  updated["metadata"].set("managedFields", json::parse(R"([{"operation":"Nonsense"}])").value());
  track_update(live, updated, by("u2"), types_.through(""));
  EXPECT_EQ(managers(updated), (std::vector<std::string>{"u1"}));
}

TEST_F(ManagedFieldsTest, TheOldestOfManyUpdatersAreMerged) {
  auto live = Value::empty_object();
  for (int i = 0; i < 15; ++i) {
    auto updated = live.empty() ? widget(R"({"spec":{"free":{}}})") : live;
    updated["spec"]["free"].set("k" + std::to_string(i), i);
    track_update(live, updated, by("u" + std::to_string(i), i), types_.through(""));
    live = std::move(updated);
    live["metadata"].set("uid", "1");
  }
  const auto names = managers(live);
  EXPECT_EQ(names.size(), 10U);
  EXPECT_EQ(names.front(), "ancient-changes");
  EXPECT_EQ(names.back(), "u14");
}

TEST_F(ManagedFieldsTest, AVersionThatIsNoLongerServedLosesItsEntries) {
  auto live = widget(R"({"spec":{"color":"red"}})");
  live["metadata"].set("uid", "1");
  live["metadata"].set("managedFields",
                       json::parse(R"([{"manager":"old","operation":"Update","apiVersion":"ex.io/v0",
      "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:color":{}}}}])")
                           .value());
  auto updated = live;
  updated["spec"].set("size", 2);
  track_update(live, updated, by("u1"), types_.through(""));
  EXPECT_EQ(managers(updated), (std::vector<std::string>{"u1"}));
}

TEST_F(ManagedFieldsTest, AnAppliedConfigurationMustNotHaveOwners) {
  auto config = widget("{}");
  config["metadata"].set("managedFields", Value::empty_array());
  const auto applied = apply_object(Value::empty_object(), config, by("m1"), types_.through(""), Force::kNo);
  EXPECT_EQ(applied.error().code(), Code::kBadRequest);
}

TEST(CheckType, ShowsWhatItFoundAsGoPrintsIt) {
  MergeSchema schema;
  MergeType& list = schema.add();
  list.list = MergeType::List{.element = schema.any()};
  const auto text_of = [&](const json::Value& value, TypeRef type) {
    return check_type(value, type).error().message();
  };
  EXPECT_EQ(text_of(true, schema.scalar(Scalar::kString)),
            "expected string, got &value.valueUnstructured{Value:true}");
  EXPECT_EQ(
      text_of(json::object({{"b", json::array({1, "x"})}, {"a", nullptr}}), schema.scalar(Scalar::kString)),
      "expected string, got &value.valueUnstructured{Value:map[string]interface {}{\"a\":interface {}(nil), "
      "\"b\":[]interface {}{1, \"x\"}}}");
  EXPECT_EQ(text_of("many", schema.scalar(Scalar::kNumeric)), "expected numeric (int or float), got string");
  EXPECT_EQ(text_of("yes", schema.scalar(Scalar::kBoolean)), "expected boolean, got &{yes}");
  EXPECT_EQ(text_of(json::object({{"b", json::array({1, "x"})}, {"a", 2}}), &list),
            "expected list, got &{map[a:2 b:[1 x]]}");
}

}  // namespace
}  // namespace klutch::apiserver
