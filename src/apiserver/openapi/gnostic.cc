// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/gnostic.h"

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "json/print.h"

namespace klutch::apiserver {
namespace {

/// The wire format of protobuf (protobuf.dev, "Encoding"), as far as writing goes.
class WireWriter {
 public:
  void text(std::uint32_t number, std::string_view bytes) {
    varint((number << 3U) | 2U);
    varint(bytes.size());
    out_ += bytes;
  }
  void flag(std::uint32_t number, bool value) {
    varint(number << 3U);
    varint(value ? 1 : 0);
  }
  void integer(std::uint32_t number, std::int64_t value) {
    varint(number << 3U);
    varint(static_cast<std::uint64_t>(value));
  }
  void number(std::uint32_t number, double value) {
    varint((number << 3U) | 1U);
    auto bits = std::bit_cast<std::uint64_t>(value);
    for (int i = 0; i < 8; ++i, bits >>= 8U) out_ += static_cast<char>(bits & 0xFFU);
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return out_; }

 private:
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80U);
      value >>= 7U;
    }
    out_ += static_cast<char>(value);
  }

  std::string out_;
};

enum class Scalar : std::uint8_t { kText, kFlag, kInteger, kNumber, kTexts };

/// A member that is written as it is.
struct ScalarField {
  std::string_view name;
  std::uint32_t number;
  Scalar type;
};

// The numbers are those of OpenAPIv2.proto.
constexpr ScalarField kSchemaFields[] = {
    {"$ref", 1, Scalar::kText},
    {"format", 2, Scalar::kText},
    {"title", 3, Scalar::kText},
    {"description", 4, Scalar::kText},
    {"multipleOf", 6, Scalar::kNumber},
    {"maximum", 7, Scalar::kNumber},
    {"exclusiveMaximum", 8, Scalar::kFlag},
    {"minimum", 9, Scalar::kNumber},
    {"exclusiveMinimum", 10, Scalar::kFlag},
    {"maxLength", 11, Scalar::kInteger},
    {"minLength", 12, Scalar::kInteger},
    {"pattern", 13, Scalar::kText},
    {"maxItems", 14, Scalar::kInteger},
    {"minItems", 15, Scalar::kInteger},
    {"uniqueItems", 16, Scalar::kFlag},
    {"maxProperties", 17, Scalar::kInteger},
    {"minProperties", 18, Scalar::kInteger},
    {"required", 19, Scalar::kTexts},
};
constexpr ScalarField kOperationFields[] = {
    {"tags", 1, Scalar::kTexts},     {"description", 3, Scalar::kText}, {"operationId", 5, Scalar::kText},
    {"produces", 6, Scalar::kTexts}, {"consumes", 7, Scalar::kTexts},
};
constexpr ScalarField kLateOperationFields[] = {{"schemes", 10, Scalar::kTexts}};
constexpr ScalarField kQueryFields[] = {
    {"required", 1, Scalar::kFlag}, {"in", 2, Scalar::kText},   {"description", 3, Scalar::kText},
    {"name", 4, Scalar::kText},     {"type", 6, Scalar::kText}, {"uniqueItems", 20, Scalar::kFlag},
};
constexpr ScalarField kPathFields[] = {
    {"required", 1, Scalar::kFlag}, {"in", 2, Scalar::kText},   {"description", 3, Scalar::kText},
    {"name", 4, Scalar::kText},     {"type", 5, Scalar::kText}, {"uniqueItems", 19, Scalar::kFlag},
};
constexpr ScalarField kBodyFields[] = {
    {"description", 1, Scalar::kText},
    {"name", 2, Scalar::kText},
    {"in", 3, Scalar::kText},
    {"required", 4, Scalar::kFlag},
};
constexpr ScalarField kReferenceFields[] = {{"$ref", 1, Scalar::kText}, {"description", 2, Scalar::kText}};
constexpr ScalarField kResponseFields[] = {{"description", 1, Scalar::kText}};
constexpr ScalarField kApiKeyFields[] = {{"type", 1, Scalar::kText},
                                         {"name", 2, Scalar::kText},
                                         {"in", 3, Scalar::kText},
                                         {"description", 4, Scalar::kText}};
