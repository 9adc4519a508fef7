// SPDX-License-Identifier: Apache-2.0
#include "apiserver/discovery/documents.h"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "json/build.h"
#include "obs/build_info.h"

namespace klutch::apiserver {
namespace {

/// The groups that come with Kubernetes, by falling priority (kube-apiserver v1.34.4, /apis).
constexpr std::array<std::string_view, 20> kGroupOrder = {
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
};

/// In which order servers name the verbs of custom resources.
constexpr std::array<std::string_view, 8> kCustomVerbs = {"delete", "deletecollection", "get",    "list",
                                                          "patch",  "create",           "update", "watch"};

json::Value string_list(const std::vector<std::string>& texts) {
  auto list = json::Value::empty_array();
  list.reserve(texts.size());
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

json::Value verb_list(const ResourceDescription& description) {
  if (!description.custom) return string_list(description.verbs);
  std::vector<std::string> verbs = description.verbs;
  std::ranges::stable_sort(verbs, {}, [](const std::string& verb) {
    return std::ranges::find(kCustomVerbs, verb) - kCustomVerbs.begin();
  });
  return string_list(verbs);
}

/// The group and version of `api_version`.
std::pair<std::string_view, std::string_view> parts_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  if (slash == std::string_view::npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

std::string storage_version_hash(const ServedResource& served) {
  const std::string& kind = served.description.type.kind;
  const auto [group, version] = parts_of(served.stored_api_version);
  const std::string name = std::string(group) + "/" + std::string(version) + "/" + kind;
  return crypto::base64_encode(crypto::sha256(name).substr(0, 8));
}

json::Value legacy_resource(const ServedResource& served) {
  const ResourceDescription& description = served.description;
  auto entry = json::object({{"name", description.type.resource},
                             {"singularName", description.singular},
                             {"namespaced", description.type.namespaced},
                             {"kind", description.type.kind},
                             {"verbs", verb_list(description)}});
  if (!description.short_names.empty()) entry.set("shortNames", string_list(description.short_names));
  if (!description.categories.empty()) entry.set("categories", string_list(description.categories));
  if (!served.storage_type.empty()) entry.set("storageVersionHash", storage_version_hash(served));
  return entry;
}

json::Value legacy_subresource(const ResourceDescription& parent, const SubresourceDescription& sub) {
  auto entry = json::object({{"name", parent.type.resource + "/" + sub.name},
                             {"singularName", ""},
                             {"namespaced", parent.type.namespaced}});
  if (sub.api_version != parent.type.api_version()) {
    const auto [group, version] = parts_of(sub.api_version);
    if (!group.empty()) entry.set("group", group);
    entry.set("version", version);
  }
  entry.set("kind", sub.kind);
  entry.set("verbs", string_list(sub.verbs));
  return entry;
}

json::Value response_kind(const ResourceDescription& parent, std::string_view api_version,
                          std::string_view kind) {
  // Empty: as the version that it is listed in. Custom resources always say it.
  const bool same = api_version == parent.type.api_version() && !parent.custom;
  const auto [group, version] = parts_of(api_version);
  return json::object({{"group", same ? "" : group}, {"version", same ? "" : version}, {"kind", kind}});
}

json::Value discovered_resource(const ResourceDescription& description) {
  const auto& type = description.type;
  auto entry = json::object({{"resource", type.resource},
                             {"responseKind", response_kind(description, type.api_version(), type.kind)},
                             {"scope", type.namespaced ? "Namespaced" : "Cluster"},
                             {"singularResource", description.singular},
                             {"verbs", verb_list(description)}});
  if (!description.short_names.empty()) entry.set("shortNames", string_list(description.short_names));
  if (!description.categories.empty()) entry.set("categories", string_list(description.categories));
  if (description.subresources.empty()) return entry;
  auto& list = entry.set("subresources", json::Value::empty_array());
  for (const SubresourceDescription& sub : description.subresources) {
    list.push_back(json::object({{"subresource", sub.name},
                                 {"responseKind", response_kind(description, sub.api_version, sub.kind)},
                                 {"verbs", string_list(sub.verbs)}}));
  }
  return entry;
}

json::Value discovered_group(const Registry::Group& group) {
  auto metadata = json::Value::empty_object();
  if (!group.name.empty()) metadata.set("name", group.name);
  auto versions = json::Value::empty_array();
  for (const Registry::Version& version : group.versions) {
    auto resources = json::Value::empty_array();
    for (const ServedPtr& served : version.resources) {
      resources.push_back(discovered_resource(served->description));
    }
    versions.push_back(json::object(
        {{"version", version.version}, {"resources", std::move(resources)}, {"freshness", "Current"}}));
  }
  return json::object({{"metadata", std::move(metadata)}, {"versions", std::move(versions)}});
}

/// The members of an APIGroup besides kind and apiVersion.
void describe_group(const Registry::Group& group, json::Value& value) {
  value.set("name", group.name);
  auto versions = json::Value::empty_array();
  for (const Registry::Version& version : group.versions) {
    versions.push_back(
        json::object({{"groupVersion", group.name + "/" + version.version}, {"version", version.version}}));
  }
  auto preferred = versions.empty() ? json::object() : versions.at(0);
  value.set("versions", std::move(versions));
  value.set("preferredVersion", std::move(preferred));
}

}  // namespace

std::vector<const Registry::Group*> listed_groups(const std::vector<Registry::Group>& groups) {
  std::vector<const Registry::Group*> listed;
  for (const Registry::Group& group : groups) {
    if (!group.name.empty()) listed.push_back(&group);
  }
  std::ranges::stable_sort(listed, {}, [](const Registry::Group* group) {
    return std::ranges::find(kGroupOrder, group->name) - kGroupOrder.begin();
  });
  return listed;
}

json::Value api_versions(std::string_view authority) {
  auto addresses = json::Value::empty_array();
  if (!authority.empty()) {
    addresses.push_back(json::object({{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", authority}}));
  }
  return json::object({{"kind", "APIVersions"},
                       {"versions", json::array({"v1"})},
                       {"serverAddressByClientCIDRs", std::move(addresses)}});
}

json::Value api_group_list(const std::vector<Registry::Group>& groups) {
  auto list = json::Value::empty_array();
  for (const Registry::Group* group : listed_groups(groups)) {
    describe_group(*group, list.push_back(json::Value::empty_object()));
  }
  return json::object({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}});
}

json::Value api_group(const Registry::Group& group) {
  auto value = json::object({{"kind", "APIGroup"}, {"apiVersion", "v1"}});
  describe_group(group, value);
  return value;
}

json::Value api_resource_list(std::string_view group, const Registry::Version& version) {
  auto resources = json::Value::empty_array();
  for (const ServedPtr& served : version.resources) {
    resources.push_back(legacy_resource(*served));
    for (const SubresourceDescription& sub : served->description.subresources) {
      resources.push_back(legacy_subresource(served->description, sub));
    }
  }
  auto list = json::object({{"kind", "APIResourceList"}});
  // The core group's document has never said it.
  if (!group.empty()) list.set("apiVersion", "v1");
  list.set("groupVersion", group.empty() ? version.version : std::string(group) + "/" + version.version);
  list.set("resources", std::move(resources));
  return list;
}

json::Value group_discovery_list(const std::vector<Registry::Group>& groups, bool core,
                                 std::string_view version) {
  auto items = json::Value::empty_array();
  if (core) {
    const auto found = std::ranges::find(groups, "", &Registry::Group::name);
    if (found != groups.end()) items.push_back(discovered_group(*found));
  } else {
    for (const Registry::Group* group : listed_groups(groups)) items.push_back(discovered_group(*group));
  }
  return json::object({{"kind", "APIGroupDiscoveryList"},
                       {"apiVersion", "apidiscovery.k8s.io/" + std::string(version)},
                       {"metadata", json::object()},
                       {"items", std::move(items)}});
}

json::Value path_list(const std::vector<Registry::Group>& groups, const std::vector<std::string>& others) {
  std::vector<std::string> paths = {"/api", "/api/v1", "/apis", "/apis/", "/version"};
  for (const Registry::Group* group : listed_groups(groups)) {
    paths.push_back("/apis/" + group->name);
    for (const Registry::Version& version : group->versions) {
      paths.push_back("/apis/" + group->name + "/" + version.version);
    }
  }
  paths.insert(paths.end(), others.begin(), others.end());
  std::ranges::sort(paths);
  const auto repeated = std::ranges::unique(paths);
  paths.erase(repeated.begin(), repeated.end());
  return json::object({{"paths", string_list(paths)}});
}

json::Value server_version() {
  const obs::BuildInfo build = obs::build_info();
  constexpr std::string_view kDirty = "-dirty";
  std::string_view commit = build.commit;
  const bool dirty = commit.ends_with(kDirty);
  if (dirty) commit.remove_suffix(kDirty.size());
#if defined(__x86_64__)
  constexpr std::string_view kPlatform = "linux/amd64";
#elif defined(__aarch64__)
  constexpr std::string_view kPlatform = "linux/arm64";
#else
  constexpr std::string_view kPlatform = "linux/unknown";
#endif
  return json::object({{"major", "1"},
                       {"minor", "34"},
                       {"gitVersion", "v1.34.4+klutch"},
                       {"gitCommit", commit},
                       {"gitTreeState", dirty ? "dirty" : "clean"},
                       {"buildDate", "1970-01-01T00:00:00Z"},
                       {"goVersion", ""},
                       {"compiler", build.compiler},
                       {"platform", kPlatform}});
}

}  // namespace klutch::apiserver
