// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/mapper.h"

#include <gtest/gtest.h>

#include "json/build.h"
#include "kube/api/kinds.h"

namespace klutch::kube {
namespace {

using json::array;
using json::object;

const ResourceType kWidget{"example.com", "v2", "widgets", "Widget"};
const ResourceType kSite{"example.com", "v1", "sites", "Site", /*namespaced=*/false};

Object owned_by(const char* api_version, const char* kind, bool controller) {
  return object({{"metadata", object({{"namespace", "ns"},
                                      {"name", "part"},
                                      {"ownerReferences", array({object({{"apiVersion", api_version},
                                                                         {"kind", kind},
                                                                         {"name", "owner"},
                                                                         {"uid", "u"},
                                                                         {"controller", controller}})})}})}});
}

TEST(Mapper, OwnersAreFoundByControllerReference) {
  struct Case {
    Object part;
    ResourceType owner;
    std::vector<Key> expected;
    const char* reason;
  };
  for (const Case& c : {
           Case{owned_by("example.com/v1", "Widget", true), kWidget, {{"ns", "owner"}}, "any version counts"},
           Case{owned_by("example.com/v1", "Site", true),
                kSite,
                {{"", "owner"}},
                "an owner without namespace"},
           Case{owned_by("example.com/v1", "Widget", false), kWidget, {}, "an owner that is no controller"},
           Case{owned_by("other.com/v1", "Widget", true), kWidget, {}, "another group"},
           Case{owned_by("example.com/v1", "Gadget", true), kWidget, {}, "another kind"},
           Case{owned_by("a/b/c", "Widget", true), kWidget, {}, "a version that is none"},
           Case{object({}), kWidget, {}, "no metadata at all"},
       }) {
    EXPECT_EQ(enqueue_owner(c.owner)(c.part), c.expected) << c.reason;
  }
}

TEST(Mapper, SingletonAndSameKey) {
  const Object part = owned_by("v1", "Widget", true);
  EXPECT_EQ(enqueue_singleton({"a", "b"})(part), (std::vector<Key>{{"a", "b"}}));
  EXPECT_EQ(enqueue_same_key()(part), (std::vector<Key>{{"ns", "part"}}));
}

TEST(Predicate, TellSpecFromStatusAndMetadata) {
  const Object start =
      object({{"metadata",
               object({{"name", "a"}, {"uid", "u"}, {"generation", 1}, {"labels", object({{"l", "v"}})}})}});
  struct Case {
    void (*change)(Object&);
    bool generation, meant;
    const char* reason;
  };
  for (const Case& c : {
           Case{[](Object& o) { o.set("status", "new"); }, false, false, "status"},
           Case{[](Object& o) { o["metadata"].set("resourceVersion", "9"); }, false, false, "only a version"},
           Case{[](Object& o) { o["metadata"].set("generation", 2); }, true, true, "spec"},
           Case{[](Object& o) { o["metadata"].erase("generation"); }, true, true,
                "a type that does not count"},
           Case{[](Object& o) { o["metadata"].set("deletionTimestamp", "2026-01-01T00:00:00Z"); }, true, true,
                "deletion begins"},
           Case{[](Object& o) { o["metadata"].set("uid", "w"); }, true, true, "another object"},
           Case{[](Object& o) { set_label(o, "l", "w"); }, false, true, "a label"},
           Case{[](Object& o) { remove_label(o, "l"); }, false, true, "a label goes"},
           Case{[](Object& o) { set_annotation(o, "a", "v"); }, false, true, "an annotation"},
           Case{[](Object& o) { add_finalizer(o, "f"); }, false, true, "a finalizer"},
       }) {
    Object changed = start;
    c.change(changed);
    const Change change{.kind = Change::Kind::kUpdated,
                        .before = std::make_shared<const Object>(start),
                        .now = std::make_shared<const Object>(changed)};
    EXPECT_EQ(generation_changed()(change), c.generation) << c.reason;
    EXPECT_EQ(not_only_status()(change), c.meant) << c.reason;
  }
  const Change added{.now = std::make_shared<const Object>(start)};
  EXPECT_TRUE(generation_changed()(added));
  EXPECT_TRUE(not_only_status()(added));
}

}  // namespace
}  // namespace klutch::kube
