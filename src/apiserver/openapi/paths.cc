// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/paths.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/openapi/operation.h"

namespace klutch::apiserver {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kListQuery[] = {"allowWatchBookmarks",
                                           "continue",
                                           "fieldSelector",
                                           "labelSelector",
                                           "limit",
                                           "resourceVersion",
                                           "resourceVersionMatch",
                                           "sendInitialEvents",
                                           "timeoutSeconds",
                                           "watch"};
constexpr std::string_view kCustomGetQuery[] = {"resourceVersion"};
constexpr std::string_view kWriteQuery[] = {"dryRun", "fieldManager", "fieldValidation"};
constexpr std::string_view kPatchQuery[] = {"dryRun", "fieldManager", "fieldValidation", "force"};
constexpr std::string_view kDeleteQuery[] = {"dryRun", "gracePeriodSeconds",
                                             "ignoreStoreReadErrorWithClusterBreakingPotential",
                                             "orphanDependents", "propagationPolicy"};
constexpr std::string_view kDeleteCollectionQuery[] = {"continue",
                                                       "dryRun",
                                                       "fieldSelector",
                                                       "gracePeriodSeconds",
                                                       "ignoreStoreReadErrorWithClusterBreakingPotential",
                                                       "labelSelector",
                                                       "limit",
                                                       "orphanDependents",
                                                       "propagationPolicy",
                                                       "resourceVersion",
                                                       "resourceVersionMatch",
                                                       "sendInitialEvents",
                                                       "timeoutSeconds"};

constexpr std::string_view kPlainTypes[] = {"application/json", "application/yaml"};
constexpr std::string_view kAnyType[] = {"*/*"};
constexpr std::string_view kListTypes[] = {"application/json", "application/json;stream=watch",
                                           "application/yaml"};
constexpr std::string_view kPatchTypes[] = {"application/apply-patch+yaml", "application/json-patch+json",
                                            "application/merge-patch+json",
                                            "application/strategic-merge-patch+json"};
constexpr std::string_view kCustomPatchTypes[] = {
    "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"};

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string capitalized(std::string_view text) {
  std::string result(text);
  if (!result.empty()) result[0] = upper(result[0]);
  return result;
}

/// "rbac.authorization.k8s.io" -> "rbacAuthorization"; "" -> "core"
std::string camel_case_group(std::string_view group) {
  if (group.empty()) return "core";
  if (group.ends_with(".k8s.io")) group.remove_suffix(7);
  std::string result;
  bool next_upper = false;
  for (const char c : group) {
    if (c == '.' || c == '-') {
      next_upper = true;
    } else {
      result += next_upper ? upper(c) : c;
      next_upper = false;
    }
  }
  return result;
}

/// Describes one resource, path by path.
class PathWriter {
 public:
  PathWriter(json::Value& paths, const ServedResource& served, Definitions& definitions)
      : paths_(paths),
        served_(served),
        description_(served.description),
        definitions_(definitions),
        kind_(definitions.add_kind(served)) {
    const auto& type = description_.type;
    const std::string group = camel_case_group(type.group);
    group_id_ = capitalized(group) + capitalized(type.version);
    tag_ = group + "_" + type.version;
    prefix_ = (type.group.empty() ? "/api/" : "/apis/" + type.group + "/") + type.version + "/";
    scope_ = type.namespaced ? "Namespaced" : "";
    collection_ = prefix_ + (type.namespaced ? "namespaces/{namespace}/" : "") + type.resource;
    if (type.namespaced) names_.emplace_back("namespace");
  }

  void write() {
    if (description_.type.namespaced && description_.allows("list")) write_list_of_all();
    write_collection();
    names_.insert(names_.begin(), "name");
    write_object();
    for (const SubresourceDescription& sub : description_.subresources) write_subresource(sub);
  }

 private:
  void write_list_of_all() {
    auto operation = make("list", "list" + group_id_ + type().kind + "ForAllNamespaces",
                          "list or watch objects of kind " + type().kind);
    as_list(operation);
    add(prefix_ + type().resource, {}, "get", operation);
  }

  void write_collection() {
    const std::string& kind = type().kind;
    if (description_.allows("list")) {
      auto operation =
          make("list", "list" + group_id_ + scope_ + kind, "list or watch objects of kind " + kind);
      as_list(operation);
      add(collection_, names_, "get", operation);
    }
    if (description_.allows("create")) {
      auto operation = make("post", "create" + group_id_ + scope_ + kind, "create a " + kind);
      as_write(operation, kind_);
      operation.success = {200, 201, 202};
      add(collection_, names_, "post", operation);
    }
    if (description_.allows("deletecollection")) {
      auto operation = make("deletecollection", "delete" + group_id_ + "Collection" + scope_ + kind,
                            "delete collection of " + kind);
      as_delete(operation);
      operation.query = kDeleteCollectionQuery;
      add(collection_, names_, "delete", operation);
    }
  }

