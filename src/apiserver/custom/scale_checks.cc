// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/scale_checks.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "apiserver/schema/go_text.h"
#include "base/result.h"

namespace klutch::apiserver {
namespace {

std::string_view go_type_name(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::kBool: return "bool";
    case json::Kind::kInt: return "int64";
    case json::Kind::kUint:
    case json::Kind::kDouble: return "float64";
    case json::Kind::kString: return "string";
    case json::Kind::kArray: return "[]interface {}";
    case json::Kind::kObject: return "map[string]interface {}";
    case json::Kind::kNull: break;
  }
  return "<nil>";
}

Error accessor_error(const std::vector<std::string>& names, std::size_t count, const json::Value& found,
                     std::string_view expected) {
  std::string path;
  for (std::size_t i = 0; i < count; ++i) path += "." + names[i];
  return Error(Code::kInvalid, path + " accessor error: " + go_plain(found) + " is of the type " +
                                   std::string(go_type_name(found)) + ", expected " + std::string(expected));
}

/// What stands at a path: null pointer if nothing does.
Result<const json::Value*> value_at(const json::Value& object, const std::vector<std::string>& names) {
  const json::Value* value = &object;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (value->is_null()) return nullptr;
    if (!value->is_object()) {
      return fail(accessor_error(names, i + 1, *value, "map[string]interface{}"));
    }
    value = value->find(names[i]);
    if (value == nullptr) return nullptr;
  }
  return value;
}

Result<std::int64_t> number_at_path(const json::Value& object, std::string_view path) {
  const auto names = split_scale_path(path);
  const json::Value* value = TRY(value_at(object, names));
  if (value == nullptr) return 0;
  if (!value->is_int()) return fail(accessor_error(names, names.size(), *value, "int64"));
  return value->as_int();
}

FieldErrors check_replicas(const json::Value& object, std::string_view path) {
  const FieldPath field{path};
  const auto number = number_at_path(object, path);
  if (!number) return {FieldError::invalid(field, 0, number.error().message())};
  if (*number < 0) return {FieldError::invalid(field, *number, "should be a non-negative integer")};
  if (*number > std::numeric_limits<std::int32_t>::max()) {
    return {FieldError::invalid(field, *number, "should be less than or equal to 2147483647")};
  }
  return {};
}

}  // namespace

std::vector<std::string> split_scale_path(std::string_view path) {
  if (path.starts_with('.')) path.remove_prefix(1);
  std::vector<std::string> names;
  while (true) {
    const auto dot = path.find('.');
    names.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return names;
    path.remove_prefix(dot + 1);
  }
}

FieldErrors validate_scale_spec(const json::Value& object, const ScaleTexts& scale) {
  return check_replicas(object, scale.spec_replicas);
}

FieldErrors validate_scale_status(const json::Value& object, const ScaleTexts& scale) {
  FieldErrors errors = check_replicas(object, scale.status_replicas);
  if (!scale.label_selector) return errors;
  const auto names = split_scale_path(*scale.label_selector);
  auto found = value_at(object, names);
  if (found && *found != nullptr && !(*found)->is_string()) {
    found = fail(accessor_error(names, names.size(), **found, "string"));
  }
  if (!found) {
    errors.push_back(FieldError::invalid(FieldPath(*scale.label_selector), "", found.error().message()));
  }
  return errors;
}

}  // namespace klutch::apiserver
