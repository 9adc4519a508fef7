// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/version_checks.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/schema_path.h"
#include "apiserver/schema/go_text.h"

namespace klutch::apiserver {
namespace {

constexpr std::size_t kMaxDeprecationWarning = 256;
constexpr std::int64_t kMaxSelectableFields = 8;
constexpr std::string_view kColumnTypes[] = {"boolean", "date", "integer", "number", "string"};
constexpr std::string_view kColumnFormats[] = {"byte",  "date",  "date-time", "double",
                                               "float", "int32", "int64",     "password"};

std::string comma_list(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) out.append(out.empty() ? "" : ",").append(word);
  return out;
}

/// The length of the UTF-8 character at the start of `text`.
std::size_t character_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && length < 4 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
    ++length;
  }
  return length;
}

FieldErrors validate_simple_path(const FieldPath& path, const std::string& json_path) {
  if (json_path.empty()) return {FieldError::invalid(path, json_path, "must not be empty")};
  if (!json_path.starts_with('.')) {
    return {FieldError::invalid(path, json_path, "must be a simple json path starting with .")};
  }
  return {};
}

/// A path of a scale subresource, which must begin with one of `roots`.
FieldErrors validate_scale_path(const FieldPath& path, const std::string& json_path,
                                std::initializer_list<std::string_view> roots, std::string_view detail) {
  FieldErrors errors = validate_simple_path(path, json_path);
  const bool fits =
      std::ranges::any_of(roots, [&](std::string_view root) { return json_path.starts_with(root); });
  if (errors.empty() && !fits) errors.push_back(FieldError::invalid(path, json_path, detail));
  return errors;
}

}  // namespace

FieldErrors validate_deprecation(const FieldPath& path, const json::Value& version) {
  const auto warning = version.find_string("deprecationWarning");
  if (!warning) return {};
  FieldErrors errors;
  const auto refuse = [&](const std::string& detail) {
    errors.push_back(FieldError::invalid_json(path, *warning, detail));
  };
  if (!flag_at(version, "deprecated")) {
    refuse("can only be set for deprecated versions");
    return errors;
  }
  if (warning->size() > kMaxDeprecationWarning) refuse("must be <= 256 characters long");
  if (warning->empty()) refuse("must not be an empty string");
  for (std::size_t i = 0; i < warning->size();) {
    const std::string_view character = warning->substr(i, character_length(warning->substr(i)));
    if (!go_is_printable(character)) {
      refuse("must only contain printable UTF-8 characters; non-printable character found at index " +
             std::to_string(i));
      break;
    }
    i += character.size();
  }
  return errors;
}

FieldErrors validate_subresources(const FieldPath& path, const json::Value* subresources) {
  const json::Value* scale = subresources == nullptr ? nullptr : subresources->find_object("scale");
  if (scale == nullptr) return {};
  FieldErrors errors;
  const auto check = [&](std::string_view key, std::string_view root, std::string_view detail) {
    const FieldPath at = path.child("scale." + std::string(key));
    const std::string json_path = text_at(*scale, key);
    if (json_path.empty()) {
      errors.push_back(FieldError::required(at));
    } else {
      append(errors, validate_scale_path(at, json_path, {root}, detail));
    }
  };
  check("specReplicasPath", ".spec.", "should be a json path under .spec");
  check("statusReplicasPath", ".status.", "should be a json path under .status");
  if (const std::string selector = text_at(*scale, "labelSelectorPath"); !selector.empty()) {
    append(errors,
           validate_scale_path(path.child("scale.labelSelectorPath"), selector, {".spec.", ".status."},
                               "should be a json path under either .spec or .status"));
  }
  return errors;
}

FieldErrors validate_columns(const FieldPath& path, std::span<const json::Value> columns) {
  FieldErrors errors;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const FieldPath at = path.index(i);
    const std::string type = text_at(columns[i], "type");
    const std::string format = text_at(columns[i], "format");
    const std::string json_path = text_at(columns[i], "jsonPath");
    if (text_at(columns[i], "name").empty()) errors.push_back(FieldError::required(at.child("name")));
    const std::string types = "must be one of " + comma_list(kColumnTypes);
    if (type.empty()) {
      errors.push_back(FieldError::required(at.child("type"), types));
    } else if (std::ranges::find(kColumnTypes, type) == std::end(kColumnTypes)) {
      errors.push_back(FieldError::invalid(at.child("type"), type, types));
    }
    if (!format.empty() && std::ranges::find(kColumnFormats, format) == std::end(kColumnFormats)) {
      errors.push_back(
          FieldError::invalid(at.child("format"), format, "must be one of " + comma_list(kColumnFormats)));
    }
    if (json_path.empty()) {
      errors.push_back(FieldError::required(at.child("JSONPath")));
    } else {
      append(errors, validate_simple_path(at.child("JSONPath"), json_path));
    }
  }
  return errors;
}

FieldErrors validate_selectable_fields(const FieldPath& path, const VersionParts& parts, bool is_shared,
                                       SchemaPool& pool) {
  if (parts.selectable_fields.empty()) return {};
  const FieldPath at = path.child("selectableFields");
  const json::Value* schema = parts.openapi_schema();
  if (schema == nullptr) {
    return {FieldError::invalid(
        at, "",
        is_shared ? "may only be set when validations.schema is included"
                  : "may only be set when `version.schema.openAPIV3Schema` is not included")};
  }
  const auto parsed = parse_schema(*schema, pool);
  if (!parsed) {
    return {FieldError::invalid(path.child("schema.openAPIV3Schema"), "", parsed.error().message())};
  }
  FieldErrors errors;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < parts.selectable_fields.size(); ++i) {
    const std::string json_path = text_at(parts.selectable_fields[i], "jsonPath");
    const FieldPath here = at.index(i).child("jsonPath");
    if (json_path.empty()) {
      errors.push_back(FieldError::required(here));
      continue;
    }
    const auto place = find_schema_place(json_path, **parsed, false);
    if (!place) {
      errors.push_back(
          FieldError::invalid(here, json_path, "is an invalid path: " + place.error().message()));
      continue;
    }
    if (place->root == "metadata") {
      errors.push_back(FieldError::invalid(here, json_path, "must not point to fields in metadata"));
    }
    const SchemaType type = place->schema->type;
    if (type != SchemaType::kString && type != SchemaType::kBoolean && type != SchemaType::kInteger) {
      errors.push_back(
          FieldError::invalid(here, json_path,
                              "must point to a field of type string, boolean or integer. Enum string "
                              "fields and strings with formats are allowed."));
    }
    if (!seen.insert(place->path).second) errors.push_back(FieldError::duplicate(here, json_path));
  }
  const auto count = static_cast<std::int64_t>(seen.size());
  if (count > kMaxSelectableFields) errors.push_back(FieldError::too_many(at, count, kMaxSelectableFields));
  return errors;
}

}  // namespace klutch::apiserver