constexpr ScalarField kInfoFields[] = {{"title", 1, Scalar::kText}, {"version", 2, Scalar::kText}};
constexpr ScalarField kDocumentFields[] = {{"swagger", 1, Scalar::kText}};

constexpr ScalarField kMethods[] = {
    {"get", 2, Scalar::kText},    {"put", 3, Scalar::kText},     {"post", 4, Scalar::kText},
    {"delete", 5, Scalar::kText}, {"options", 6, Scalar::kText}, {"head", 7, Scalar::kText},
    {"patch", 8, Scalar::kText},
};

/// What is zero is not written, as protobuf 3 has it.
void write_scalar(WireWriter& out, const ScalarField& field, const json::Value& value) {
  switch (field.type) {
    case Scalar::kText:
      if (value.is_string() && !value.as_string().empty()) out.text(field.number, value.as_string());
      return;
    case Scalar::kFlag:
      if (value.is_bool() && value.as_bool()) out.flag(field.number, true);
      return;
    case Scalar::kInteger:
      if (value.is_int() && value.as_int() != 0) out.integer(field.number, value.as_int());
      return;
    case Scalar::kNumber:
      if (value.is_number() && value.to_double() != 0) out.number(field.number, value.to_double());
      return;
    case Scalar::kTexts:
      if (!value.is_array()) return;
      for (const json::Value& text : value.elements()) {
        if (text.is_string()) out.text(field.number, text.as_string());
      }
      return;
  }
}

void write_scalars(WireWriter& out, std::span<const ScalarField> fields, const json::Value& object) {
  for (const ScalarField& field : fields) {
    if (const json::Value* value = object.find(field.name)) write_scalar(out, field, *value);
  }
}

/// Any JSON is YAML, too, which is what the field is for.
void write_any(WireWriter& out, std::uint32_t number, const json::Value& value) {
  WireWriter any;
  any.text(2, json::print(value));
  out.text(number, any.bytes());
}

void write_named(WireWriter& out, std::uint32_t number, std::string_view name, const WireWriter& value) {
  WireWriter pair;
  pair.text(1, name);
  pair.text(2, value.bytes());
  out.text(number, pair.bytes());
}

void write_extensions(WireWriter& out, std::uint32_t number, const json::Value& object) {
  for (const auto& [key, value] : object.members()) {
    if (!key.starts_with("x-")) continue;
    WireWriter any;
    any.text(2, json::print(value));
    write_named(out, number, key, any);
  }
}

// Recursion is as deep as the schema, which was bounded when its definition was accepted.
WireWriter gnostic_schema(const json::Value& schema) {
  WireWriter out;
  if (!schema.is_object()) return out;
  write_scalars(out, kSchemaFields, schema);
  if (const json::Value* values = schema.find_array("enum")) {
    for (const json::Value& value : values->elements()) write_any(out, 20, value);
  }
  if (const json::Value* additional = schema.find("additionalProperties")) {
    WireWriter item;
    if (additional->is_bool()) {
      item.flag(2, additional->as_bool());
    } else {
      item.text(1, gnostic_schema(*additional).bytes());
    }
    out.text(21, item.bytes());
  }
  if (const auto type = schema.find_string("type")) {
    WireWriter item;
    item.text(1, *type);
    out.text(22, item.bytes());
  }
  if (const json::Value* items = schema.find_object("items")) {
    WireWriter item;
    item.text(1, gnostic_schema(*items).bytes());
    out.text(23, item.bytes());
  }
  if (const json::Value* properties = schema.find_object("properties")) {
    WireWriter list;
    for (const auto& [name, property] : properties->members()) {
      write_named(list, 1, name, gnostic_schema(property));
    }
    out.text(25, list.bytes());
  }
  write_extensions(out, 31, schema);
  return out;
}

WireWriter gnostic_parameter(const json::Value& parameter) {
  const std::string_view in = parameter.find_string("in").value_or("");
  WireWriter fields;
  WireWriter out;
  if (in == "body") {
    write_scalars(fields, kBodyFields, parameter);
    if (const json::Value* schema = parameter.find("schema")) fields.text(5, gnostic_schema(*schema).bytes());
    out.text(1, fields.bytes());
    return out;
  }
  const bool path = in == "path";
  write_scalars(fields, path ? std::span<const ScalarField>(kPathFields) : kQueryFields, parameter);
  WireWriter kind;
  kind.text(path ? 4 : 3, fields.bytes());
  out.text(2, kind.bytes());
  return out;
}

