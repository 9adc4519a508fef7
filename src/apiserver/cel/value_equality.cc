// SPDX-License-Identifier: Apache-2.0
// == as cel-go decides it for its own values and Kubernetes for values with a schema. Both ask the left side,
// so the result can depend on the order, and errors of elements are sometimes lost; rules in the field rely
// on it.
#include <cmath>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "apiserver/cel/arithmetic.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/schema.h"
#include "apiserver/cel/value.h"
#include "json/print.h"

namespace klutch::apiserver::cel {
namespace {

Value no_overload_for(const Value& other) {
  return other.is_error() ? other : Value::no_such_overload();
}

/// types.Equal of cel-go: null equals only null, everything else is for the left side to decide.
Value equal_elements(const Value& left, const Value& right) {
  if (left.kind() == Kind::kNull || right.kind() == Kind::kNull) {
    return Value::boolean(left.kind() == right.kind());
  }
  return equal_values(left, right);
}

Value equal_plain_lists(const Value& left, const Value& right) {
  if (right.kind() != Kind::kList || left.size() != right.size()) return Value::boolean(false);
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (equal_elements(left.element(i), right.element(i)).is_bool(false)) return Value::boolean(false);
  }
  return Value::boolean(true);
}

Value equal_atomic_lists(const Value& left, const Value& right) {
  for (std::size_t i = 0; i < left.size(); ++i) {
    Value equal = equal_values(left.element(i), right.element(i));
    if (!equal.is_bool(true)) return equal;
  }
  return Value::boolean(true);
}

/// Elements of sets are compared as Go compares what the JSON decoder made of them, so the number 1 is
/// not 1.0 there.
Value equal_sets(const Value& left, const Value& right) {
  std::unordered_set<std::string> members;
  for (std::size_t i = 0; i < left.size(); ++i) members.insert(native_key(left, i));
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (!members.contains(native_key(right.element(i)))) return Value::boolean(false);
  }
  return Value::boolean(true);
}

Value equal_map_lists(const Value& left, const Value& right) {
  std::unordered_map<std::string, std::size_t> by_key;
  const Schema& schema = *left.schema();
  for (std::size_t i = 0; i < left.size(); ++i) by_key[map_list_key(schema, left.element(i))] = i;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const Value element = right.element(i);
    const auto found = by_key.find(map_list_key(schema, element));
    if (found == by_key.end()) return Value::boolean(false);
    Value equal = equal_values(left.element(found->second), element);
    if (!equal.is_bool(true)) return equal;
  }
  return Value::boolean(true);
}

Value equal_lists(const Value& left, const Value& right) {
  const Schema* schema = left.schema();
  if (schema == nullptr) return equal_plain_lists(left, right);
  if (right.kind() != Kind::kList) return no_overload_for(right);
  if (left.size() != right.size()) return Value::boolean(false);
  switch (schema->list_type()) {
    case Schema::ListType::kAtomic: return equal_atomic_lists(left, right);
    case Schema::ListType::kSet: return equal_sets(left, right);
    case Schema::ListType::kMap: return equal_map_lists(left, right);
  }
  return {};
}

Value equal_plain_maps(const Value& left, const Value& right) {
  if (right.kind() != Kind::kMap || left.size() != right.size()) return Value::boolean(false);
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto entry = left.entry(i);
    if (!entry) continue;
    const auto other = right.find(entry->first);
    if (!other || equal_elements(entry->second, *other).is_bool(false)) return Value::boolean(false);
  }
  return Value::boolean(true);
}

/// One member of an object with a schema; true also where the schema knows nothing and the other has nothing.
Value equal_members(const Value& left, const json::Member& member, const Value& right) {
  const Schema& schema = *left.schema();
  const bool known = schema.kind() == Schema::Kind::kMap || schema.find_property(member.key()) != nullptr;
  if (known) {
    const Value key = Value::string_view(member.key());
    const auto value = left.find(key);
    const auto other = right.find(key);
    if (value.has_value() != other.has_value()) return Value::boolean(false);
    return value ? equal_values(*value, *other) : Value::boolean(true);
  }
  if (right.json_content() == nullptr || right.schema() == nullptr) return no_overload_for(right);
  const json::Value* other = right.json_content()->find(member.key());
  return Value::boolean(other == nullptr || *other == member.value());
}

