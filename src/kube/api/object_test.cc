// SPDX-License-Identifier: Apache-2.0
#include "kube/api/object.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/time.h"
#include "json/build.h"
#include "json/parse.h"
#include "testing/arbitrary_json.h"

namespace klutch::kube {
namespace {

using json::array;
using json::object;

Object web() {
  return object({{"apiVersion", "apps/v1"},
                 {"kind", "Deployment"},
                 {"metadata", object({{"name", "web"},
                                      {"namespace", "default"},
                                      {"uid", "u-1"},
                                      {"resourceVersion", "42"},
                                      {"generation", 7},
                                      {"creationTimestamp", "2026-01-02T03:04:05Z"}})}});
}

/// Whether it changed anything; it must not fail.
bool sets_owner(Object& object, const Object& owner, bool controller) {
  const auto result = set_owner(object, owner, controller);
  EXPECT_TRUE(result.has_value()) << result.error().message();
  return result.value_or(false);
}

Object owner_in(std::string_view ns) {
  auto owner = object({{"apiVersion", "ex.io/v1"},
                       {"kind", "Widget"},
                       {"metadata", object({{"name", "w"}, {"uid", "u-w"}})}});
  if (!ns.empty()) owner["metadata"]["namespace"] = ns;
  return owner;
}

TEST(Object, ReadsItsMetadata) {
  const auto it = web();
  EXPECT_EQ(api_version(it), "apps/v1");
  EXPECT_EQ(kind(it), "Deployment");
  EXPECT_EQ(name(it), "web");
  EXPECT_EQ(ns(it), "default");
  EXPECT_EQ(key(it), (Key{"default", "web"}));
  EXPECT_EQ(uid(it), "u-1");
  EXPECT_EQ(resource_version(it), "42");
  EXPECT_EQ(generation(it), 7);
  EXPECT_EQ(creation_time(it), *parse_rfc3339("2026-01-02T03:04:05Z"));
  EXPECT_FALSE(is_deleting(it));
  EXPECT_FALSE(deletion_time(it).has_value());
}

TEST(Object, IsDeletingOnceItHasADeletionTimestamp) {
  auto it = web();
  it["metadata"]["deletionTimestamp"] = nullptr;
  EXPECT_FALSE(is_deleting(it));
  it["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:06Z";
  EXPECT_TRUE(is_deleting(it));
  EXPECT_EQ(deletion_time(it), *parse_rfc3339("2026-01-02T03:04:06Z"));
  it["metadata"]["deletionTimestamp"] = "soon";
  EXPECT_TRUE(is_deleting(it)) << "the time is unreadable, the deletion is not";
  EXPECT_FALSE(deletion_time(it).has_value());
}

TEST(Object, ReadsAsEmptyWhatIsMissingOrOfTheWrongKind) {
  for (const auto* text :
       {"null", "7", "\"x\"", "[]", "{}", R"({"metadata":null})", R"({"metadata":[1]})",
        R"({"metadata":"x"})",
        R"({"apiVersion":1,"kind":[],"metadata":{"name":1,"namespace":{},"uid":null,)"
        R"("resourceVersion":5,"generation":"1","creationTimestamp":3,"labels":"x","annotations":[],)"
        R"("finalizers":{"a":"b"},"ownerReferences":"x"}})"}) {
    const auto it = *json::parse(text);
    EXPECT_EQ(api_version(it), "") << text;
    EXPECT_EQ(kind(it), "") << text;
    EXPECT_EQ(key(it), Key{}) << text;
    EXPECT_EQ(uid(it), "") << text;
    EXPECT_EQ(resource_version(it), "") << text;
    EXPECT_EQ(generation(it), 0) << text;
    EXPECT_FALSE(creation_time(it).has_value()) << text;
    EXPECT_FALSE(is_deleting(it)) << text;
    EXPECT_FALSE(label(it, "a").has_value()) << text;
    EXPECT_FALSE(annotation(it, "a").has_value()) << text;
    EXPECT_FALSE(has_finalizer(it, "a")) << text;
    EXPECT_TRUE(owner_references(it).empty()) << text;
    EXPECT_FALSE(controller_of(it).has_value()) << text;
  }
}

TEST(Object, SetsAndRemovesLabelsAndAnnotations) {
  auto it = web();
  EXPECT_TRUE(set_label(it, "a", "1"));
  EXPECT_FALSE(set_label(it, "a", "1"));
  EXPECT_TRUE(set_label(it, "a", "2"));
  EXPECT_EQ(label(it, "a"), "2");
  EXPECT_FALSE(annotation(it, "a").has_value());
  EXPECT_TRUE(set_annotation(it, "b", ""));
  EXPECT_EQ(annotation(it, "b"), "");
  EXPECT_TRUE(remove_annotation(it, "b"));
  EXPECT_FALSE(remove_annotation(it, "b"));
  EXPECT_TRUE(remove_label(it, "a"));
  EXPECT_FALSE(remove_label(it, "a"));
  EXPECT_EQ(it, web()) << "an empty map is not left behind";
}

TEST(Object, RemovingALabelKeepsTheOthers) {
  auto it = web();
  set_label(it, "a", "1");
  set_label(it, "b", "2");
  EXPECT_TRUE(remove_label(it, "a"));
  EXPECT_EQ(label(it, "b"), "2");
}

TEST(Object, RemovesAFinalizerWhereverItStands) {
  auto it = web();
  EXPECT_TRUE(add_finalizer(it, "ex.io/a"));
  EXPECT_TRUE(add_finalizer(it, "ex.io/b"));
  EXPECT_FALSE(add_finalizer(it, "ex.io/a"));
  EXPECT_TRUE(has_finalizer(it, "ex.io/b"));
  EXPECT_TRUE(remove_finalizer(it, "ex.io/a"));
  EXPECT_FALSE(has_finalizer(it, "ex.io/a"));
  EXPECT_TRUE(has_finalizer(it, "ex.io/b"));
  EXPECT_FALSE(remove_finalizer(it, "ex.io/a"));
  EXPECT_TRUE(remove_finalizer(it, "ex.io/b"));
  EXPECT_EQ(it, web()) << "the list goes with its last entry";
}

TEST(Object, RemovesEveryCopyOfAFinalizer) {
  auto it = web();
  it["metadata"]["finalizers"] = array({"x", "y", "x", 7});
  EXPECT_TRUE(remove_finalizer(it, "x"));
  EXPECT_EQ(*it["metadata"].find("finalizers"), array({"y", 7}));
}

TEST(Object, WritesEvenWhereTheWrongKindStood) {
  for (const auto* text :
       {"null", "5", R"({"metadata":"x"})", R"({"metadata":{"labels":3,"finalizers":{}}})"}) {
    auto it = *json::parse(text);
    EXPECT_TRUE(set_label(it, "a", "1")) << text;
    EXPECT_EQ(label(it, "a"), "1") << text;
    EXPECT_TRUE(add_finalizer(it, "f")) << text;
    EXPECT_TRUE(has_finalizer(it, "f")) << text;
  }
}

TEST(Owner, IsAddedOnceAndUpdatedByItsUid) {
  auto it = web();
  EXPECT_TRUE(sets_owner(it, owner_in("default"), true));
  EXPECT_FALSE(sets_owner(it, owner_in("default"), true));
  const OwnerReference expected{"ex.io/v1", "Widget", "w", "u-w", true, true};
  EXPECT_EQ(owner_references(it), std::vector{expected});
  EXPECT_EQ(controller_of(it), expected);

  EXPECT_TRUE(sets_owner(it, owner_in("default"), false));
  EXPECT_EQ(owner_references(it).size(), 1U);
  EXPECT_FALSE(controller_of(it).has_value());

  auto renamed = owner_in("default");
  renamed["apiVersion"] = "ex.io/v2";
  EXPECT_TRUE(sets_owner(it, renamed, false));
  EXPECT_EQ(owner_references(it).front().api_version, "ex.io/v2");
  EXPECT_TRUE(remove_owner(it, "u-w"));
  EXPECT_FALSE(remove_owner(it, "u-w"));
  EXPECT_EQ(it, web());
}

TEST(Owner, MustBeReachableFromTheObjectsNamespace) {
  struct Case {
    std::string_view reason;
    std::string_view owner_ns;
    std::string_view object_ns;
    bool allowed;
  };
  for (const auto& c :
       {Case{"same namespace", "default", "default", true},
        Case{"an owner without namespace may own anything", "", "default", true},
        Case{"both without namespace", "", "", true},
        Case{"garbage collection does not look into other namespaces", "other", "default", false},
        Case{"an object without namespace outlives namespaces", "default", "", false}}) {
    auto it = web();
    if (c.object_ns.empty()) it["metadata"].erase("namespace");
    const auto before = it;
    const auto result = set_owner(it, owner_in(c.owner_ns), true);
    EXPECT_EQ(result.has_value(), c.allowed) << c.reason;
    if (c.allowed) continue;
    EXPECT_EQ(result.error().code(), Code::kInvalid) << c.reason;
    EXPECT_EQ(it, before) << c.reason;
  }
}

TEST(Owner, NeedsAnIdentity) {
  for (const auto* missing : {"uid", "name"}) {
    auto it = web();
    auto owner = owner_in("default");
    owner["metadata"].erase(missing);
    const auto result = set_owner(it, owner, false);
    ASSERT_FALSE(result.has_value()) << missing;
    EXPECT_EQ(result.error().code(), Code::kInvalid) << missing;
  }
}

TEST(Owner, CannotTakeAnObjectFromItsController) {
  auto it = web();
  ASSERT_TRUE(sets_owner(it, owner_in("default"), true));
  auto rival = owner_in("default");
  rival["metadata"]["uid"] = "u-rival";
  rival["metadata"]["name"] = "rival";
  const auto before = it;
  const auto result = set_owner(it, rival, true);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), Code::kAlreadyExists);
  EXPECT_NE(result.error().message().find("Widget \"w\""), std::string::npos) << result.error().message();
  EXPECT_EQ(it, before);
  EXPECT_TRUE(sets_owner(it, rival, false)) << "it may be one more owner";
  EXPECT_EQ(owner_references(it).size(), 2U);
}

class Thing : public Resource {
 public:
  using Resource::Resource;
  explicit Thing(const Key& key) : Resource(blank(type(), key)) {}
  static const ResourceType& type() {
    static const ResourceType kType{"ex.io", "v1", "things", "Thing"};
    return kType;
  }
};
static_assert(Kind<Thing>);

TEST(Resource, StartsWithWhatIdentifiesIt) {
  const Thing thing(Key{"default", "t"});
  EXPECT_EQ(thing.object(), object({{"apiVersion", "ex.io/v1"},
                                    {"kind", "Thing"},
                                    {"metadata", object({{"name", "t"}, {"namespace", "default"}})}}));
  EXPECT_EQ(thing.key(), (Key{"default", "t"}));
}

TEST(Resource, ReadingSpecAndStatusAddsNothing) {
  const Thing thing(Key{"default", "t"});
  EXPECT_TRUE(thing.spec().empty());
  EXPECT_TRUE(thing.status().empty());
  EXPECT_FALSE(thing.object().contains("spec"));
  Thing other = thing;
  other.spec()["size"] = 3;
  other.status()["ready"] = true;
  EXPECT_EQ(other.object().find("spec")->find_int("size"), 3);
  EXPECT_EQ(std::as_const(other).status().find_bool("ready"), true);
  EXPECT_FALSE(thing.object().contains("spec")) << "copies are deep";
}

TEST(Resource, GivesAccessToItsConditions) {
  Thing thing(Key{"", "t"});
  EXPECT_TRUE(thing.conditions().set_true("Ready"));
  EXPECT_TRUE(thing.conditions().is_true("Ready"));
}

RC_GTEST_PROP(ObjectProperty, AddingAndRemovingIsNoChange,
              (const std::string& key, const std::string& value)) {
  auto it = *testing::arbitrary_json_object();
  it["metadata"] = object({{"name", "x"}, {"labels", object({{"keep", "1"}})}});
  RC_PRE(key != "keep");
  const auto before = it;
  RC_ASSERT(set_label(it, key, value));
  RC_ASSERT(label(it, key) == value);
  RC_ASSERT(remove_label(it, key));
  RC_ASSERT(set_annotation(it, key, value));
  RC_ASSERT(remove_annotation(it, key));
  RC_ASSERT(add_finalizer(it, key));
  RC_ASSERT(!add_finalizer(it, key));
  RC_ASSERT(remove_finalizer(it, key));
  RC_ASSERT(it == before);
}

RC_GTEST_PROP(ObjectProperty, AnyJsonCanBeReadAndWritten, (const json::Value& any)) {
  auto it = any;
  if (it.is_object()) it["metadata"] = *testing::arbitrary_json();
  (void)key(it);
  (void)is_deleting(it);
  (void)owner_references(it);
  (void)remove_label(it, "a");
  (void)remove_finalizer(it, "a");
  (void)remove_owner(it, "a");
  (void)set_label(it, "a", "b");
  RC_ASSERT(label(it, "a") == "b");
  (void)add_finalizer(it, "f");
  RC_ASSERT(has_finalizer(it, "f"));
  RC_ASSERT(set_owner(it, owner_in(""), false).has_value());
  RC_ASSERT(owner_references(it).back().uid == "u-w");
}

}  // namespace
}  // namespace klutch::kube
