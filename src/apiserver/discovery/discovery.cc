// SPDX-License-Identifier: Apache-2.0
#include "apiserver/discovery/discovery.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "apiserver/discovery/documents.h"
#include "apiserver/endpoints/accept.h"
#include "apiserver/endpoints/rendering.h"
#include "json/print.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

/// The path without a slash at its end; empty: `/`.
std::span<const std::string> path_of(const http::ServerRequest& request) {
  std::span<const std::string> path = request.segments;
  if (!path.empty() && path.back().empty()) path = path.first(path.size() - 1);
  return path;
}

Error method_not_allowed() {
  auto status = std::make_shared<kube::Status>();
  status->http_status = 405;
  status->reason = "MethodNotAllowed";
  status->message = "the server does not allow this method on the requested resource";
  return Error(Code::kUnsupported, status->message).with_detail(status);
}

/// The version of apidiscovery.k8s.io that the client prefers to the plain documents; empty: none.
std::string aggregated_version(const http::ServerRequest& request) {
  const std::string accept = request.headers.joined("Accept");
  for (const AcceptClause& clause : parse_accept(accept)) {
    if (!clause.accepts("application", "json")) continue;
    const std::string_view kind = clause.parameter("as");
    if (kind.empty()) return {};
    const std::string_view version = clause.parameter("v");
    if (kind == "APIGroupDiscoveryList" && clause.parameter("g") == "apidiscovery.k8s.io" &&
        (version == "v2" || version == "v2beta1")) {
      return std::string(version);
    }
  }
  return {};
}

}  // namespace

Discovery::Discovery(Registry& registry, DiscoveryOptions options)
    : registry_(registry), options_(std::move(options)) {}

bool Discovery::handles(const http::ServerRequest& request) {
  const auto path = path_of(request);
  if (path.empty()) return true;
  if (path[0] == "version") return path.size() == 1;
  if (path[0] == "api") return path.size() <= 2;
  return path[0] == "apis" && path.size() <= 3;
}

Result<http::Response> Discovery::serve(const http::ServerRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return fail(method_not_allowed());
  const auto path = path_of(request);
  const bool is_root = path.size() == 1 && (path[0] == "api" || path[0] == "apis");
  if (is_root) {
    const std::string version = aggregated_version(request);
    if (!version.empty()) return serve_aggregated(request, path[0] == "api", version);
  }
  auto response = TRY(answer_with_object(request, TRY(find_object(request))));
  if (is_root) response.headers.add("Vary", "Accept");
  return response;
}

Result<http::Response> Discovery::serve_aggregated(const http::ServerRequest& request, bool core,
                                                   std::string_view version) {
  const auto& groups = registry_.groups();
  if (const auto now = registry_.generation(); now != generation_) {
    documents_.clear();
    generation_ = now;
  }
  const std::string key = (core ? "api/" : "apis/") + std::string(version);
  Document& document = documents_[key];
  if (!document) {
    document = make_document(
        json::print(group_discovery_list(groups, core, version)) + "\n",
        "application/json;g=apidiscovery.k8s.io;v=" + std::string(version) + ";as=APIGroupDiscoveryList");
  }
  return answer_with(request, document, {.cache_control = "public", .vary = "Accept"});
}

Result<json::Value> Discovery::find_object(const http::ServerRequest& request) const {
  const auto path = path_of(request);
  const auto& groups = registry_.groups();
  if (path.empty()) return path_list(groups, options_.other_paths);
  if (path[0] == "version") return server_version();
  const bool core = path[0] == "api";
  if (path.size() == 1) return core ? api_versions(request.authority) : api_group_list(groups);
  const std::string_view name = core ? std::string_view() : std::string_view(path[1]);
  const auto group = std::ranges::find(groups, name, &Registry::Group::name);
  if (group == groups.end() || (!core && name.empty())) return fail(page_not_found());
  if (!core && path.size() == 2) return api_group(*group);
  const auto version = std::ranges::find(group->versions, path.back(), &Registry::Version::version);
  if (version == group->versions.end()) return fail(page_not_found());
  return api_resource_list(group->name, *version);
}

}  // namespace klutch::apiserver