Value equal_maps(const Value& left, const Value& right) {
  if (left.schema() == nullptr) return equal_plain_maps(left, right);
  if (right.kind() != Kind::kMap) return no_overload_for(right);
  if (left.size() != right.size()) return Value::boolean(false);
  for (const json::Member& member : left.json_content()->members()) {
    Value equal = equal_members(left, member, right);
    if (!equal.is_bool(true)) return equal;
  }
  return Value::boolean(true);
}

Value equal_optionals(const Value& left, const Value& right) {
  if (right.kind() != Kind::kOptional) return Value::boolean(false);
  const Value* content = left.as_optional();
  const Value* other = right.as_optional();
  if (content == nullptr || other == nullptr) return Value::boolean(content == other);
  return equal_values(*content, *other);
}

Value equal_scalars(const Value& left, const Value& right) {
  if (left.kind() != right.kind()) return Value::boolean(false);
  switch (left.kind()) {
    case Kind::kBool: return Value::boolean(left.as_bool() == right.as_bool());
    case Kind::kDuration: return Value::boolean(left.as_duration() == right.as_duration());
    case Kind::kTimestamp:
      return Value::boolean(compare_timestamps(left.as_timestamp(), right.as_timestamp()) == 0);
    default: return Value::boolean(left.as_text() == right.as_text());
  }
}

Value equal_opaque(const Value& left, const Value& right) {
  if (right.kind() != Kind::kOpaque || left.type_name() != right.type_name()) return no_overload_for(right);
  if (!right.as_opaque().is_operand()) return Value::no_such_overload();
  return Value::boolean(left.as_opaque().equals(right.as_opaque()));
}

}  // namespace

Value equal_values(const Value& left, const Value& right) {
  switch (left.kind()) {
    case Kind::kError: return left;
    case Kind::kNull: return Value::boolean(right.kind() == Kind::kNull);
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble: return Value::boolean(is_number(right) && compare_numbers(left, right) == 0);
    case Kind::kList: return equal_lists(left, right);
    case Kind::kMap: return equal_maps(left, right);
    case Kind::kOptional: return equal_optionals(left, right);
    case Kind::kOpaque: return equal_opaque(left, right);
    case Kind::kUnknown: {
      const json::Value* other = right.json_content();
      return Value::boolean(other != nullptr && *left.json_content() == *other);
    }
    default: return equal_scalars(left, right);
  }
}

Value Value::equals(const Value& other) const {
  return equal_elements(*this, other);
}

std::string native_key(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull: return "null";
    case Kind::kBool: return value.as_bool() ? "true" : "false";
    case Kind::kInt: return 'i' + std::to_string(value.as_int());
    case Kind::kDouble: return 'd' + value.text();
    case Kind::kString: return 's' + std::string(value.as_text());
    default: {
      const json::Value* content = value.json_content();
      return content == nullptr ? '?' + value.debug() : 'j' + json::canonical(*content);
    }
  }
}

std::string native_key(const Value& list, std::size_t index) {
  // The JSON itself decides, where there is some: a number may be an integer in a list of numbers.
  const json::Value* content = list.json_content();
  return native_key(content == nullptr ? list.element(index) : Value::from_json(content->at(index)));
}

std::string map_list_key(const Schema& schema, const Value& element) {
  const json::Value* content = element.json_content();
  if (content == nullptr || !content->is_object()) return "!";  // equals no key
  std::string key;
  for (const std::string& name : schema.map_keys()) {
    const json::Value* part = content->find(escape_field_name(name).value_or(name));
    const std::string text = native_key(part == nullptr ? Value() : Value::from_json(*part));
    key += std::to_string(text.size()) + ':' + text;
  }
  return key;
}

}  // namespace klutch::apiserver::cel
