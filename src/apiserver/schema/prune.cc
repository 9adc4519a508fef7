// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/prune.h"

#include <algorithm>
#include <utility>

namespace klutch::apiserver {
namespace {

bool is_meta_field(std::string_view key) {
  return key == "apiVersion" || key == "kind" || key == "metadata";
}

/// The way down to a value, written out only for a field that is reported. Lives on the stack.
struct PrunePath {
  const PrunePath* parent;
  std::string_view key;  // empty: an index
  std::size_t index;

  [[nodiscard]] std::string to_string() const {
    std::string text = parent == nullptr ? "" : parent->to_string();
    if (key.data() == nullptr) return text + "[" + std::to_string(index) + "]";
    if (!text.empty()) text += '.';
    return text.append(key);
  }
};

// Recursion follows the schema, or arrays without one, as deep as JSON may be: the functions on the way down
// are not inlined into each other, so that their frames stay small.
class Pruner {
 public:
  explicit Pruner(const PruneOptions& options) : options_(options) {}

  /// `embedded`: the value is a whole object, whatever its schema says.
  void prune_value(json::Value& value, const StructuralSchema* schema, bool embedded, const PrunePath* path) {
    if (schema != nullptr && schema->preserve_unknown_fields) {
      prune_known(value, schema, embedded, path);
    } else if (value.is_object()) {
      prune_members(value, schema, embedded, path);
    } else if (value.is_array()) {
      prune_elements(value, schema == nullptr ? nullptr : schema->items.get(), path);
    }
  }

  std::vector<std::string> take() && {
    std::sort(unknown_.begin(), unknown_.end());
    return std::move(unknown_);
  }

 private:
  static bool is_embedded(const StructuralSchema* schema) {
    return schema != nullptr && schema->embedded_resource;
  }

  /// Whether the schema speaks about a member of that name.
  static bool is_known(const StructuralSchema* schema, bool embedded, std::string_view key) {
    if (schema == nullptr) return embedded && is_meta_field(key);
    return schema->additional_properties != AdditionalProperties::kNone || (embedded && is_meta_field(key)) ||
           schema->find_property(key) != nullptr;
  }

  [[gnu::noinline]] void prune_elements(json::Value& array, const StructuralSchema* items,
                                        const PrunePath* path) {
    for (std::size_t i = 0; i < array.size(); ++i) {
      const PrunePath below{path, {}, i};
      prune_value(array.at(i), items, is_embedded(items), &below);
    }
  }

  [[gnu::noinline]] void prune_members(json::Value& object, const StructuralSchema* schema, bool embedded,
                                       const PrunePath* path) {
    bool unknown = false;
    for (auto& [key, value] : object.members()) {
      if (!is_known(schema, embedded, key)) {
        unknown = true;
        report(key, path);
      } else if (!(embedded && is_meta_field(key))) {
        const StructuralSchema* member = schema->find_member(key);
        const PrunePath below{path, key, 0};
        prune_value(value, member, is_embedded(member), &below);
      }
    }
    if (!unknown) return;
    object.erase_if([&](const json::Member& member) { return !is_known(schema, embedded, member.key()); });
  }

  /// Below x-kubernetes-preserve-unknown-fields: only what is specified is pruned again.
  [[gnu::noinline]] void prune_known(json::Value& value, const StructuralSchema* schema, bool embedded,
                                     const PrunePath* path) {
    if (schema == nullptr) return;
    if (value.is_array()) {
      const StructuralSchema* items = schema->items.get();
      for (std::size_t i = 0; i < value.size(); ++i) {
        const PrunePath below{path, {}, i};
        prune_known(value.at(i), items, is_embedded(items), &below);
      }
    }
    if (!value.is_object()) return;
    for (auto& [key, member] : value.members()) {
      if (embedded && is_meta_field(key)) continue;
      if (!is_known(schema, false, key)) continue;
      const StructuralSchema* specified = schema->find_member(key);
      const PrunePath below{path, key, 0};
      prune_value(member, specified, is_embedded(specified), &below);
    }
  }

  [[gnu::noinline]] void report(std::string_view key, const PrunePath* path) {
    if (!options_.report || unknown_.size() >= kMaxUnknownFields) return;
    if (path == nullptr && is_meta_field(key)) return;
    unknown_.push_back(PrunePath{path, key, 0}.to_string());
  }

  PruneOptions options_;
  std::vector<std::string> unknown_ = {};
};

bool is_unwanted_null(const json::Value& value, const StructuralSchema* schema) {
  return value.is_null() && schema != nullptr && !schema->nullable && schema->default_value() == nullptr;
}

}  // namespace

std::vector<std::string> prune(json::Value& value, const StructuralSchema* schema,
                               const PruneOptions& options) {
  Pruner pruner(options);
  pruner.prune_value(value, schema, options.resource_root || (schema != nullptr && schema->embedded_resource),
                     nullptr);
  return std::move(pruner).take();
}

void drop_nulls(json::Value& value, const StructuralSchema* schema) {
  if (schema == nullptr) return;
  if (value.is_array()) {
    for (json::Value& element : value.elements()) drop_nulls(element, schema->items.get());
  }
  if (!value.is_object()) return;
  bool unwanted = false;
  for (auto& [key, member] : value.members()) {
    const StructuralSchema* specified = schema->find_member(key);
    if (is_unwanted_null(member, specified)) {
      unwanted = true;
    } else {
      drop_nulls(member, specified);
    }
  }
  if (!unwanted) return;
  value.erase_if([&](const json::Member& member) {
    return is_unwanted_null(member.value(), schema->find_member(member.key()));
  });
}

}  // namespace klutch::apiserver
