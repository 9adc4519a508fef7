// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/correlation.h"

#include <fmt/format.h>

#include "apiserver/schema/go_text.h"

namespace klutch::apiserver {
namespace {

/// A scalar as part of a key; kinds stay apart. Several keys are joined with doubles of six digits, as
/// Kubernetes does.
std::optional<std::string> key_part(const json::Value& value, bool joined) {
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_int()) return std::to_string(value.as_int());
  if (value.is_string()) return "\"" + std::string(value.as_string()) + "\"";
  if (!is_go_float(value)) return std::nullopt;
  return joined ? fmt::format("{:f}", value.to_double()) : "f" + go_number(value.to_double());
}

}  // namespace

KeyedElements::KeyedElements(const json::Value& list, const StructuralSchema& schema) : schema_(schema) {
  if (schema.type != SchemaType::kArray || schema.list_type != ListType::kMap ||
      schema.list_map_keys().empty()) {
    return;
  }
  for (const json::Value& element : list.elements()) {
    if (auto key = key_of(element)) elements_.emplace(*std::move(key), &element);
  }
}

const json::Value* KeyedElements::find(const json::Value& element) const {
  if (elements_.empty()) return nullptr;
  const auto key = key_of(element);
  if (!key) return nullptr;
  const auto found = elements_.find(*key);
  return found == elements_.end() ? nullptr : found->second;
}

std::optional<std::string> KeyedElements::key_of(const json::Value& element) const {
  std::string key;
  const bool joined = schema_.list_map_keys().size() > 1;
  for (const std::string& name : schema_.list_map_keys()) {
    const json::Value* value = element.find(name);
    const auto part = value == nullptr ? std::nullopt : key_part(*value, joined);
    if (!part) return std::nullopt;
    key.append(1, '\0').append(*part);
  }
  return key;
}

std::optional<Correlation> Correlation::member(std::string_view key) {
  const json::Value* value = value_.find(key);
  const json::Value* old = old_.find(key);
  const StructuralSchema* schema = schema_.find_member(key);
  if (value == nullptr || old == nullptr || schema == nullptr) return std::nullopt;
  return std::make_optional<Correlation>(*value, *old, *schema, this);
}

std::optional<Correlation> Correlation::element(std::size_t index) {
  if (schema_.list_type != ListType::kMap || schema_.items == nullptr) return std::nullopt;
  if (!value_.is_array() || !old_.is_array() || index >= value_.size()) return std::nullopt;
  if (keyed_ == nullptr) keyed_ = std::make_unique<KeyedElements>(old_, schema_);
  const json::Value* old = keyed_->find(value_.at(index));
  if (old == nullptr) return std::nullopt;
  return std::make_optional<Correlation>(value_.at(index), *old, *schema_.items, this);
}

bool Correlation::is_unchanged() {
  if (known_ == Known::kNothing) {
    if (compare()) {
      known_ = Known::kSame;
    } else {
      // What contains a part that changed changed too; saying so here keeps the whole linear.
      for (Correlation* changed = this; changed != nullptr; changed = changed->parent_) {
        changed->known_ = Known::kDifferent;
      }
    }
  }
  return known_ == Known::kSame;
}

bool Correlation::compare() {
  if (value_.is_array() && old_.is_array()) return compare_elements();
  if (value_.is_object() && old_.is_object()) return compare_members();
  return go_equal(value_, old_);
}

bool Correlation::compare_elements() {
  if (value_.size() != old_.size()) return false;
  for (std::size_t i = 0; i < value_.size(); ++i) {
    auto part = element(i);
    if (!part) return keyed_ == nullptr && go_equal(value_, old_);
    if (!part->is_unchanged()) return false;
  }
  return true;
}

bool Correlation::compare_members() {
  if (value_.size() != old_.size()) return false;
  for (const auto& [key, value] : value_.members()) {
    auto part = member(key);
    if (!part || !part->is_unchanged()) return false;
  }
  return true;
}

}  // namespace klutch::apiserver
