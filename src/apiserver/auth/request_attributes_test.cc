// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/request_attributes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace klutch::apiserver {
namespace {

std::string describe(std::string_view method, std::string_view target) {
  const auto mark = target.find('?');
  std::vector<std::string> segments;
  for (const auto piece : split(target.substr(1, mark == std::string_view::npos ? mark : mark - 1), '/')) {
    segments.emplace_back(piece);
  }
  const auto query =
      http::Query::parse_form(mark == std::string_view::npos ? "" : target.substr(mark + 1)).value();
  const auto r = RequestAttributes::from_request(method, segments, query);
  if (!r.is_resource) return fmt::format("{} {}", r.verb, r.path);
  return fmt::format("{} group={} version={} ns={} resource={} name={} sub={}", r.verb, r.group, r.version,
                     r.ns, r.resource, r.name, r.subresource);
}

TEST(RequestAttributes, AreReadFromMethodAndUrl) {
  struct Case {
    const char* method;
    const char* target;
    const char* wanted;
  };
  const Case cases[] = {
      {"GET", "/api/v1/namespaces/a/pods", "list group= version=v1 ns=a resource=pods name= sub="},
      {"GET", "/api/v1/namespaces/a/pods/x", "get group= version=v1 ns=a resource=pods name=x sub="},
      {"GET", "/api/v1/namespaces/a/pods/x/log", "get group= version=v1 ns=a resource=pods name=x sub=log"},
      {"GET", "/apis/apps/v1/deployments", "list group=apps version=v1 ns= resource=deployments name= sub="},
      {"GET", "/apis/apps/v1/deployments?watch=true",
       "watch group=apps version=v1 ns= resource=deployments name= sub="},
      {"GET", "/apis/apps/v1/deployments?watch=false",
       "list group=apps version=v1 ns= resource=deployments name= sub="},
      {"GET", "/apis/apps/v1/watch/namespaces/a/deployments/x",
       "watch group=apps version=v1 ns=a resource=deployments name=x sub="},
      {"POST", "/api/v1/namespaces", "create group= version=v1 ns= resource=namespaces name= sub="},
      {"GET", "/api/v1/namespaces/a", "get group= version=v1 ns=a resource=namespaces name=a sub="},
      {"PUT", "/api/v1/namespaces/a/finalize",
       "update group= version=v1 ns=a resource=namespaces name=a sub=finalize"},
      {"PATCH", "/api/v1/namespaces/a/status",
       "patch group= version=v1 ns=a resource=namespaces name=a sub=status"},
      {"DELETE", "/api/v1/namespaces/a/pods",
       "deletecollection group= version=v1 ns=a resource=pods name= sub="},
      {"DELETE", "/api/v1/namespaces/a/pods/x", "delete group= version=v1 ns=a resource=pods name=x sub="},
      {"GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dx",
       "list group= version=v1 ns=a resource=pods name=x sub="},
      {"GET", "/api/v1/pods?watch=1&fieldSelector=metadata.name%3Dx,spec.nodeName%3Dn",
       "watch group= version=v1 ns= resource=pods name=x sub="},
      {"GET", "/api/v1/pods?fieldSelector=metadata.name!%3Dx",
       "list group= version=v1 ns= resource=pods name= sub="},
      {"DELETE", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dx",
       "deletecollection group= version=v1 ns=a resource=pods name= sub="},
      {"GET", "/api/v1/pods?fieldSelector=metadata.name%3D..",
       "list group= version=v1 ns= resource=pods name= sub="},
      {"GET", "/api/v1/pods?watch=abc", "watch group= version=v1 ns= resource=pods name= sub="},
      {"GET", "/api/v1/pods?watch=FALSE", "list group= version=v1 ns= resource=pods name= sub="},
      {"GET", "/api/v1", "get /api/v1"},
      {"GET", "/apis/apps/v1", "get /apis/apps/v1"},
      {"GET", "/healthz", "get /healthz"},
      {"POST", "/openapi/v2", "post /openapi/v2"},
  };
  for (const auto& test : cases) EXPECT_EQ(describe(test.method, test.target), test.wanted) << test.target;
}

}  // namespace
}  // namespace klutch::apiserver
