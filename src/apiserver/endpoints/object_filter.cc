// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "apiserver/endpoints/reading.h"
#include "apiserver/endpoints/rendering.h"
#include "apiserver/schema/go_text.h"

namespace klutch::apiserver {
namespace {

using FieldRequirement = kube::FieldSelector::Requirement;

bool is_metadata_field(std::string_view field) {
  return field == "metadata.name" || field == "metadata.namespace";
}

/// The built-in kinds that have a list of fields of their own; the others share one text.
bool has_field_list(const kube::ResourceType& type) {
  constexpr std::array<std::string_view, 7> kCore = {
      "events", "namespaces", "nodes", "pods", "replicationcontrollers", "secrets", "services"};
  if (type.group.empty()) return std::ranges::find(kCore, type.resource) != kCore.end();
  return type.group == "events.k8s.io" || type.group == "certificates.k8s.io";
}

std::string unknown_field(const ServedResource& resource, std::string_view field) {
  const auto& type = resource.description.type;
  if (resource.description.custom || has_field_list(type)) {
    return "field label not supported: " + std::string(field);
  }
  if (type.group == "batch" && type.resource == "jobs") {
    return "field label " + go_quote(field) + " not supported for Job";
  }
  return go_quote(field) + R"( is not a known field selector: only "metadata.name", "metadata.namespace")";
}

/// Whether the bytes of an object that has this value in a field must have it as text, too. Numbers and
/// truths may be written otherwise, or be what is meant by a field that is missing.
bool stands_in_bytes(const FieldRequirement& requirement) {
  const std::string_view value = requirement.value;
  if (!requirement.equal || value.size() < 4 || value == "true" || value == "false") return false;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  return std::ranges::all_of(value, plain) && !std::ranges::all_of(value, digit);
}

}  // namespace

Result<ObjectFilter> ObjectFilter::from_query(const ServedResource& resource, const http::Query& query) {
  ObjectFilter filter;
  if (const auto text = query.get("labelSelector")) {
    auto labels = kube::LabelSelector::parse(*text);
    if (!labels) return fail(Code::kBadRequest, "unable to parse requirement: " + labels.error().message());
    filter.labels = std::move(*labels);
  }
  if (const auto text = query.get("fieldSelector")) {
    auto fields = kube::FieldSelector::parse(*text);
    if (!fields) return fail(Code::kBadRequest, "invalid selector: " + fields.error().message());
    filter.fields = std::move(*fields);
  }
  for (const FieldRequirement& requirement : filter.fields.requirements()) {
    const std::string& field = requirement.field;
    const bool known =
        is_metadata_field(field)
            ? field == "metadata.name" || resource.description.type.namespaced || !resource.description.custom
            : resource.behavior->is_selectable(field);
    if (!known) return fail(Code::kBadRequest, unknown_field(resource, field));
  }
  return filter;
}

bool ObjectFilter::selects_everything() const noexcept {
  return labels.selects_everything() && fields.selects_everything();
}

bool ObjectFilter::matches(const ServedResource& resource, const StoredObject& object) const {
  if (!labels.matches_labels(object.labels())) return false;
  bool needs_content = false;
  for (const FieldRequirement& requirement : fields.requirements()) {
    if (!is_metadata_field(requirement.field)) {
      needs_content = true;
      continue;
    }
    const std::string& value = requirement.field == "metadata.name" ? object.key().name : object.key().ns;
    if ((value == requirement.value) != requirement.equal) return false;
  }
  if (!needs_content) return true;
  // Looking for the text costs far less than parsing, and most objects do not have it.
  if (resource.behavior->serves_as_stored(object)) {
    for (const FieldRequirement& requirement : fields.requirements()) {
      if (!is_metadata_field(requirement.field) && stands_in_bytes(requirement) &&
          object.bytes().find(requirement.value) == std::string_view::npos) {
        return false;
      }
    }
  }
  const json::Value content = served_object(resource, object);
  return fields.matches([&](std::string_view field) -> std::string {
    if (field == "metadata.name") return object.key().name;
    if (field == "metadata.namespace") return object.key().ns;
    return resource.behavior->selectable_field(content, field).value_or("");
  });
}

}  // namespace klutch::apiserver
