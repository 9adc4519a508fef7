// SPDX-License-Identifier: Apache-2.0
#include "kube/client/discovery.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "async/event.h"
#include "async/task_group.h"
#include "base/strings.h"
#include "kube/client/kubeconfig_fields.h"

namespace klutch::kube {
namespace {

constexpr std::string_view kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json";
constexpr std::size_t kAtOnce = 8;

std::span<const json::Value> list_of(const json::Value& object, std::string_view name) {
  const auto* list = object.find_array(name);
  return list == nullptr ? std::span<const json::Value>() : list->elements();
}

/// Strings; anything else in the list is left out.
std::vector<std::string> strings_of(const json::Value& object, std::string_view name) {
  std::vector<std::string> strings;
  for (const auto& element : list_of(object, name)) {
    if (element.is_string()) strings.emplace_back(element.as_string());
  }
  return strings;
}

std::string lower_kind(const std::string& singular, const std::string& kind) {
  return singular.empty() ? to_lower(kind) : singular;
}

struct ResponseKind {
  GroupVersion group_version;
  std::string kind;
};

/// Group and version are left out where they are those of the resource.
ResponseKind response_kind(const json::Value& entry, const GroupVersion& parent) {
  ResponseKind response{parent, {}};
  const auto* given = entry.find_object("responseKind");
  if (given == nullptr) return response;
  response.kind = text_field(*given, "kind");
  const auto version = text_field(*given, "version");
  if (!version.empty()) response.group_version = {text_field(*given, "group"), version};
  return response;
}

std::optional<ApiResource> read_aggregated_resource(const json::Value& entry, const GroupVersion& parent) {
  auto name = text_field(entry, "resource");
  if (name.empty()) return std::nullopt;
  auto kind = response_kind(entry, parent).kind;
  const bool namespaced = entry.find_string("scope") == "Namespaced";
  ApiResource resource{
      .type = {parent.group, parent.version, std::move(name), kind, namespaced},
      .singular = lower_kind(text_field(entry, "singularResource"), kind),
      .verbs = strings_of(entry, "verbs"),
      .short_names = strings_of(entry, "shortNames"),
      .categories = strings_of(entry, "categories"),
  };
  for (const auto& sub : list_of(entry, "subresources")) {
    auto sub_name = text_field(sub, "subresource");
    if (sub_name.empty()) continue;
    auto response = response_kind(sub, parent);
    resource.subresources.push_back({std::move(sub_name), std::move(response.group_version),
                                     std::move(response.kind), strings_of(sub, "verbs")});
  }
  // Some types have nothing but subresources: they cannot be asked for.
  if (kind.empty()) return std::nullopt;
  return resource;
}

/// Adds `versions` to the group, which may have been seen before.
void add_group(std::vector<ApiGroup>& groups, ApiGroup group) {
  const auto known = std::find_if(groups.begin(), groups.end(),
                                  [&](const ApiGroup& other) { return other.name == group.name; });
  if (known == groups.end()) {
    groups.push_back(std::move(group));
  } else {
    std::move(group.versions.begin(), group.versions.end(), std::back_inserter(known->versions));
  }
}

/// The versions of an APIGroup, the preferred one first.
std::vector<std::string> versions_of(const json::Value& group) {
  std::vector<std::string> versions;
  const auto* preferred = group.find_object("preferredVersion");
  if (preferred != nullptr) versions.push_back(text_field(*preferred, "version"));
  for (const auto& entry : list_of(group, "versions")) versions.push_back(text_field(entry, "version"));
  std::vector<std::string> unique;
  for (auto& version : versions) {
    const bool seen = std::find(unique.begin(), unique.end(), version) != unique.end();
    if (!version.empty() && !seen) unique.push_back(std::move(version));
  }
  return unique;
}

std::vector<GroupVersion> legacy_versions(const Object& answer) {
  std::vector<GroupVersion> all;
  for (const auto& version : strings_of(answer, "versions")) all.push_back({"", version});
  for (const auto& group : list_of(answer, "groups")) {
    const auto name = text_field(group, "name");
    for (auto& version : versions_of(group)) all.push_back({name, std::move(version)});
  }
  return all;
}

std::string path_of(const GroupVersion& version) {
  return version.group.empty()
             ? "/api/" + percent_encode(version.version)
             : "/apis/" + percent_encode(version.group) + "/" + percent_encode(version.version);
}

}  // namespace

bool ApiResource::has_verb(std::string_view verb) const noexcept {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

bool ApiResource::has_subresource(std::string_view name) const noexcept {
  return std::any_of(subresources.begin(), subresources.end(),
                     [&](const ApiSubresource& sub) { return sub.name == name; });
}

const ApiGroup* ApiCatalog::find_group(std::string_view name) const noexcept {
  const auto found =
      std::find_if(groups.begin(), groups.end(), [&](const ApiGroup& group) { return group.name == name; });
  return found == groups.end() ? nullptr : &*found;
}

const ApiResource* ApiCatalog::find(const GroupVersion& version, std::string_view resource) const noexcept {
  const auto* group = find_group(version.group);
  if (group == nullptr) return nullptr;
  for (const auto& candidate : group->versions) {
    if (candidate.version != version.version) continue;
    for (const auto& entry : candidate.resources) {
      if (entry.type.resource == resource) return &entry;
    }
  }
  return nullptr;
}

std::size_t ApiCatalog::resource_count() const noexcept {
  std::size_t count = 0;
  for (const auto& group : groups) {
    for (const auto& version : group.versions) count += version.resources.size();
  }
  return count;
}

void read_aggregated(const Object& list, std::vector<ApiGroup>& groups,
                     std::vector<DiscoveryFailure>& failures) {
  for (const auto& item : list_of(list, "items")) {
    const auto* metadata = item.find_object("metadata");
    ApiGroup group{.name = metadata == nullptr ? std::string() : text_field(*metadata, "name")};
    for (const auto& entry : list_of(item, "versions")) {
      const GroupVersion own{group.name, text_field(entry, "version")};
      if (own.version.empty()) continue;
      ApiVersion version{.version = own.version};
      for (const auto& resource : list_of(entry, "resources")) {
        if (auto read = read_aggregated_resource(resource, own))
          version.resources.push_back(*std::move(read));
      }
      if (entry.find_string("freshness") == "Stale") {
        failures.push_back({own, Error(Code::kUnavailable, "the server has only old knowledge of it")});
      }
      group.versions.push_back(std::move(version));
    }
    add_group(groups, std::move(group));
  }
}

Result<ApiVersion> read_resource_list(const Object& list, const GroupVersion& group_version) {
  if (list.find_string("kind") != "APIResourceList") {
    return fail(Code::kInternal, path_of(group_version) + " gave a " +
                                     quote(list.find_string("kind").value_or("")) +
                                     " instead of an APIResourceList");
  }
  ApiVersion version{.version = group_version.version};
  std::vector<std::pair<std::string, ApiSubresource>> subresources;
  for (const auto& entry : list_of(list, "resources")) {
    const auto name = text_field(entry, "name");
    const auto kind = text_field(entry, "kind");
    if (const auto parts = split_once(name, "/")) {
      const auto sub_version = text_field(entry, "version");
      const auto own =
          sub_version.empty() ? group_version : GroupVersion{text_field(entry, "group"), sub_version};
      subresources.emplace_back(
          parts->first, ApiSubresource{std::string(parts->second), own, kind, strings_of(entry, "verbs")});
      continue;
    }
    if (name.empty() || kind.empty()) continue;
    version.resources.push_back(
        {.type = {group_version.group, group_version.version, name, kind, flag_field(entry, "namespaced")},
         .singular = lower_kind(text_field(entry, "singularName"), kind),
         .verbs = strings_of(entry, "verbs"),
         .short_names = strings_of(entry, "shortNames"),
         .categories = strings_of(entry, "categories")});
  }
  for (auto& [parent, subresource] : subresources) {
    for (auto& resource : version.resources) {
      if (resource.type.resource == parent) resource.subresources.push_back(subresource);
    }
  }
  return version;
}

Result<> Discovery::load_legacy(Ctx& ctx, const Object& answer, std::string_view path, Root& root) {
  const auto kind = answer.find_string("kind").value_or("");
  if (kind != (path == "/api" ? "APIVersions" : "APIGroupList")) {
    return fail(Code::kInternal, std::string(path) + " gave a " + quote(kind) + " instead of API groups");
  }
  const auto versions = legacy_versions(answer);
  std::vector<Result<ApiVersion>> read(versions.size(), fail(Code::kCancelled, "not asked for"));
  async::Semaphore slots(kAtOnce);
  TRY(async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    for (std::size_t i = 0; i < versions.size(); ++i) {
      auto slot = std::make_shared<async::Semaphore::Permit>(TRY(slots.acquire(ctx)));
      tasks.spawn("discovery", [&, i, slot](Ctx& task) -> Result<> {
        auto list = client_.send(task, raw_request(path_of(versions[i])));
        read[i] = list ? read_resource_list(*list, versions[i]) : fail(list.error());
        slot->release();
        return {};
      });
    }
    return {};
  }));
  const auto good = [](const Result<ApiVersion>& version) { return version.has_value(); };
  // A server that answers none of them is in trouble, and has not lost all of its types.
  if (!read.empty() && std::none_of(read.begin(), read.end(), good)) return fail(read.front().error());
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const auto& group = versions[i].group;
    if (read[i]) {
      add_group(root.groups, {.name = group, .versions = {*std::move(read[i])}});
    } else {
      root.failures.push_back({versions[i], read[i].error()});
      add_group(root.groups, {.name = group, .versions = {{.version = versions[i].version}}});
    }
  }
  return {};
}

