// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/object_store.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "json/build.h"
#include "json/pack.h"
#include "testing/fake_kube_client.h"

namespace klutch::kube {
namespace {

using testing::config_map;
using Names = std::vector<std::string>;

ObjectPtr stored(std::string_view key, int version, std::string_view text = {}) {
  return json::pack(config_map(key, version, {}, text));
}

Names keys_of(const std::vector<ObjectPtr>& objects) {
  Names keys;
  for (const auto& object : objects) keys.push_back(key(*object).to_string());
  return keys;
}

/// Under the words of data.text.
std::vector<std::string> words(const Object& object) {
  std::vector<std::string> found;
  const auto* data = object.find_object("data");
  std::string word;
  for (const char c : std::string(data == nullptr ? "" : data->find_string("text").value_or("")) + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      found.push_back(std::exchange(word, {}));
    }
  }
  return found;
}

TEST(ObjectStore, WhatItDoesNotHaveIsUnknownUntilItIsSynced) {
  ObjectStore store;
  store.put(stored("a/one", 1));
  EXPECT_TRUE(store.get({"a", "one"}).present());
  EXPECT_TRUE(store.get({"a", "two"}).unknown());
  EXPECT_EQ(store.get({"a", "two"}).object, nullptr);
  store.set_synced();
  EXPECT_TRUE(store.get({"a", "one"}).present());
  EXPECT_TRUE(store.get({"a", "two"}).absent());
}

TEST(ObjectStore, ListsAreOrderedByNamespaceThenName) {
  ObjectStore store;
  for (const char* key : {"b/a", "a/z", "ab/m", "a/b", "a-b/x"}) store.put(stored(key, 1));
  EXPECT_EQ(keys_of(store.list()), (Names{"a/b", "a/z", "a-b/x", "ab/m", "b/a"}));
}

TEST(ObjectStore, ANamespaceIsNotThePrefixOfAnother) {
  ObjectStore store;
  for (const char* key : {"a/b", "a/z", "ab/m", "a-b/x", "A/b"}) store.put(stored(key, 1));
  EXPECT_EQ(keys_of(store.list_namespace("a")), (Names{"a/b", "a/z"}));
  EXPECT_TRUE(store.list_namespace("").empty());
  EXPECT_TRUE(store.list_namespace("c").empty());
}

TEST(ObjectStore, APutReplacesAndSnapshotsLiveOn) {
  ObjectStore store;
  EXPECT_EQ(store.put(stored("a/one", 1)), nullptr);
  const ObjectPtr held = store.get({"a", "one"}).object;
  const ObjectPtr before = store.put(stored("a/one", 2));
  EXPECT_EQ(before, held);
  EXPECT_EQ(resource_version(*held), "1");
  EXPECT_EQ(resource_version(*store.get({"a", "one"}).object), "2");
  EXPECT_EQ(store.size(), 1U);
}

TEST(ObjectStore, KeysLieInTheObjectThatIsStored) {
  ObjectStore store;
  const std::string long_name(200, 'n');  // too long to be held in place
  store.put(stored("a/" + long_name, 1));
  for (int version = 2; version < 20; ++version) store.put(stored("a/" + long_name, version));
  store.put(stored("a/" + long_name + "x", 1));  // takes the memory of what was freed
  EXPECT_EQ(keys_of(store.list()), (Names{"a/" + long_name, "a/" + long_name + "x"}));
  EXPECT_NE(store.remove({"a", long_name}), nullptr);
  EXPECT_EQ(store.remove({"a", long_name}), nullptr);
  EXPECT_EQ(store.size(), 1U);
}

TEST(ObjectStore, AnIndexFollowsEveryChange) {
  ObjectStore store;
  store.put(stored("a/early", 1, "red"));
  store.add_index("word", words);
  store.put(stored("b/late", 1, "red blue red"));
  store.put(stored("a/none", 1));
  EXPECT_EQ(keys_of(store.by_index("word", "red")), (Names{"a/early", "b/late"}));
  EXPECT_EQ(keys_of(store.by_index("word", "blue")), (Names{"b/late"}));

  store.put(stored("b/late", 2, "green"));
  EXPECT_EQ(keys_of(store.by_index("word", "red")), (Names{"a/early"}));
  EXPECT_EQ(keys_of(store.by_index("word", "green")), (Names{"b/late"}));
  store.put(stored("b/late", 3, "green"));
  EXPECT_EQ(resource_version(*store.by_index("word", "green").at(0)), "3");

  store.remove({"a", "early"});
  store.remove({"b", "late"});
  EXPECT_TRUE(store.by_index("word", "red").empty());
  EXPECT_TRUE(store.by_index("word", "green").empty());
}

TEST(ObjectStore, AnIndexOfTheSameNameKeepsItsFunction) {
  ObjectStore store;
  store.add_index("word", words);
  store.add_index("word", [](const Object&) { return std::vector<std::string>{"other"}; });
  store.put(stored("a/one", 1, "red"));
  EXPECT_EQ(store.by_index("word", "red").size(), 1U);
  EXPECT_TRUE(store.by_index("word", "other").empty());
}

TEST(ObjectStore, AskingForAnIndexThatDoesNotExistIsAProgrammerError) {
  const ObjectStore store;
  EXPECT_DEATH(static_cast<void>(store.by_index("word", "red")), "CHECK|indexes_");
}

TEST(ObjectStore, ARoundTellsWhatAListDidNotHave) {
  ObjectStore store;
  for (const char* key : {"a/1", "a/2", "a/3"}) store.put(stored(key, 1));
  EXPECT_EQ(store.seen(), 3U);
  store.begin_round();
  EXPECT_EQ(store.seen(), 0U);
  EXPECT_TRUE(store.mark_seen({"a", "1"}));
  EXPECT_FALSE(store.mark_seen({"a", "1"}));
  EXPECT_FALSE(store.mark_seen({"a", "9"}));
  store.put(stored("a/2", 2));
  store.put(stored("a/4", 2));
  EXPECT_EQ(store.seen(), 3U);
  EXPECT_EQ(keys_of(store.unseen()), (Names{"a/3"}));
}

}  // namespace
}  // namespace klutch::kube
