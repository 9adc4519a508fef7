// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/merge_types.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "apiserver/ownership/managed_fields.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/table.h"

namespace klutch::apiserver {
namespace {

using json::Value;

/// In the words of testdata/merge_types.tsv.
class Describer {
 public:
  Describer() {
    for (const auto& message : BuiltinFacts::get().messages()) {
      if (message->name.ends_with(".ExtraValue")) continue;  // they write it out as a list
      names_[BuiltinMergeTypes::get().of(*message)] = message->name;
    }
  }
  std::string operator()(TypeRef type) const {
    if (const auto named = names_.find(type); named != names_.end()) return std::string(named->second);
    if (type->list) {
      const auto& list = *type->list;
      std::string keys;
      for (const auto& key : list.keys) keys += (keys.empty() ? "" : ",") + key;
      return "list" + (list.kind == MergeType::List::Kind::kAtomic ? "" : "{" + keys + "}") + "(" +
             (*this)(list.element) + ")";
    }
    if (type->map && type->map->element != nullptr) {
      return "map(" + (*this)(type->map->element) + ")" + (type->map->atomic ? "!" : "");
    }
    if (!type->scalar) return "struct";
    switch (*type->scalar) {
      case MergeType::Scalar::kString: return "string";
      case MergeType::Scalar::kNumeric: return "numeric";
      case MergeType::Scalar::kBoolean: return "boolean";
      case MergeType::Scalar::kAny: break;
    }
    return "untyped";
  }

 private:
  std::map<TypeRef, std::string_view> names_;
};

/// Fields that tell items of list maps apart: only there a default matters to merging.
std::set<std::pair<std::string_view, std::string_view>> key_fields() {
  std::set<std::pair<std::string_view, std::string_view>> keys;
  for (const auto& message : BuiltinFacts::get().messages()) {
    for (const auto& field : message->fields) {
      for (const auto key : field.list_keys) keys.emplace(field.message->name, key);
    }
  }
  return keys;
}

TEST(BuiltinMergeTypes, AreThoseOfClientGo) {
  const Describer describe;
  const auto keys = key_fields();
  int compared = 0;
  for (const auto& row : testing::read_table("src/apiserver/builtin/testdata/merge_types.tsv", 4)) {
    const auto* message = BuiltinFacts::get().find_message(row[0]);
    ASSERT_NE(message, nullptr) << row[0];
    const auto* type = BuiltinMergeTypes::get().of(*message);
    ASSERT_TRUE(type->map.has_value()) << row[0];
    if (row[1].empty()) {
      EXPECT_EQ(type->map->atomic ? "atomic" : "granular", row[2]) << row[0];
      continue;
    }
    if (row[1] == "apiVersion" || row[1] == "kind") continue;
    const auto field = type->map->fields.find(row[1]);
    ASSERT_NE(field, type->map->fields.end()) << row[0] << " " << row[1];
    // The one place where the published schema calls raw JSON a whole.
    if (row[0] == "apps.v1.ControllerRevision" && row[1] == "data") continue;
    EXPECT_EQ(describe(field->second.type), row[2]) << row[0] << " " << row[1];
    const auto& value = field->second.default_value;
    if (keys.contains({row[0], row[1]})) {
      EXPECT_EQ(value.is_null() ? "" : json::print(value), row[3]) << row[0] << " " << row[1];
    }
    ++compared;
  }
  EXPECT_GT(compared, 1500);
}

TEST(BuiltinMergeTypes, MergePortsOfServicesByPortAndProtocol) {
  const auto& type = BuiltinMergeTypes::get();
  const OwnershipTypes types{.type_of = [&](std::string_view) {
    return type.of(*BuiltinFacts::get().find_message("core.v1.Service"));
  }};
  const auto service = [](const char* ports) {
    return json::parse(
               std::string(
                   R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":)") +
               ports + "}}")
        .value();
  };
  const auto first = apply_object(Value::empty_object(), service(R"([{"port":80,"name":"a"}])"),
                                  {"one", "v1", {}, {}}, types, Force::kNo);
  ASSERT_TRUE(first.has_value()) << first.error().message();
  const auto second = apply_object(*first, service(R"([{"port":80,"protocol":"UDP"}])"),
                                   {"two", "v1", {}, {}}, types, Force::kNo);
  ASSERT_TRUE(second.has_value()) << second.error().message();
  EXPECT_EQ(second->find("spec")->find("ports")->size(), 2U) << "without protocol it is TCP";
}

}  // namespace
}  // namespace klutch::apiserver
