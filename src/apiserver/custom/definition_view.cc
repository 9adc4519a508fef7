// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/definition_view.h"

#include <algorithm>

#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/internal_text.h"

namespace klutch::apiserver {
namespace {

bool same_value(const json::Value* a, const json::Value* b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

bool same_list(std::span<const json::Value> a, std::span<const json::Value> b) {
  return std::ranges::equal(a, b);
}

/// Moves a part that all versions have alike to the shared ones.
template <class Part, class Same>
void share(std::vector<DefinitionView::Version>& versions, VersionParts& shared, Part VersionParts::* part,
           Same same) {
  const Part first = versions.front().own.*part;
  if (!std::ranges::all_of(versions, [&](const auto& v) { return same(v.own.*part, first); })) return;
  shared.*part = first;
  for (auto& version : versions) version.own.*part = {};
}

std::string columns_text(std::span<const json::Value> columns) {
  if (columns.empty()) return "null";
  std::string out = "[";
  for (const json::Value& column : columns) {
    if (out.size() > 1) out += ',';
    append_key(out += '{', "Name");
    out += go_json_at(column, "name", "\"\"");
    append_key(out, "Type");
    out += go_json_at(column, "type", "\"\"");
    append_key(out, "Format");
    out += go_json_at(column, "format", "\"\"");
    append_key(out, "Description");
    out += go_json_at(column, "description", "\"\"");
    append_key(out, "Priority");
    out += go_json_at(column, "priority", "0");
    append_key(out, "JSONPath");
    out += go_json_at(column, "jsonPath", "\"\"") + "}";
  }
  return out + "]";
}

std::string selectable_text(std::span<const json::Value> fields) {
  if (fields.empty()) return "null";
  std::string out = "[";
  for (const json::Value& field : fields) {
    if (out.size() > 1) out += ',';
    append_key(out += '{', "JSONPath");
    out += go_json_at(field, "jsonPath", "\"\"") + "}";
  }
  return out + "]";
}

std::string subresources_text(const json::Value* subresources) {
  if (subresources == nullptr) return "null";
  std::string out = "{";
  append_key(out, "Status");
  out += subresources->find_object("status") != nullptr ? "{}" : "null";
  append_key(out, "Scale");
  const json::Value* scale = subresources->find_object("scale");
  if (scale == nullptr) return out + "null}";
  append_key(out += '{', "SpecReplicasPath");
  out += go_json_at(*scale, "specReplicasPath", "\"\"");
  append_key(out, "StatusReplicasPath");
  out += go_json_at(*scale, "statusReplicasPath", "\"\"");
  append_key(out, "LabelSelectorPath");
  out += go_json_at(*scale, "labelSelectorPath", "null");
  return out + "}}";
}

std::string version_text(const DefinitionView::Version& version) {
  const json::Value& json = *version.json;
  std::string out = "{";
  append_key(out, "Name");
  out += go_json_at(json, "name", "\"\"");
  for (const auto& [name, key] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"Served", "served"}, {"Storage", "storage"}, {"Deprecated", "deprecated"}}) {
    append_key(out, name);
    out += go_json_at(json, key, "false");
  }
  append_key(out, "DeprecationWarning");
  out += go_json_at(json, "deprecationWarning", "null");
  append_key(out, "Schema");
  if (version.own.schema == nullptr) {
    out += "null";
  } else {
    append_key(out += '{', "OpenAPIV3Schema");
    out += internal_schema_text(version.own.openapi_schema()) + "}";
  }
  append_key(out, "Subresources");
  out += subresources_text(version.own.subresources);
  append_key(out, "AdditionalPrinterColumns");
  out += columns_text(version.own.columns);
  append_key(out, "SelectableFields");
  return out + selectable_text(version.own.selectable_fields) + "}";
}

}  // namespace

DefinitionView::DefinitionView(const json::Value& whole)
    : definition(whole), spec(object_at(whole, "spec")), names(object_at(spec, "names")) {
  preserve_unknown_fields = flag_at(spec, "preserveUnknownFields");
  for (const json::Value& version : list_at(spec, "versions")) {
    VersionParts parts{.schema = version.find_object("schema"),
                       .subresources = version.find_object("subresources"),
                       .columns = list_at(version, "additionalPrinterColumns"),
                       .selectable_fields = list_at(version, "selectableFields")};
    versions.push_back({&version, parts});
  }
  if (versions.empty()) return;
  first_version = text_at(*versions.front().json, "name");
  share(versions, shared, &VersionParts::schema, same_value);
  share(versions, shared, &VersionParts::subresources, same_value);
  share(versions, shared, &VersionParts::columns, same_list);
  share(versions, shared, &VersionParts::selectable_fields, same_list);
}

std::vector<const json::Value*> DefinitionView::schemas() const {
  std::vector<const json::Value*> all;
  if (const json::Value* schema = shared.openapi_schema()) all.push_back(schema);
  for (const Version& version : versions) {
    if (const json::Value* schema = version.own.openapi_schema()) all.push_back(schema);
  }
  return all;
}

const json::Value* DefinitionView::schema_of(const Version& version) const {
  return version.own.schema != nullptr ? version.own.openapi_schema() : shared.openapi_schema();
}

std::string DefinitionView::versions_text() const {
  if (spec.find_array("versions") == nullptr) return "null";
  std::string out = "[";
  for (const Version& version : versions) {
    if (out.size() > 1) out += ',';
    out += version_text(version);
  }
  return out + "]";
}

}  // namespace klutch::apiserver
