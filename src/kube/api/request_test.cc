// SPDX-License-Identifier: Apache-2.0
#include "kube/api/request.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/strings.h"
#include "json/build.h"
#include "json/parse.h"

namespace klutch::kube {
namespace {

using json::array;
using json::object;

const ResourceType kSecretType{"", "v1", "secrets", "Secret"};
const ResourceType kDeploymentType{"apps", "v1", "deployments", "Deployment"};
const ResourceType kNamespaceType{"", "v1", "namespaces", "Namespace", false};
const ResourceType kClusterRoleType{"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false};

Object secret() {
  return object({{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"metadata", object({{"name", "token"}, {"namespace", "default"}})}});
}

TEST(Request, AddressesEveryKindOfResource) {
  struct Case {
    std::string_view reason;
    Request request;
    std::string_view method;
    std::string_view target;
    std::string_view text;
  };
  for (const auto& c : {
           Case{"core group", get_request(kSecretType, {"default", "token"}), "GET",
                "/api/v1/namespaces/default/secrets/token", "get secrets default/token"},
           Case{"named group", get_request(kDeploymentType, {"default", "web"}), "GET",
                "/apis/apps/v1/namespaces/default/deployments/web", "get deployments.apps default/web"},
           Case{"a namespace is no namespaced object", get_request(kNamespaceType, {"", "default"}), "GET",
                "/api/v1/namespaces/default", "get namespaces default"},
           Case{"a namespace is ignored where there is none",
                get_request(kClusterRoleType, {"default", "admin"}), "GET",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin",
                "get clusterroles.rbac.authorization.k8s.io admin"},
           Case{"subresource", get_request(kDeploymentType, {"d", "web"}, {.subresource = "scale"}), "GET",
                "/apis/apps/v1/namespaces/d/deployments/web/scale", "get deployments.apps/scale d/web"},
           Case{"any cached state", get_request(kSecretType, {"d", "t"}, {.resource_version = "0"}), "GET",
                "/api/v1/namespaces/d/secrets/t?resourceVersion=0", "get secrets d/t"},
           Case{"list in one namespace", list_request(kSecretType, {.ns = "default"}), "GET",
                "/api/v1/namespaces/default/secrets", "list secrets in default"},
           Case{"list in all namespaces", list_request(kSecretType), "GET", "/api/v1/secrets",
                "list secrets"},
           Case{"delete", delete_request(kSecretType, {"default", "token"}), "DELETE",
                "/api/v1/namespaces/default/secrets/token", "delete secrets default/token"},
           Case{"delete a collection", delete_collection_request(kSecretType, {.ns = "default"}), "DELETE",
                "/api/v1/namespaces/default/secrets", "deletecollection secrets in default"},
           Case{"outside of the resources", raw_request("/version"), "GET", "/version", "GET /version"},
       }) {
    const auto query = c.request.query.to_string();
    EXPECT_EQ(c.request.method, c.method) << c.reason;
    EXPECT_EQ(c.request.path + (query.empty() ? "" : "?" + query), c.target) << c.reason;
    EXPECT_EQ(c.request.to_string(), c.text) << c.reason;
    EXPECT_EQ(c.request.body, "") << c.reason;
    EXPECT_EQ(c.request.content_type, "") << c.reason;
    EXPECT_EQ(c.request.accept, "application/json") << c.reason;
  }
}

TEST(Request, NoNameLeavesItsSegment) {
  struct Case {
    std::string_view reason;
    std::string_view name;
    std::string_view segment;
  };
  for (const auto& c : {
           Case{"a slash, which servers see decoded", "a/b", "a%252Fb"},
           Case{"a slash at the end, which servers drop", "a/", "a%252F"},
           Case{"several", "/../a", "%252F..%252Fa"},
           Case{"a query", "a?watch=true", "a%3Fwatch%3Dtrue"},
           Case{"a fragment", "a#b", "a%23b"},
           Case{"a percent sign", "%2e%2e", "%252e%252e"},
           Case{"RBAC names have colons", "system:node", "system%3Anode"},
           Case{"white space", "a b\r\n", "a%20b%0D%0A"},
           Case{"not ASCII", "\xC3\xA9", "%C3%A9"},
           Case{"a zero byte", std::string_view("\0", 1), "%00"},
           Case{"dots resolve even when encoded once", "..", "%25.."},
           Case{"one dot too", ".", "%25."},
           Case{"three dots do not", "...", "..."},
           Case{"an empty one would address the collection", "", "%25"},
       }) {
    const auto request = delete_request(kSecretType, {"default", std::string(c.name)});
    EXPECT_EQ(request.path, "/api/v1/namespaces/default/secrets/" + std::string(c.segment)) << c.reason;
    const auto in_ns = list_request(kSecretType, {.ns = std::string(c.name)});
    if (c.name.empty()) continue;
    EXPECT_EQ(in_ns.path, "/api/v1/namespaces/" + std::string(c.segment) + "/secrets") << c.reason;
  }
}

TEST(Request, ListsWithSelectorsAndPages) {
  const auto request = list_request(kSecretType, {.ns = "default",
                                                  .labels = *LabelSelector::parse("a in (x,y),!b"),
                                                  .fields = *FieldSelector::parse("type=Opaque"),
                                                  .limit = 500,
                                                  .resource_version = "42",
                                                  .resource_version_match = "NotOlderThan"});
  EXPECT_EQ(request.query, (http::Query{{"labelSelector", "a in (x,y),!b"},
                                        {"fieldSelector", "type=Opaque"},
                                        {"limit", "500"},
                                        {"resourceVersion", "42"},
                                        {"resourceVersionMatch", "NotOlderThan"}}));
}

TEST(Request, AContinueTokenStandsForItsVersion) {
  const auto request = list_request(
      kSecretType,
      {.limit = 5, .continue_token = "abc", .resource_version = "42", .resource_version_match = "Exact"});
  EXPECT_EQ(request.query, (http::Query{{"limit", "5"}, {"continue", "abc"}}));
}

TEST(Request, SelectingNothingIsNotSelectingEverything) {
  const auto request = delete_collection_request(kSecretType, {.labels = LabelSelector::nothing()});
  EXPECT_EQ(request.query, (http::Query{{"labelSelector", "nothing,!nothing"}}));
}

TEST(Request, WatchesFromAVersionWithBookmarks) {
  const auto request = watch_request(kSecretType, {.ns = "default",
                                                   .labels = LabelSelector::exactly("a", "b"),
                                                   .resource_version = "42",
                                                   .timeout = std::chrono::minutes(5)});
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/api/v1/namespaces/default/secrets");
  EXPECT_EQ(request.query, (http::Query{{"watch", "true"},
                                        {"labelSelector", "a=b"},
                                        {"allowWatchBookmarks", "true"},
                                        {"resourceVersion", "42"},
                                        {"timeoutSeconds", "300"}}));
  EXPECT_EQ(watch_request(kSecretType, {.bookmarks = false}).query, (http::Query{{"watch", "true"}}));
}

TEST(Request, StreamsAListOnlyTogetherWithBookmarks) {
  const auto request = watch_request(kSecretType, {.bookmarks = false, .send_initial_events = true});
  EXPECT_EQ(request.query, (http::Query{{"watch", "true"},
                                        {"allowWatchBookmarks", "true"},
                                        {"sendInitialEvents", "true"},
                                        {"resourceVersionMatch", "NotOlderThan"}}));
}

TEST(Request, AsksForMetadataOnly) {
  const std::string one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
  EXPECT_EQ(get_request(kSecretType, {"d", "t"}, {.metadata_only = true}).accept, one);
  EXPECT_EQ(watch_request(kSecretType, {.metadata_only = true}).accept, one);
  EXPECT_EQ(list_request(kSecretType, {.metadata_only = true}).accept,
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json");
}

TEST(Request, CreatesInTheCollectionAndUpdatesInPlace) {
  const WriteOptions options{
      .field_manager = "me", .dry_run = true, .field_validation = FieldValidation::kStrict};
  const http::Query query{{"dryRun", "All"}, {"fieldManager", "me"}, {"fieldValidation", "Strict"}};

  const auto create = create_request(kSecretType, secret(), options);
  EXPECT_EQ(create.method, "POST");
  EXPECT_EQ(create.path, "/api/v1/namespaces/default/secrets");
  EXPECT_EQ(create.query, query);
  EXPECT_EQ(create.content_type, "application/json");
  EXPECT_EQ(*json::parse(create.body), secret());
  EXPECT_EQ(create.to_string(), "create secrets default/token");

  const auto update = update_request(kSecretType, secret(), options);
  EXPECT_EQ(update.method, "PUT");
  EXPECT_EQ(update.path, "/api/v1/namespaces/default/secrets/token");
  EXPECT_EQ(update.query, query);
  EXPECT_EQ(*json::parse(update.body), secret());
}

TEST(Request, WritesToSubresources) {
  const auto status = update_request(kSecretType, secret(), {.subresource = "status"});
  EXPECT_EQ(status.path, "/api/v1/namespaces/default/secrets/token/status");
  EXPECT_EQ(status.to_string(), "update secrets/status default/token");
  const auto token = create_request(kSecretType, secret(), {.subresource = "token"});
  EXPECT_EQ(token.method, "POST");
  EXPECT_EQ(token.path, "/api/v1/namespaces/default/secrets/token/token");
}

TEST(Request, SaysNothingThatIsLeftToTheServer) {
  EXPECT_TRUE(create_request(kSecretType, secret()).query.empty());
  EXPECT_TRUE(patch_request(kSecretType, {"d", "t"}, PatchType::kMerge, object({})).query.empty());
  EXPECT_EQ(create_request(kSecretType, secret(), {.field_validation = FieldValidation::kIgnore}).query,
            (http::Query{{"fieldValidation", "Ignore"}}));
  EXPECT_EQ(create_request(kSecretType, secret(), {.field_validation = FieldValidation::kWarn}).query,
            (http::Query{{"fieldValidation", "Warn"}}));
}

TEST(Request, NamesTheKindOfPatch) {
  struct Case {
    PatchType type;
    std::string_view content_type;
  };
  for (const auto& c : {Case{PatchType::kJson, "application/json-patch+json"},
                        Case{PatchType::kMerge, "application/merge-patch+json"},
                        Case{PatchType::kStrategicMerge, "application/strategic-merge-patch+json"},
                        Case{PatchType::kApply, "application/apply-patch+yaml"}}) {
    const auto request = patch_request(kDeploymentType, {"d", "web"}, c.type, object({{"spec", 1}}),
                                       {.field_manager = "me", .subresource = "status"});
    EXPECT_EQ(request.method, "PATCH") << c.content_type;
    EXPECT_EQ(request.path, "/apis/apps/v1/namespaces/d/deployments/web/status") << c.content_type;
    EXPECT_EQ(request.content_type, c.content_type);
    EXPECT_EQ(request.query, (http::Query{{"fieldManager", "me"}})) << c.content_type;
    EXPECT_EQ(request.body, R"({"spec":1})") << c.content_type;
  }
}

TEST(Request, ForcesOnlyAnApply) {
  const PatchOptions force{.field_manager = "me", .force = true};
  EXPECT_EQ(patch_request(kSecretType, {"d", "t"}, PatchType::kApply, secret(), force).query,
            (http::Query{{"fieldManager", "me"}, {"force", "true"}}));
  EXPECT_EQ(patch_request(kSecretType, {"d", "t"}, PatchType::kMerge, secret(), force).query,
            (http::Query{{"fieldManager", "me"}}));
}

TEST(Request, PutsAllDeleteOptionsIntoTheBody) {
  const auto request = delete_request(kSecretType, {"d", "t"},
                                      {.propagation = Propagation::kForeground,
                                       .uid = "u-1",
                                       .resource_version = "42",
                                       .grace_period_seconds = 0,
                                       .dry_run = true});
  EXPECT_TRUE(request.query.empty()) << "a server with a body does not look at it";
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(*json::parse(request.body),
            object({{"kind", "DeleteOptions"},
                    {"apiVersion", "v1"},
                    {"gracePeriodSeconds", 0},
                    {"preconditions", object({{"uid", "u-1"}, {"resourceVersion", "42"}})},
                    {"propagationPolicy", "Foreground"},
                    {"dryRun", array({"All"})}}));
  EXPECT_EQ(*json::parse(delete_request(kSecretType, {"d", "t"}, {.propagation = Propagation::kOrphan}).body),
            object({{"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"propagationPolicy", "Orphan"}}));
}

TEST(Request, SelectsWhatACollectionLoses) {
  const auto request = delete_collection_request(
      kSecretType, {.ns = "d", .labels = LabelSelector::exactly("a", "b"), .limit = 10},
      {.propagation = Propagation::kBackground});
  EXPECT_EQ(request.query, (http::Query{{"labelSelector", "a=b"}, {"limit", "10"}}));
  EXPECT_EQ(*json::parse(request.body),
            object({{"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"propagationPolicy", "Background"}}));
}

RC_GTEST_PROP(RequestProperty, AnyNameStaysOneSegmentThatReadsBack, ()) {
  const auto text = rc::gen::oneOf(
      rc::gen::arbitrary<std::string>(),
      rc::gen::container<std::string>(rc::gen::element('a', '/', '.', '%', '2', 'F', '?', ' ', ':')));
  const std::string ns = *text;
  const std::string name = *text;
  const auto request = get_request(kSecretType, {ns, name});
  const auto parts = split(request.path, '/');
  RC_ASSERT(parts.size() == (ns.empty() ? 5U : 7U));
  for (const auto part : parts) RC_ASSERT(part != "." && part != "..");
  RC_ASSERT(request.path.find_first_of("?#\\ \r\n") == std::string::npos);
  if (name.empty() || name == "." || name == "..") return;
  // Servers split what they have decoded.
  const auto decoded = *percent_decode(request.path);
  RC_ASSERT(split(decoded, '/').size() == parts.size());
  if (name.find('/') == std::string::npos) RC_ASSERT(*percent_decode(parts.back()) == name);
}

}  // namespace
}  // namespace klutch::kube
