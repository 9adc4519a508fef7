// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/store_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json/build.h"
#include "kube/runtime/resource_version.h"
#include "testing/fake_kube_client.h"

namespace klutch::kube {
namespace {

using testing::config_map;
using testing::config_maps;
using Lines = std::vector<std::string>;

WatchEvent event(EventType type, Object object) {
  return {.type = type, .object = std::move(object)};
}

std::string describe(const Change& change) {
  const auto version = [](const ObjectPtr& object) {
    return object ? std::string(uid(*object)) + "@" + std::string(resource_version(*object)) : "";
  };
  const std::string key = change.key.name + (change.initial ? " initially " : " ");
  switch (change.kind) {
    case Change::Kind::kAdded: return key + "added " + version(change.now);
    case Change::Kind::kUpdated: return key + version(change.before) + " -> " + version(change.now);
    case Change::Kind::kDeleted: break;
  }
  return key + "deleted " + version(change.before);
}

/// A writer whose changes are written down.
struct Written {
  explicit Written(Intake intake = {.type = config_maps()})
      : writer(store, std::move(intake),
               [this](const Change& change) { lines.push_back(describe(change)); }) {}

  /// A whole list.
  void list(std::vector<Object> objects, std::string_view version) {
    writer.begin_list();
    for (auto& object : objects) ASSERT_TRUE(writer.add_listed(std::move(object)).has_value());
    writer.end_list(version);
  }
  bool apply(EventType type, Object object) { return writer.apply(event(type, std::move(object))).value(); }
  Lines take() { return std::exchange(lines, {}); }

