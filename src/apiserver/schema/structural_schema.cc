// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/structural_schema.h"

#include <algorithm>

#include "apiserver/schema/go_text.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kTypeWords[] = {"",        "object", "array",   "string",
                                           "integer", "number", "boolean", ""};

/// What a schema without details answers with.
const SchemaDetails kNoDetails = {};

const SchemaDetails& details_of(const StructuralSchema& schema) noexcept {
  return schema.details == nullptr ? kNoDetails : *schema.details;
}

// ------------------------------------------------------------------------------------------ content equality

template <class T>
bool same_pointee(const std::unique_ptr<const T>& a, const std::unique_ptr<const T>& b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

bool same_details(const SchemaDetails& a, const SchemaDetails& b) {
  return go_equal(a.default_value, b.default_value) && a.additional == b.additional &&
         a.required == b.required && a.list_map_keys == b.list_map_keys &&
         std::equal(a.allowed.begin(), a.allowed.end(), b.allowed.begin(), b.allowed.end(), go_equal) &&
         same_pointee(a.limits, b.limits) && same_pointee(a.combination, b.combination) &&
         a.rules == b.rules && a.other_type == b.other_type;
}

bool same_schema(const StructuralSchema& a, const StructuralSchema& b) {
  const auto same_property = [](const SchemaProperty& x, const SchemaProperty& y) {
    return x.schema == y.schema && x.key() == y.key();
  };
  return a.type == b.type && a.list_type == b.list_type && a.map_type == b.map_type &&
         a.additional_properties == b.additional_properties && a.nullable == b.nullable &&
         a.preserve_unknown_fields == b.preserve_unknown_fields &&
         a.embedded_resource == b.embedded_resource && a.int_or_string == b.int_or_string &&
         a.items == b.items &&
         std::equal(a.properties.begin(), a.properties.end(), b.properties.begin(), b.properties.end(),
                    same_property) &&
         same_details(details_of(a), details_of(b));
}

class ContentHash {
 public:
  void add(std::uint64_t part) {
    hash_ = (hash_ ^ part) * 0x9E3779B97F4A7C15U;
    hash_ ^= hash_ >> 29U;
  }
  void add(std::string_view text) { add(std::hash<std::string_view>{}(text)); }
  void add(const SchemaPtr& schema) { add(reinterpret_cast<std::uintptr_t>(schema.get())); }
  template <class T>
  void add(const std::optional<T>& number) {
    add(number ? std::hash<T>{}(*number) : 1);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0;
};

void hash_details(ContentHash& hash, const SchemaDetails& details) {
  hash.add(json::hash(details.default_value));
  hash.add(details.additional);
  for (const auto* list : {&details.required, &details.list_map_keys}) {
    hash.add(list->size());
    for (const std::string& text : *list) hash.add(text);
  }
  for (const json::Value& value : details.allowed) hash.add(json::hash(value));
  for (const ValidationRule& rule : details.rules) hash.add(rule.rule);
  if (const auto& limits = details.limits) {
    hash.add(limits->maximum);
    hash.add(limits->minimum);
    hash.add(limits->max_length);
    hash.add(limits->max_items);
    hash.add(limits->format);
    if (limits->pattern != nullptr) hash.add(limits->pattern->text());
  }
  if (const auto& combination = details.combination) {
    for (const auto* list : {&combination->all_of, &combination->any_of, &combination->one_of}) {
      hash.add(list->size());
      for (const SchemaPtr& schema : *list) hash.add(schema);
    }
    hash.add(combination->none_of);
  }
}

std::uint64_t hash_schema(const StructuralSchema& schema) {
  ContentHash hash;
  hash.add(static_cast<std::uint64_t>(schema.type) << 8U | static_cast<std::uint64_t>(schema.list_type));
  hash.add(static_cast<std::uint64_t>(schema.nullable) << 2U |
           static_cast<std::uint64_t>(schema.preserve_unknown_fields) << 1U |
           static_cast<std::uint64_t>(schema.int_or_string));
  for (const SchemaProperty& property : schema.properties) {
    hash.add(property.key());
    hash.add(property.schema);
  }
  hash.add(schema.items);
  if (schema.details != nullptr) hash_details(hash, *schema.details);
  return hash.value();
}

}  // namespace

std::string_view to_string(SchemaType type) noexcept {
  return kTypeWords[static_cast<std::size_t>(type)];
}

const StructuralSchema* StructuralSchema::find_property(std::string_view name) const noexcept {
  const auto found =
      std::lower_bound(properties.begin(), properties.end(), name,
                       [](const SchemaProperty& p, std::string_view key) { return p.key() < key; });
  return found != properties.end() && found->key() == name ? found->schema.get() : nullptr;
}

const StructuralSchema* StructuralSchema::additional() const noexcept {
  return details_of(*this).additional.get();
}

const StructuralSchema* StructuralSchema::find_member(std::string_view name) const noexcept {
  const StructuralSchema* property = find_property(name);
  return property != nullptr ? property : additional();
}

const json::Value* StructuralSchema::default_value() const noexcept {
  const json::Value& value = details_of(*this).default_value;
  return value.is_null() ? nullptr : &value;
}

const std::vector<std::string>& StructuralSchema::list_map_keys() const noexcept {
  return details_of(*this).list_map_keys;
}

const std::vector<ValidationRule>& StructuralSchema::rules() const noexcept {
  return details_of(*this).rules;
}

std::string_view StructuralSchema::type_name() const noexcept {
  return type == SchemaType::kOther ? std::string_view(details_of(*this).other_type) : to_string(type);
}

std::size_t SchemaPool::size() const {
  const std::lock_guard lock(mutex_);
  return schemas_.size();
}

void SchemaPool::sweep() {
  const std::lock_guard lock(mutex_);
  sweep_locked();
}

void SchemaPool::sweep_locked() {
  // Nobody gets hold of a part but through here, so what only the pool holds stays so while it is locked. A
  // parent that goes may free its children for the next round.
  while (std::erase_if(schemas_, [](const auto& entry) { return entry.second.use_count() == 1; }) > 0) {
  }
  std::erase_if(patterns_, [](const auto& entry) { return entry.second.use_count() == 1; });
  constexpr std::size_t kSmallest = 1024;
  sweep_at_ = std::max(kSmallest, 2 * schemas_.size());
}

SchemaPtr SchemaPool::intern(StructuralSchema schema) {
  const std::uint64_t hash = hash_schema(schema);
  const std::lock_guard lock(mutex_);
  const auto [first, last] = schemas_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (same_schema(*it->second, schema)) return it->second;
  }
  if (schemas_.size() >= sweep_at_) sweep_locked();
  auto made = std::make_shared<const StructuralSchema>(std::move(schema));
  schemas_.emplace(hash, made);
  return made;
}

std::shared_ptr<const Pattern> SchemaPool::intern_pattern(std::string_view text) {
  const std::lock_guard lock(mutex_);
  auto& pattern = patterns_[std::string(text)];
  if (pattern == nullptr) pattern = std::make_shared<const Pattern>(text);
  return pattern;
}

}  // namespace klutch::apiserver
