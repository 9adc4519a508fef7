// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/access.h"

#include <gtest/gtest.h>

#include "apiserver/access/access_testing.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

RequestAttributes asks(std::string verb, std::string resource, std::string ns = "", std::string name = "",
                       std::string group = "") {
  return {.is_resource = true,
          .verb = std::move(verb),
          .group = std::move(group),
          .version = "v1",
          .ns = std::move(ns),
          .resource = std::move(resource),
          .name = std::move(name)};
}

RequestAttributes visits(std::string path) {
  return {.verb = "get", .path = std::move(path)};
}

FIBER_TEST(Access, SaysWhatIsForbiddenAsKubernetesDoes) {
  TestCluster fixture(ctx);
  struct Case {
    RequestAttributes request;
    const char* message;
  };
  const Case cases[] = {
      {asks("get", "deployments", "default", "foo", "apps"),
       R"(deployments.apps "foo" is forbidden: User "alice" cannot get resource "deployments" in API group "apps" in the namespace "default")"},
      {asks("list", "secrets"),
       R"(secrets is forbidden: User "alice" cannot list resource "secrets" in API group "" at the cluster scope)"},
      {visits("/metrics"), R"(forbidden: User "alice" cannot get path "/metrics")"},
      {visits("/<b>&"), R"(forbidden: User "alice" cannot get path "/&lt;b&gt;&amp;")"},
  };
  for (const auto& [request, message] : cases) {
    const auto result = fixture.access.check(kAlice, request);
    ASSERT_FALSE(result) << message;
    EXPECT_EQ(result.error().code(), Code::kForbidden);
    EXPECT_EQ(result.error().message(), message);
    const auto status = kube::Status::from_error(result.error());
    EXPECT_EQ(status.http_status, 403);
    EXPECT_EQ(status.reason, "Forbidden");
    EXPECT_EQ(status.kind, request.resource);
    EXPECT_EQ(status.group, request.group);
    EXPECT_EQ(status.name, request.name);
    EXPECT_EQ(status.message, message);
  }
}

FIBER_TEST(Access, TellsThatARoleIsMissing) {
  TestCluster fixture(ctx);
  fixture.bind("gone", R"({"kind":"User","name":"alice"})");
  fixture.put(kRoleBindingsType, {"a", "x"},
              R"({"roleRef":{"kind":"Role","name":"lost"},"subjects":[{"kind":"User","name":"alice"}]})");
  EXPECT_EQ(fixture.access.check(kAlice, asks("list", "secrets")).error().message(),
            R"(secrets is forbidden: User "alice" cannot list resource "secrets" in API group "" at the )"
            R"(cluster scope: RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found)");
  EXPECT_EQ(fixture.access.decide(kAlice, asks("list", "secrets", "a")).reason,
            R"(RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, )"
            R"(role.rbac.authorization.k8s.io "lost" not found])");
  EXPECT_EQ(fixture.access.decide({.name = "bob"}, asks("list", "secrets", "a")).reason, "");
}

FIBER_TEST(Access, LetsMastersDoAnything) {
  TestCluster fixture(ctx);
  EXPECT_TRUE(fixture.access.check(kRoot, asks("delete", "nodes")));
  EXPECT_TRUE(fixture.access.check(kRoot, visits("/metrics")));
}

FIBER_TEST(Access, ShowsNobodyHealthAndVersionAndNoMore) {
  TestCluster fixture(ctx);
  fixture.bind("cluster-admin", R"({"kind":"Group","name":"system:unauthenticated"})");
  for (const char* path : {"/healthz", "/livez", "/readyz", "/version"}) {
    EXPECT_TRUE(fixture.access.check(kNobody, visits(path))) << path;
  }
  for (const char* path : {"/", "/api", "/metrics", "/healthz/etcd", "/openid/v1/jwks"}) {
    EXPECT_FALSE(fixture.access.check(kNobody, visits(path))) << path << ": although a role says so";
  }
  EXPECT_FALSE(fixture.access.check(kNobody, asks("get", "secrets", "a", "x")));
  EXPECT_FALSE(fixture.access.check({.name = "eve", .groups = {"system:unauthenticated"}},
                                    asks("get", "secrets", "a", "x")));
  const Access open(fixture.cache, {.anonymous_as_roles_say = true});
  EXPECT_TRUE(open.check(kNobody, visits("/openid/v1/jwks")));
}

FIBER_TEST(Access, ShowsNobodyNothingWithoutARole) {
  TestCluster fixture(ctx);
  fixture.put(kClusterRolesType, {"", "system:public-info-viewer"}, R"({"rules":[]})");
  EXPECT_FALSE(fixture.access.check(kNobody, visits("/healthz")));
}

FIBER_TEST(Access, LetsWhoMayActAsSomebodyElse) {
  TestCluster fixture(ctx);
  fixture.put(kClusterRolesType, {"", "actor"}, R"({"rules":[
      {"verbs":["impersonate"],"apiGroups":[""],"resources":["users"],"resourceNames":["bob"]},
      {"verbs":["impersonate"],"apiGroups":[""],"resources":["groups"],"resourceNames":["dev"]},
      {"verbs":["impersonate"],"apiGroups":["authentication.k8s.io"],"resources":["userextras/scopes"],
       "resourceNames":["view"]}]})");
  fixture.bind("actor", R"({"kind":"User","name":"alice"})");
  struct Case {
    http::Headers headers;
    bool allowed;
    const char* reason;
  };
  const Case cases[] = {
      {{{"Impersonate-User", "bob"}}, true, "granted"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Group", "dev"}}, true, "both granted"},
      {{{"Impersonate-User", "carol"}}, false, "another user"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Group", "system:masters"}}, false, "a mightier group"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Group", "dev"}, {"Impersonate-Group", "ops"}},
       false,
       "one of two groups"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Extra-Scopes", "view"}}, true, "extra"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Extra-Scopes", "edit"}}, false, "another value of extra"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Extra-Other", "view"}}, false, "another extra"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Uid", "1"}}, false, "a uid"},
      {{{"Impersonate-User", "system:serviceaccount:a:b"}}, false, "a ServiceAccount"},
  };
  for (const auto& [headers, allowed, reason] : cases) {
    const auto user = fixture.access.impersonated(kAlice, headers);
    ASSERT_EQ(user.has_value(), allowed) << reason;
    if (allowed) {
      EXPECT_EQ(user->name, "bob") << reason;
    } else {
      EXPECT_EQ(user.error().code(), Code::kForbidden) << reason;
    }
  }
  EXPECT_EQ(fixture.access.impersonated(kAlice, {})->name, "alice");
  EXPECT_FALSE(fixture.access.impersonated(kNobody, {{"Impersonate-User", "bob"}}));
  EXPECT_EQ(
      fixture.access.impersonated(kAlice, {{"Impersonate-User", "carol"}}).error().message(),
      R"(users "carol" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at )"
      R"(the cluster scope)");
}

}  // namespace
}  // namespace klutch::apiserver