  ObjectStore store;
  Lines lines;
  StoreWriter writer;
};

TEST(StoreWriter, TheFirstListIsInitialAndSyncsTheStore) {
  Written written;
  written.writer.begin_list();
  ASSERT_TRUE(written.writer.add_listed(config_map("b", 2)).has_value());
  EXPECT_FALSE(written.store.synced());
  EXPECT_EQ(written.store.resource_version(), "");
  written.writer.end_list("7");
  EXPECT_TRUE(written.store.synced());
  EXPECT_EQ(written.store.resource_version(), "7");
  EXPECT_EQ(written.take(), (Lines{"b initially added uid-of-b@2"}));
}

TEST(StoreWriter, ALaterListTellsOnlyOfDifferences) {
  Written written;
  written.list({config_map("gone", 1), config_map("kept", 2), config_map("new", 3)}, "5");
  written.take();
  const ObjectPtr kept = written.store.get({"default", "kept"}).object;
  written.list({config_map("kept", 2), config_map("late", 8), config_map("new", 7)}, "9");
  EXPECT_EQ(written.take(), (Lines{"late added uid-of-late@8", "new uid-of-new@3 -> uid-of-new@7",
                                   "gone deleted uid-of-gone@1"}));
  EXPECT_EQ(written.store.get({"default", "kept"}).object, kept) << "stored again for nothing";
}

TEST(StoreWriter, AListThatIsNotFinishedDeletesNothing) {
  Written written;
  written.list({config_map("a", 1), config_map("b", 2)}, "5");
  written.take();
  written.writer.begin_list();
  ASSERT_TRUE(written.writer.add_listed(config_map("c", 6)).has_value());
  written.writer.begin_list();
  ASSERT_TRUE(written.writer.add_listed(config_map("a", 1)).has_value());
  EXPECT_EQ(written.take(), (Lines{"c added uid-of-c@6"}));
  EXPECT_EQ(written.store.size(), 3U);
}

TEST(StoreWriter, AnObjectMadeAnewIsDeletedAndAdded) {
  Written written;
  written.list({config_map("a", 1, "first")}, "1");
  written.list({config_map("a", 4, "second")}, "5");
  EXPECT_TRUE(written.apply(EventType::kAdded, config_map("a", 6, "third")));
  EXPECT_EQ(written.take(), (Lines{"a initially added first@1", "a deleted first@1", "a added second@4",
                                   "a deleted second@4", "a added third@6"}));
}

TEST(StoreWriter, AListIsTheTruthAlsoWhenItIsOlder) {
  // A server that was restored from a backup.
  Written written;
  written.list({config_map("a", 90), config_map("b", 95)}, "100");
  EXPECT_TRUE(written.apply(EventType::kDeleted, config_map("b", 101)));
  written.take();
  written.list({config_map("a", 40), config_map("b", 45)}, "50");
  EXPECT_EQ(written.take(), (Lines{"a uid-of-a@90 -> uid-of-a@40", "b added uid-of-b@45"}));
}

struct EventRow {
  const char* reason;
  EventType type;
  Object object;
  Lines expected;
};

TEST(StoreWriter, EventsAreTakenAsNewsOrNotAtAll) {
  // The store has a@5 of UID "u"; c of UID "dead" was deleted at 7.
  const std::vector<EventRow> rows = {
      {"a newer state", EventType::kModified, config_map("a", 8, "u"), {"a u@5 -> u@8"}},
      {"the same again", EventType::kModified, config_map("a", 5, "u"), {}},
      {"an older state", EventType::kModified, config_map("a", 4, "u"), {}},
      {"digits count, not letters", EventType::kModified, config_map("a", 10, "u"), {"a u@5 -> u@10"}},
      {"the same, as addition", EventType::kAdded, config_map("a", 5, "u"), {}},
      {"newer, as addition", EventType::kAdded, config_map("a", 9, "u"), {"a u@5 -> u@9"}},
      {"its deletion", EventType::kDeleted, config_map("a", 6, "u"), {"a deleted u@5"}},
      {"a deletion without a version of its own",
       EventType::kDeleted,
       config_map("a", 5, "u"),
       {"a deleted u@5"}},
      {"the deletion of an earlier state", EventType::kDeleted, config_map("a", 4, "u"), {}},
      {"the deletion of another of that name", EventType::kDeleted, config_map("a", 9, "v"), {}},
      {"another of that name", EventType::kAdded, config_map("a", 9, "v"), {"a deleted u@5", "a added v@9"}},
      {"unknown and new", EventType::kAdded, config_map("b", 9, "w"), {"b added w@9"}},
      {"unknown and changed", EventType::kModified, config_map("b", 9, "w"), {"b added w@9"}},
      {"unknown and deleted", EventType::kDeleted, config_map("b", 9, "w"), {}},
      {"a replay of what is dead", EventType::kAdded, config_map("c", 6, "dead"), {}},
      {"a replay of the deletion", EventType::kDeleted, config_map("c", 7, "dead"), {}},
      {"back in the selection", EventType::kAdded, config_map("c", 8, "dead"), {"c added dead@8"}},
      {"made anew", EventType::kAdded, config_map("c", 8, "other"), {"c added other@8"}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    Written written;
    written.list({config_map("a", 5, "u"), config_map("c", 4, "dead")}, "6");
    ASSERT_TRUE(written.apply(EventType::kDeleted, config_map("c", 7, "dead")));
    written.take();
    EXPECT_EQ(written.apply(row.type, row.object), !row.expected.empty());
    EXPECT_EQ(written.take(), row.expected);
  }
}

TEST(StoreWriter, VersionsThatAreNoNumbersAreNotCompared) {
  Written written;
  auto opaque = [](std::string_view version) {
    auto object = config_map("a", 1);
    object["metadata"].set("resourceVersion", version);
    return object;
  };
  written.list({opaque("zz")}, "zz");
  EXPECT_TRUE(written.apply(EventType::kModified, opaque("aa")));
  EXPECT_FALSE(written.apply(EventType::kModified, opaque("aa")));
  EXPECT_TRUE(written.apply(EventType::kModified, opaque("007")));
  EXPECT_TRUE(written.apply(EventType::kDeleted, opaque("99999999999999999999999")));
}

TEST(StoreWriter, InAStreamingListTheFirstWordOnAnObjectCountsAndLaterOnesAreNews) {
  Written written;
  written.list({config_map("a", 90), config_map("b", 90)}, "100");
  written.take();
  written.writer.begin_list();
  EXPECT_TRUE(written.apply(EventType::kAdded, config_map("a", 40)));   // set back
  EXPECT_FALSE(written.apply(EventType::kAdded, config_map("a", 39)));  // a replay
  EXPECT_TRUE(written.apply(EventType::kAdded, config_map("c", 41)));
  EXPECT_TRUE(written.apply(EventType::kDeleted, config_map("c", 42)));
  EXPECT_FALSE(written.apply(EventType::kAdded, config_map("c", 41)));  // a replay of what is dead
  written.writer.end_list("43");
  EXPECT_EQ(written.take(), (Lines{"a uid-of-a@90 -> uid-of-a@40", "c added uid-of-c@41",
                                   "c deleted uid-of-c@41", "b deleted uid-of-b@90"}));
}

TEST(StoreWriter, GravesOfLongAgoAreForgotten) {
  Written written;
  written.list({}, "1");
  for (int i = 0; i < 1100; ++i) {
    written.apply(EventType::kDeleted, config_map("old" + std::to_string(i), 10 + i));
  }
  EXPECT_TRUE(written.apply(EventType::kAdded, config_map("old0", 5)));
  EXPECT_FALSE(written.apply(EventType::kAdded, config_map("old1099", 5)));
}

struct RefusedRow {
  const char* reason;
  Intake intake;
  Object object;
  Code code;
};

Object with_metadata(std::string_view member, json::Value value) {
  auto object = config_map("a", 1);
  object["metadata"].set(member, std::move(value));
  return object;
}

TEST(StoreWriter, WhatCannotBeIsRefusedAndChangesNothing) {
  const Intake any{.type = config_maps()};
  auto other_kind = config_map("a", 1);
  other_kind.set("kind", "Secret");
  auto other_group = config_map("a", 1);
  other_group.set("apiVersion", "apps/v1");
  const ResourceType cluster_wide{"", "v1", "configmaps", "ConfigMap", /*namespaced=*/false};
  const std::vector<RefusedRow> rows = {
      {"null", any, nullptr, Code::kInternal},
      {"a list", any, json::array({1}), Code::kInternal},
      {"no metadata", any, json::object({{"apiVersion", "v1"}, {"kind", "ConfigMap"}}), Code::kInternal},
      {"an empty name", any, with_metadata("name", ""), Code::kInternal},
      {"a name that is a number", any, with_metadata("name", 7), Code::kInternal},
      {"another kind", any, other_kind, Code::kInternal},
      {"another group", any, other_group, Code::kInternal},
      {"no namespace", any, with_metadata("namespace", ""), Code::kInternal},
      {"a namespace too many", {.type = cluster_wide}, config_map("a", 1), Code::kInternal},
      {"another namespace", {.type = config_maps(), .ns = "mine"}, config_map("a", 1), Code::kInternal},
      {"metadata only, unasked", any,
       json::object({{"apiVersion", "meta.k8s.io/v1"},
                     {"kind", "PartialObjectMetadata"},
                     {"metadata", *config_map("a", 1).find("metadata")}}),
       Code::kInternal},
      {"one too many", {.type = config_maps(), .max_objects = 1}, config_map("a", 1), Code::kTooLarge},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    Written written(row.intake);
    auto first = config_map(row.intake.ns.empty() ? "default/first" : row.intake.ns + "/first", 1);
    if (!row.intake.type.namespaced) first["metadata"].erase("namespace");
    written.list({first}, "1");
    written.take();
    const auto listed = written.writer.add_listed(row.object);
    ASSERT_FALSE(listed.has_value());
    EXPECT_EQ(listed.error().code(), row.code);
    EXPECT_THAT(listed.error().message(), ::testing::HasSubstr("configmaps"));
    const auto applied = written.writer.apply(event(EventType::kAdded, row.object));
    ASSERT_FALSE(applied.has_value());
    EXPECT_EQ(applied.error().code(), row.code);
    EXPECT_TRUE(written.lines.empty());
    EXPECT_EQ(written.store.size(), 1U);
  }
}

Object managed() {
  return with_metadata("managedFields", json::array({json::object({{"manager", "kubectl"}})}));
}

TEST(StoreWriter, ManagedFieldsAreDroppedUnlessWanted) {
  Written dropping;
  dropping.list({managed()}, "1");
  EXPECT_FALSE(dropping.store.list().at(0)->find("metadata")->contains("managedFields"));
  Written keeping({.type = config_maps(), .keep_managed_fields = true});
  keeping.list({managed()}, "1");
  EXPECT_EQ(*keeping.store.list().at(0), managed());
}

TEST(StoreWriter, ATransformSeesEachStateOnceWithoutManagedFields) {
  int calls = 0;
  Written written({.type = config_maps(), .transform = [&calls](Object& object) {
                     ++calls;
                     EXPECT_FALSE(object.find("metadata")->contains("managedFields"));
                     object.set("data", json::object({{"short", true}}));
                   }});
  written.list({managed()}, "1");
  written.list({managed()}, "2");
  EXPECT_FALSE(written.apply(EventType::kModified, managed()));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(written.store.list().at(0)->find("data")->find_bool("short"), true);
}

TEST(StoreWriter, ATransformThatChangesWhoAnObjectIsIsAProgrammerError) {
  Written written(
      {.type = config_maps(), .transform = [](Object& object) { object["metadata"].erase("uid"); }});
  EXPECT_DEATH(static_cast<void>(written.writer.add_listed(config_map("a", 1))), "uid");
}

TEST(StoreWriter, AServerThatSendsWholeObjectsWhenAskedForMetadataIsCutShort) {
  Written written({.type = config_maps(), .metadata_only = true});
  auto partial = json::object({{"kind", "PartialObjectMetadata"},
                               {"apiVersion", "meta.k8s.io/v1"},
                               {"metadata", *config_map("p", 1).find("metadata")}});
  written.list({config_map("whole", 1, {}, "a long text"), partial}, "1");
  for (const auto& object : written.store.list()) {
    EXPECT_EQ(kind(*object), "PartialObjectMetadata");
    EXPECT_EQ(api_version(*object), "meta.k8s.io/v1");
    EXPECT_EQ(object->size(), 3U);
    EXPECT_FALSE(uid(*object).empty());
  }
}

TEST(ResourceVersion, OnlyPlainDecimalsAreNumbers) {
  EXPECT_EQ(version_number("0"), 0U);
  EXPECT_EQ(version_number("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", "a", "1a", " 1", "+1", "-1", "01", "18446744073709551616", "1.0", "0x1"}) {
    EXPECT_EQ(version_number(text), std::nullopt) << text;
  }
  EXPECT_TRUE(is_older_version("9", "10"));
  EXPECT_FALSE(is_older_version("10", "10"));
  EXPECT_FALSE(is_older_version("9", "ten"));
  EXPECT_EQ(newer_version("9", "10"), "10");
  EXPECT_EQ(newer_version("10", "9"), "10");
  EXPECT_EQ(newer_version("x", "9"), "9");
}

}  // namespace
}  // namespace klutch::kube