void write_parameters(WireWriter& out, std::uint32_t number, const json::Value& object) {
  const json::Value* parameters = object.find_array("parameters");
  if (parameters == nullptr) return;
  for (const json::Value& parameter : parameters->elements()) {
    WireWriter item;
    if (parameter.contains("$ref")) {
      WireWriter reference;
      write_scalars(reference, kReferenceFields, parameter);
      item.text(2, reference.bytes());
    } else {
      item.text(1, gnostic_parameter(parameter).bytes());
    }
    out.text(number, item.bytes());
  }
}

WireWriter gnostic_responses(const json::Value& responses) {
  WireWriter out;
  for (const auto& [status, response] : responses.members()) {
    WireWriter fields;
    write_scalars(fields, kResponseFields, response);
    if (const json::Value* schema = response.find("schema")) {
      WireWriter item;
      item.text(1, gnostic_schema(*schema).bytes());
      fields.text(2, item.bytes());
    }
    WireWriter value;
    value.text(1, fields.bytes());
    write_named(out, 1, status, value);
  }
  return out;
}

WireWriter gnostic_operation(const json::Value& operation) {
  WireWriter out;
  write_scalars(out, kOperationFields, operation);
  write_parameters(out, 8, operation);
  if (const json::Value* responses = operation.find_object("responses")) {
    out.text(9, gnostic_responses(*responses).bytes());
  }
  write_scalars(out, kLateOperationFields, operation);
  write_extensions(out, 13, operation);
  return out;
}

WireWriter gnostic_paths(const json::Value& paths) {
  WireWriter out;
  for (const auto& [path, item] : paths.members()) {
    WireWriter value;
    for (const ScalarField& method : kMethods) {
      const json::Value* operation = item.find_object(method.name);
      if (operation != nullptr) value.text(method.number, gnostic_operation(*operation).bytes());
    }
    write_parameters(value, 9, item);
    write_named(out, 2, path, value);
  }
  return out;
}

/// Each member by its name, made into a message by `write`.
template <class Write>
void write_map(WireWriter& out, std::uint32_t number, const json::Value& document, std::string_view key,
               Write write) {
  const json::Value* members = document.find_object(key);
  if (members == nullptr) return;
  WireWriter list;
  for (const auto& [name, value] : members->members()) write_named(list, 1, name, write(value));
  out.text(number, list.bytes());
}

WireWriter gnostic_scopes(const json::Value& scopes) {
  WireWriter out;
  if (!scopes.is_array()) return out;
  for (const json::Value& scope : scopes.elements()) {
    if (scope.is_string()) out.text(1, scope.as_string());
  }
  return out;
}

WireWriter gnostic_api_key(const json::Value& definition) {
  WireWriter fields;
  write_scalars(fields, kApiKeyFields, definition);
  WireWriter out;
  out.text(2, fields.bytes());
  return out;
}

}  // namespace

std::string gnostic_document(const json::Value& document) {
  WireWriter out;
  write_scalars(out, kDocumentFields, document);
  if (const json::Value* info = document.find_object("info")) {
    WireWriter fields;
    write_scalars(fields, kInfoFields, *info);
    out.text(2, fields.bytes());
  }
  if (const json::Value* paths = document.find_object("paths")) out.text(8, gnostic_paths(*paths).bytes());
  write_map(out, 9, document, "definitions", gnostic_schema);
  write_map(out, 10, document, "parameters", gnostic_parameter);
  if (const json::Value* security = document.find_array("security")) {
    for (const json::Value& requirement : security->elements()) {
      WireWriter list;
      for (const auto& [name, scopes] : requirement.members()) {
        write_named(list, 1, name, gnostic_scopes(scopes));
      }
      out.text(12, list.bytes());
    }
  }
  write_map(out, 13, document, "securityDefinitions", gnostic_api_key);
  return out.bytes();
}

}  // namespace klutch::apiserver
