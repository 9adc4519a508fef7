// SPDX-License-Identifier: Apache-2.0
// Lists of type set and map: no element, or no element's keys, may occur twice.
#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/schema/go_text.h"
#include "apiserver/schema/validation.h"

namespace klutch::apiserver {
namespace {

/// As ValuePath (value_path.h), but here members outside `properties` are written in brackets.
struct ListPath {
  const ListPath* parent;
  std::string_view name;
  std::size_t index;
  enum class Step { kProperty, kKey, kIndex } step;

  [[nodiscard]] FieldPath below(const FieldPath& root) const {
    const FieldPath above = parent == nullptr ? root : parent->below(root);
    switch (step) {
      case Step::kProperty: return above.child(name);
      case Step::kKey: return above.key(name);
      default: return above.index(index);
    }
  }
};

class UniqueListCheck {
 public:
  explicit UniqueListCheck(const FieldPath& root) : root_(root) {}

  void check(const json::Value& value, const StructuralSchema& schema, const ListPath* path) {
    if (!schema.has_unique_lists || errors_.size() >= kMaxValidationErrors) return;
    if (value.is_array()) check_array(value, schema, path);
    if (!value.is_object()) return;
    if (const StructuralSchema* additional = schema.additional()) {
      for (const std::string_view key : sorted_keys(value)) {
        const ListPath below{path, key, 0, ListPath::Step::kKey};
        check(*value.find(key), *additional, &below);
      }
    }
    for (const SchemaProperty& property : schema.properties) {
      const json::Value* member = value.find(property.key());
      const ListPath below{path, property.key(), 0, ListPath::Step::kProperty};
      if (member != nullptr) check(*member, *property.schema, &below);
    }
  }

  FieldErrors take() && { return std::move(errors_); }

 private:
  static std::vector<std::string_view> sorted_keys(const json::Value& object) {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : object.members()) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    return keys;
  }

  FieldPath element_path(const ListPath* path, std::size_t index) const {
    return ListPath{path, {}, index, ListPath::Step::kIndex}.below(root_);
  }

  void check_array(const json::Value& array, const StructuralSchema& schema, const ListPath* path) {
    if (schema.list_type == ListType::kSet) check_set(array, path);
    if (schema.list_type == ListType::kMap) check_map(array, schema, path);
    for (std::size_t i = 0; schema.items != nullptr && i < array.size(); ++i) {
      const ListPath below{path, {}, i, ListPath::Step::kIndex};
      check(array.at(i), *schema.items, &below);
    }
  }

  void check_set(const json::Value& array, const ListPath* path) {
    if (array.size() < 2) return;
    std::unordered_map<std::string, int> times;
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (++times[identity(array.at(i))] == 2) {
        errors_.push_back(FieldError::duplicate(element_path(path, i), array.at(i)));
      }
    }
  }

  void check_map(const json::Value& array, const StructuralSchema& schema, const ListPath* path) {
    for (std::size_t i = 0; i < array.size(); ++i) {
      const json::Value& element = array.at(i);
      if (element.is_object() || element.is_null()) continue;
      errors_.push_back(FieldError::invalid(element_path(path, i), element,
                                            "must be an object for an array of list-type map"));
      return;
    }
    if (array.size() < 2) return;
    std::unordered_map<std::string, int> times;
    for (std::size_t i = 0; i < array.size(); ++i) {
      const json::Value keys = keys_of(array.at(i), schema.list_map_keys());
      const std::string key = schema.list_map_keys().size() == 1 ? identity_of_only(keys) : identity(keys);
      if (++times[key] == 2) errors_.push_back(FieldError::duplicate(element_path(path, i), keys));
    }
  }

  static json::Value keys_of(const json::Value& element, const std::vector<std::string>& names) {
    json::Value keys = json::Value::empty_object();
    for (const std::string& name : names) {
      if (const json::Value* key = element.find(name)) keys.set(name, *key);
    }
    return keys;
  }

  /// Equal for what Kubernetes takes for the same: scalars by type and value, all else by their JSON.
  static std::string identity(const json::Value& value) {
    if (value.is_int()) return "i" + std::to_string(value.as_int());
    return go_json(value);
  }

  /// Of the one key of an element, which may lack it.
  static std::string identity_of_only(const json::Value& keys) {
    return keys.empty() ? "none" : identity(keys.members().front().value());
  }

  FieldPath root_;
  FieldErrors errors_ = {};
};

}  // namespace

FieldErrors validate_unique_lists(const FieldPath& root, const json::Value& value,
                                  const StructuralSchema& schema) {
  UniqueListCheck check(root);
  check.check(value, schema, nullptr);
  return std::move(check).take();
}

}  // namespace klutch::apiserver
