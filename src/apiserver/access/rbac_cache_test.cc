// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/rbac_cache.h"

#include <gtest/gtest.h>

#include "apiserver/access/access_testing.h"
#include "apiserver/auth/bootstrap_policy.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

constexpr const char* kReadSecrets =
    R"({"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}]})";

RequestAttributes get_secret(std::string ns) {
  return {.is_resource = true,
          .verb = "get",
          .version = "v1",
          .ns = std::move(ns),
          .resource = "secrets",
          .name = "x"};
}

class Fixture {
 public:
  explicit Fixture(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())), cache(*storage) {}
  bool may(const std::string& user, const std::string& ns) const {
    return authorize(cache, {.name = user}, get_secret(ns)).has_value();
  }
  std::unique_ptr<Storage> storage;
  RbacCache cache;
};

constexpr const char* kBindAlice =
    R"({"roleRef":{"kind":"ClusterRole","name":"reader"},"subjects":[{"kind":"User","name":"alice"}]})";
constexpr const char* kBindBob =
    R"({"roleRef":{"kind":"Role","name":"reader"},"subjects":[{"kind":"User","name":"bob"}]})";

FIBER_TEST(RbacCache, KnowsARightFromTheMomentThatItIsStored) {
  Fixture fixture(ctx);
  auto& storage = *fixture.storage;
  EXPECT_FALSE(fixture.may("alice", "a"));
  put_text(ctx, storage, kClusterRolesType, {"", "reader"}, kReadSecrets);
  put_text(ctx, storage, kClusterRoleBindingsType, {"", "alice"}, kBindAlice);
  EXPECT_TRUE(fixture.may("alice", "a"));
  remove_object(ctx, storage, kClusterRoleBindingsType, {"", "alice"});
  EXPECT_FALSE(fixture.may("alice", "a"));
  storage.stop(ctx);
}

FIBER_TEST(RbacCache, KeepsNamespacesApart) {
  Fixture fixture(ctx);
  auto& storage = *fixture.storage;
  put_text(ctx, storage, kClusterRolesType, {"", "reader"}, kReadSecrets);
  put_text(ctx, storage, kRolesType, {"b", "reader"}, kReadSecrets);
  put_text(ctx, storage, kRoleBindingsType, {"a", "alice"}, kBindAlice);
  put_text(ctx, storage, kRoleBindingsType, {"b", "bob"}, kBindBob);
  put_text(ctx, storage, kRoleBindingsType, {"c", "bob"}, kBindBob);
  EXPECT_TRUE(fixture.may("alice", "a"));
  EXPECT_FALSE(fixture.may("alice", "b"));
  EXPECT_TRUE(fixture.may("bob", "b"));
  EXPECT_FALSE(fixture.may("bob", "c")) << "the role is in another namespace";
  EXPECT_FALSE(fixture.may("bob", ""));
  remove_object(ctx, storage, kRolesType, {"b", "reader"});
  EXPECT_FALSE(fixture.may("bob", "b"));
  EXPECT_TRUE(fixture.may("alice", "a"));
  storage.stop(ctx);
}

FIBER_TEST(RbacCache, BelievesWhereABindingIsStoredNotWhatItSays) {
  Fixture fixture(ctx);
  auto& storage = *fixture.storage;
  put_text(ctx, storage, kClusterRolesType, {"", "reader"}, kReadSecrets);
  put_text(ctx, storage, kRoleBindingsType, {"a", "robot"},
           R"({"metadata":{"name":"robot","namespace":"b"},"roleRef":{"kind":"ClusterRole","name":"reader"},
               "subjects":[{"kind":"ServiceAccount","name":"robot"}]})");
  EXPECT_TRUE(fixture.may("system:serviceaccount:a:robot", "a"));
  EXPECT_FALSE(fixture.may("system:serviceaccount:b:robot", "a"));
  storage.stop(ctx);
}

FIBER_TEST(RbacCache, ParsesOncePerChange) {
  Fixture fixture(ctx);
  auto& storage = *fixture.storage;
  put_text(ctx, storage, kClusterRolesType, {"", "reader"}, kReadSecrets);
  put_text(ctx, storage, kClusterRolesType, {"", "other"}, kReadSecrets);
  const auto before = fixture.cache.rules_of_role("", "reader");
  put_text(ctx, storage, kClusterRolesType, {"", "other"}, R"({"rules":[]})");
  EXPECT_EQ(fixture.cache.rules_of_role("", "reader"), before);
  EXPECT_TRUE(fixture.cache.rules_of_role("", "other")->empty());
  storage.stop(ctx);
}

FIBER_TEST(RbacCache, LoadsAnewWhenHistoryIsLost) {
  Fixture fixture(ctx);
  auto& storage = *fixture.storage;
  put_text(ctx, storage, kClusterRolesType, {"", "reader"}, kReadSecrets);
  put_text(ctx, storage, kClusterRoleBindingsType, {"", "alice"}, kBindAlice);
  put_text(ctx, storage, kRoleBindingsType, {"a", "alice"}, kBindAlice);
  EXPECT_TRUE(fixture.may("alice", "b"));
  remove_object(ctx, storage, kClusterRoleBindingsType, {"", "alice"});
  storage.compact();
  EXPECT_FALSE(fixture.may("alice", "b")) << "the binding is gone";
  EXPECT_TRUE(fixture.may("alice", "a")) << "the other one is not";
  storage.stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
