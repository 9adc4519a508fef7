// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "apiserver/access/access.h"
#include "apiserver/access/rbac_cache.h"
#include "apiserver/auth/bootstrap_policy.h"
#include "apiserver/storage/storage.h"
#include "json/print.h"

// For the tests of this folder: objects put into a store as they are, and a store with the roles that every
// cluster begins with.

namespace klutch::apiserver {

inline void put_text(Ctx& ctx, Storage& storage, std::string_view type, const kube::Key& key,
                     std::string_view text) {
  const auto decide = [&](const StoredObject*, Revision) -> Result<Decision> {
    return Decision::put(std::string(text), {});
  };
  ASSERT_TRUE(storage.write(ctx, type, key, decide));
}

inline void remove_object(Ctx& ctx, Storage& storage, std::string_view type, const kube::Key& key) {
  const auto decide = [](const StoredObject*, Revision) -> Result<Decision> { return Decision::remove(); };
  ASSERT_TRUE(storage.write(ctx, type, key, decide));
}

inline const User kAlice{.name = "alice", .groups = {"system:authenticated"}};
inline const User kRoot{.name = "root", .groups = {"system:masters", "system:authenticated"}};
inline const User kNobody{.name = "system:anonymous", .groups = {"system:unauthenticated"}};

class TestCluster {
 public:
  explicit TestCluster(Ctx& owner) : ctx(owner), storage(*Storage::open(ctx, make_ephemeral_backend())) {
    for (const auto& object : bootstrap_policy()) put(object.type, object.key, json::print(object.object));
  }
  ~TestCluster() { storage->stop(ctx); }
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;

  void put(std::string_view type, const kube::Key& key, std::string_view text) {
    put_text(ctx, *storage, type, key, text);
  }
  /// Grants a ClusterRole to `subject`, JSON, everywhere.
  void bind(const std::string& role, const std::string& subject) {
    put(kClusterRoleBindingsType, {"", role + "-binding"},
        R"({"roleRef":{"kind":"ClusterRole","name":")" + role + R"("},"subjects":[)" + subject + "]}");
  }
  /// Grants `rules`, JSON, to alice everywhere.
  void grant_alice(const std::string& role, const std::string& rules) {
    put(kClusterRolesType, {"", role}, R"({"rules":)" + rules + "}");
    bind(role, R"({"kind":"User","name":"alice"})");
  }

  Ctx& ctx;
  std::unique_ptr<Storage> storage;
  RbacCache cache{*storage};
  Access access{cache};
};

}  // namespace klutch::apiserver
