// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/strings.h"
#include "json/build.h"
#include "testing/memory_api.h"

namespace klutch::testing {
namespace {

constexpr std::string_view kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

json::Value text_list(const std::vector<std::string>& texts) {
  auto list = json::Value::empty_array();
  for (const auto& text : texts) list.push_back(text);
  return list;
}

json::Value verbs_of_objects() {
  return json::array({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"});
}

json::Value verbs_of_status() {
  return json::array({"get", "patch", "update"});
}

json::Value gvk(const ServedType& type) {
  return json::object({{"group", type.type.group}, {"version", type.type.version}, {"kind", type.type.kind}});
}

/// group -> version -> types
using Groups = std::map<std::string, std::map<std::string, std::vector<const ServedType*>>>;

Groups groups_of(const MemoryApi& api) {
  Groups groups;
  for (const auto* type : api.store.types()) groups[type->type.group][type->type.version].push_back(type);
  return groups;
}

json::Value aggregated_resource(const ServedType& type) {
  auto resource = json::object({{"resource", type.type.resource},
                                {"responseKind", gvk(type)},
                                {"scope", type.type.namespaced ? "Namespaced" : "Cluster"},
                                {"singularResource", to_lower(type.type.kind)},
                                {"verbs", verbs_of_objects()}});
  if (!type.short_names.empty()) resource.set("shortNames", text_list(type.short_names));
  if (type.status_subresource) {
    resource.set(
        "subresources",
        json::array({json::object(
            {{"subresource", "status"}, {"responseKind", gvk(type)}, {"verbs", verbs_of_status()}})}));
  }
  return resource;
}

http::Response aggregated(const MemoryApi& api, bool core) {
  auto items = json::Value::empty_array();
  for (const auto& [group, versions] : groups_of(api)) {
    if (group.empty() != core) continue;
    auto list = json::Value::empty_array();
    for (const auto& [version, types] : versions) {
      auto resources = json::Value::empty_array();
      for (const auto* type : types) resources.push_back(aggregated_resource(*type));
      list.push_back(json::object(
          {{"version", version}, {"freshness", "Current"}, {"resources", std::move(resources)}}));
    }
    auto metadata = json::Value::empty_object();
    if (!group.empty()) metadata.set("name", group);
    items.push_back(json::object({{"metadata", std::move(metadata)}, {"versions", std::move(list)}}));
  }
  auto response = json_response(200, json::object({{"kind", "APIGroupDiscoveryList"},
                                                   {"apiVersion", "apidiscovery.k8s.io/v2"},
                                                   {"metadata", json::object()},
                                                   {"items", std::move(items)}}));
  response.headers.set("Content-Type", kAggregated);
  response.headers.set("Vary", "Accept");
  return response;
}

json::Value group_object(const std::string& group, const std::vector<std::string>& versions) {
  const auto entry = [&](const std::string& version) {
    return json::object({{"groupVersion", group + "/" + version}, {"version", version}});
  };
  auto list = json::Value::empty_array();
  for (const auto& version : versions) list.push_back(entry(version));
  return json::object(
      {{"name", group}, {"versions", std::move(list)}, {"preferredVersion", entry(versions.front())}});
}

http::Response group_list(const MemoryApi& api) {
  auto groups = json::Value::empty_array();
  for (const auto& [group, versions] : groups_of(api)) {
    std::vector<std::string> names;
    for (const auto& [version, types] : versions) names.push_back(version);
    if (!group.empty()) groups.push_back(group_object(group, names));
  }
  return json_response(
      200, json::object({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}}));
}

std::optional<http::Response> resource_list(const MemoryApi& api, const std::string& group,
                                            const std::string& version) {
  auto resources = json::Value::empty_array();
  for (const auto* type : api.store.types()) {
    if (type->type.group != group || type->type.version != version) continue;
    auto resource = json::object({{"name", type->type.resource},
                                  {"singularName", to_lower(type->type.kind)},
                                  {"namespaced", type->type.namespaced},
                                  {"kind", type->type.kind},
                                  {"verbs", verbs_of_objects()}});
    if (!type->short_names.empty()) resource.set("shortNames", text_list(type->short_names));
    resources.push_back(std::move(resource));
    if (!type->status_subresource) continue;
    resources.push_back(json::object({{"name", type->type.resource + "/status"},
                                      {"singularName", ""},
                                      {"namespaced", type->type.namespaced},
                                      {"kind", type->type.kind},
                                      {"verbs", verbs_of_status()}}));
  }
  if (resources.empty()) return std::nullopt;
  return json_response(200, json::object({{"kind", "APIResourceList"},
                                          {"apiVersion", "v1"},
                                          {"groupVersion", group.empty() ? version : group + "/" + version},
                                          {"resources", std::move(resources)}}));
}

bool wants_aggregated(const http::ServerRequest& request) {
  return request.headers.joined("Accept").find("as=APIGroupDiscoveryList") != std::string::npos;
}

}  // namespace

std::optional<http::Response> discover(const MemoryApi& api, const http::ServerRequest& request) {
  if (request.method != "GET") return std::nullopt;
  const auto& path = request.segments;
  if (path.size() == 1) {
    if (path[0] == "healthz" || path[0] == "livez" || path[0] == "readyz") {
      return http::Response{200, {{"Content-Type", "text/plain"}}, http::Body("ok"), {}};
    }
    if (path[0] == "version") {
      return json_response(200,
                           json::object({{"major", "1"}, {"minor", "34"}, {"gitVersion", "v1.34.0+memory"}}));
    }
    if (path[0] == "api") {
      if (wants_aggregated(request)) return aggregated(api, true);
      return json_response(200, json::object({{"kind", "APIVersions"}, {"versions", json::array({"v1"})}}));
    }
    if (path[0] == "apis") return wants_aggregated(request) ? aggregated(api, false) : group_list(api);
  }
  if (path.size() == 2 && path[0] == "api") return resource_list(api, "", path[1]);
  if (path.size() == 3 && path[0] == "apis") return resource_list(api, path[1], path[2]);
  if (path.size() == 2 && path[0] == "apis") {
    const auto groups = groups_of(api);
    const auto found = groups.find(path[1]);
    if (found == groups.end() || path[1].empty()) return std::nullopt;
    std::vector<std::string> versions;
    for (const auto& [version, types] : found->second) versions.push_back(version);
    auto group = group_object(path[1], versions);
    group.set("kind", "APIGroup");
    group.set("apiVersion", "v1");
    return json_response(200, group);
  }
  return std::nullopt;
}

}  // namespace klutch::testing