Result<bool> Discovery::load_root(Ctx& ctx, std::string_view path, Root& root) {
  auto answer = client_.fetch(ctx, raw_request(path, kAccept), root.etag);
  if (!answer) {
    const auto& error = answer.error();
    // A server may serve only one of the two.
    if (!is(error, Code::kNotFound) && !is(error, Code::kForbidden)) return fail(error);
    root = {.failures = {{GroupVersion{}, error}}};
    return true;
  }
  if (answer->not_modified) return false;
  Root fresh{.etag = std::move(answer->etag)};
  if (answer->object.find_string("kind") == "APIGroupDiscoveryList") {
    read_aggregated(answer->object, fresh.groups, fresh.failures);
  } else {
    // The tag is that of the list of groups, which says nothing about what is in them.
    fresh.etag.clear();
    TRY(load_legacy(ctx, answer->object, path, fresh));
  }
  root = std::move(fresh);
  return true;
}

Result<ApiCatalogPtr> Discovery::load(Ctx& ctx) {
  if (TRY(load_root(ctx, "/api", core_))) changed_ = true;
  if (TRY(load_root(ctx, "/apis", groups_))) changed_ = true;
  if (core_.groups.empty() && groups_.groups.empty() && !groups_.failures.empty()) {
    return fail(groups_.failures.front().error);
  }
  if (current_ && !changed_) return current_;
  auto catalog = std::make_shared<ApiCatalog>();
  for (const auto* root : {&core_, &groups_}) {
    for (const auto& group : root->groups) catalog->groups.push_back(group);
    catalog->failures.insert(catalog->failures.end(), root->failures.begin(), root->failures.end());
  }
  current_ = std::move(catalog);
  changed_ = false;
  return current_;
}

}  // namespace klutch::kube