  void write_object() {
    const std::string& kind = type().kind;
    const std::string path = collection_ + "/{name}";
    if (description_.allows("get")) {
      add(path, names_, "get", make("get", "read" + group_id_ + scope_ + kind, "read the specified " + kind));
    }
    if (description_.allows("update")) {
      auto operation = make("put", "replace" + group_id_ + scope_ + kind, "replace the specified " + kind);
      as_write(operation, kind_);
      add(path, names_, "put", operation);
    }
    if (description_.allows("delete")) {
      auto operation = make("delete", "delete" + group_id_ + scope_ + kind, "delete a " + kind);
      as_delete(operation);
      operation.success = {200, 202};
      add(path, names_, "delete", operation);
    }
    if (description_.allows("patch")) {
      auto operation =
          make("patch", "patch" + group_id_ + scope_ + kind, "partially update the specified " + kind);
      as_patch(operation, kind_);
      add(path, names_, "patch", operation);
    }
  }

  void write_subresource(const SubresourceDescription& sub) {
    const std::string& kind = type().kind;
    const bool own = sub.api_version == type().api_version() && sub.kind == kind;
    const std::string definition = own ? kind_ : definitions_.add_known(sub.api_version, sub.kind);
    // Streams and proxies: nothing that a schema could describe.
    if (definition.empty() || sub.name == "log") return;
    const std::string path = collection_ + "/{name}/" + sub.name;
    const std::string id = group_id_ + scope_ + kind + capitalized(sub.name);
    const auto allows = [&](std::string_view verb) {
      return std::ranges::find(sub.verbs, verb) != sub.verbs.end();
    };
    const auto start = [&](std::string_view action, const std::string& verb, const std::string& text) {
      auto operation = make(action, verb + id, text);
      operation.result = definition;
      // Of custom kinds, scales are said to be of the kind itself.
      if (!own && !description_.custom) name_kind(operation, sub);
      return operation;
    };
    if (allows("get")) {
      add(path, names_, "get", start("get", "read", "read " + sub.name + " of the specified " + kind));
    }
    if (allows("create")) {
      auto operation = start("post", "create", "create " + sub.name + " of a " + kind);
      as_write(operation, definition);
      operation.success = {200, 201, 202};
      add(path, names_, "post", operation);
    }
    if (allows("update")) {
      auto operation = start("put", "replace", "replace " + sub.name + " of the specified " + kind);
      as_write(operation, definition);
      add(path, names_, "put", operation);
    }
    if (allows("patch")) {
      auto operation = start("patch", "patch", "partially update " + sub.name + " of the specified " + kind);
      as_patch(operation, definition);
      add(path, names_, "patch", operation);
    }
  }

  [[nodiscard]] const kube::ResourceType& type() const { return description_.type; }

  [[nodiscard]] Operation make(std::string_view action, std::string id, std::string text) const {
    Operation operation;
    operation.action = action;
    operation.id = std::move(id);
    operation.tag = tag_;
    operation.description = std::move(text);
    operation.group = type().group;
    operation.version = type().version;
    operation.kind = type().kind;
    operation.result = kind_;
    operation.result_types = kPlainTypes;
    if (description_.custom && action == "get") operation.query = kCustomGetQuery;
    return operation;
  }

  static void name_kind(Operation& operation, const SubresourceDescription& sub) {
    const std::string_view text = sub.api_version;
    const auto slash = text.find('/');
    operation.group = slash == std::string_view::npos ? std::string_view() : text.substr(0, slash);
    operation.version = slash == std::string_view::npos ? text : text.substr(slash + 1);
    operation.kind = sub.kind;
  }

  void as_list(Operation& operation) {
    operation.result = definitions_.add_list(served_);
    operation.result_types = description_.custom ? Names(kPlainTypes) : Names(kListTypes);
    operation.query = kListQuery;
  }

  void as_write(Operation& operation, const std::string& definition) const {
    operation.body = definition;
    operation.body_types = description_.custom ? Names(kPlainTypes) : Names(kAnyType);
    operation.query = kWriteQuery;
    operation.success = {200, 201};
    operation.result = definition;
  }

  void as_delete(Operation& operation) {
    operation.body = definitions_.add_known("v1", "DeleteOptions");
    operation.body_required = false;
    operation.body_types = description_.custom ? Names(kPlainTypes) : Names(kAnyType);
    operation.query = kDeleteQuery;
    operation.result = definitions_.add_known("v1", "Status");
  }

  void as_patch(Operation& operation, const std::string& definition) {
    operation.body = definitions_.add_patch();
    operation.body_types = description_.custom ? Names(kCustomPatchTypes) : Names(kPatchTypes);
    operation.query = kPatchQuery;
    operation.success = {200, 201};
    operation.result = definition;
  }

  void add(const std::string& path, Names names, std::string_view method, const Operation& operation) {
    json::Value& item = paths_[path];
    if (item.is_null()) item.set("parameters", render_path_parameters(names, definitions_.dialect()));
    item.set(method, render_operation(operation, definitions_));
  }

  json::Value& paths_;
  const ServedResource& served_;
  const ResourceDescription& description_;
  Definitions& definitions_;
  std::string kind_;  // the definition
  std::string group_id_ = {};
  std::string tag_ = {};
  std::string prefix_ = {};
  std::string scope_ = {};
  std::string collection_ = {};
  std::vector<std::string_view> names_ = {};
};

}  // namespace

void add_paths(json::Value& paths, const ServedResource& served, Definitions& definitions) {
  PathWriter(paths, served, definitions).write();
}

}  // namespace klutch::apiserver
