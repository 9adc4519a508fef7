// SPDX-License-Identifier: Apache-2.0
// JSON seen as CEL values, with a schema as Kubernetes' UnstructuredToVal reads custom resources, and without
// one as cel-go adapts native values.
#include <utility>

#include "apiserver/cel/go_text.h"
#include "apiserver/cel/go_time.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/schema.h"
#include "apiserver/cel/value.h"
#include "apiserver/cel/value_json.h"
#include "base/check.h"

namespace klutch::apiserver::cel {
namespace {

Value invalid_data(std::string_view expected, const json::Value& content) {
  return Value::error("invalid data, expected " + std::string(expected) + ", got " +
                      std::string(go_type_of(content)));
}

Value text_from_json(const json::Value& content, Schema::Kind kind) {
  if (!content.is_string()) return invalid_data("string", content);
  const std::string_view text = content.as_string();
  const auto failure = [text](std::string_view what, const Error& error) {
    return Value::error("Invalid " + std::string(what) + ' ' + std::string(text) + ": " + error.message());
  };
  switch (kind) {
    case Schema::Kind::kDuration: {
      const auto nanos = parse_openapi_duration(text);
      return nanos ? Value::duration(*nanos) : failure("duration", nanos.error());
    }
    case Schema::Kind::kDate: {
      const auto time = parse_go_date(text);
      return time ? Value::timestamp(*time) : failure("date formatted string", time.error());
    }
    case Schema::Kind::kDateTime: {
      const auto time = parse_openapi_date_time(text);
      return time ? Value::timestamp(*time) : failure("date-time formatted string", time.error());
    }
    case Schema::Kind::kBytes: {
      const auto bytes = go_decode_base64_url(text);
      return bytes ? Value::bytes(*bytes) : failure("byte formatted string", bytes.error());
    }
    default: return Value::string_view(text);
  }
}

Value number_from_json(const json::Value& content, bool integers_only) {
  if (content.is_int()) {
    return integers_only ? Value::integer(content.as_int()) : Value::real(content.to_double());
  }
  if (content.is_number() && !integers_only) return Value::real(content.to_double());
  return invalid_data(integers_only ? "int" : "float", content);
}

Value int_or_string_from_json(const json::Value& content) {
  if (content.is_string()) return Value::string_view(content.as_string());
  if (content.is_int()) return Value::integer(content.as_int());
  return Value::error("invalid data, expected XIntOrString value to be either a string or integer");
}

}  // namespace

std::string_view go_type_of(const json::Value& content) noexcept {
  switch (content.kind()) {
    case json::Kind::kNull: return "<nil>";
    case json::Kind::kBool: return "bool";
    case json::Kind::kInt: return "int64";
    case json::Kind::kUint:
    case json::Kind::kDouble: return "float64";
    case json::Kind::kString: return "string";
    case json::Kind::kArray: return "[]interface {}";
    case json::Kind::kObject: return "map[string]interface {}";
  }
  return "";
}

Value Value::from_json(const json::Value& content) {
  switch (content.kind()) {
    case json::Kind::kNull: return null();
    case json::Kind::kBool: return boolean(content.as_bool());
    case json::Kind::kInt: return integer(content.as_int());
    case json::Kind::kUint:
    case json::Kind::kDouble: return real(content.to_double());
    case json::Kind::kString: return string_view(content.as_string());
    case json::Kind::kArray: return view_of(Kind::kList, content, nullptr);
    case json::Kind::kObject: return view_of(Kind::kMap, content, nullptr);
  }
  return {};
}

Value Value::from_json(const json::Value& content, const Schema& schema) {
  if (content.is_null()) {
    return schema.is_nullable() ? null() : error("invalid data, got null for schema with nullable=false");
  }
  switch (schema.kind()) {
    case Schema::Kind::kIntOrString: return int_or_string_from_json(content);
    case Schema::Kind::kMap:
    case Schema::Kind::kObject:
      if (content.is_object()) return view_of(Kind::kMap, content, &schema);
      return error("invalid data, expected a map for the provided schema with type=object");
    case Schema::Kind::kArray:
      if (!content.is_array()) {
        return error("invalid data, expected an array for the provided schema with type=array");
      }
      if (schema.elements() == nullptr) {
        return error("invalid array type, expected Items with a non-empty Schema");
      }
      return view_of(Kind::kList, content, &schema);
    case Schema::Kind::kNumber: return number_from_json(content, false);
    case Schema::Kind::kInteger: return number_from_json(content, true);
    case Schema::Kind::kBoolean:
      return content.is_bool() ? boolean(content.as_bool()) : invalid_data("bool", content);
    case Schema::Kind::kUntyped:
      if (schema.preserves_unknown_fields()) return view_of(Kind::kUnknown, content, &schema);
      return error(
          "invalid type, expected object, array, number, integer, boolean or string, or no type with "
          "x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got ");
    default: return text_from_json(content, schema.kind());
  }
}

Value Value::element(std::size_t index) const {
  CHECK(kind_ == Kind::kList && index < size());
  if (const detail::ListObject* list = heap_list()) return list->elements()[index];
  const json::Value& content = payload_.json->at(index);
  return extra_.schema == nullptr ? from_json(content) : from_json(content, *extra_.schema->elements());
}

namespace {

/// The schema of the entry `key` (as in JSON) of a map or object, or null when it has none.
const Schema* entry_schema(const Schema& map, std::string_view key) {
  return map.kind() == Schema::Kind::kMap ? map.elements() : map.find_property(key);
}

}  // namespace

std::optional<std::pair<Value, Value>> Value::entry(std::size_t index) const {
  CHECK(kind_ == Kind::kMap && index < size());
  if (const detail::MapObject* map = heap_map()) return map->entries()[index];
  const json::Member& member = payload_.json->members()[index];
  if (extra_.schema == nullptr) return std::pair(string_view(member.key()), from_json(member.value()));
  const Schema* schema = entry_schema(*extra_.schema, member.key());
  if (schema == nullptr) return std::nullopt;
  Value key = string_view(member.key());
  if (extra_.schema->has_properties()) {
    auto escaped = escape_field_name(member.key());
    if (escaped && *escaped != member.key()) key = string(*escaped);
  }
  return std::pair(std::move(key), from_json(member.value(), *schema));
}

std::optional<Value> Value::find(const Value& key) const {
  CHECK(kind_ == Kind::kMap);
  if (const detail::MapObject* map = heap_map()) {
    const Value* found = map->find(key);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  const Schema* schema = extra_.schema;
  if (key.kind() != Kind::kString) {
    if (schema == nullptr) return std::nullopt;
    return key.is_error() ? key : no_such_overload();
  }
  if (schema != nullptr && schema->has_properties() && key.as_text().find("__") != std::string_view::npos) {
    const auto name = unescape_field_name(key.as_text());
    return name ? find_member(*payload_.json, schema, *name) : std::nullopt;
  }
  return find_member(*payload_.json, schema, key.as_text());
}

std::optional<Value> find_member(const json::Value& object, const Schema* schema, std::string_view name) {
  const json::Value* content = object.find(name);
  if (content == nullptr) return std::nullopt;
  if (schema == nullptr) return Value::from_json(*content);
  if (schema->has_properties() && content->is_null()) return std::nullopt;
  const Schema* inner = entry_schema(*schema, name);
  return inner == nullptr ? std::nullopt : std::optional(Value::from_json(*content, *inner));
}

}  // namespace klutch::apiserver::cel
