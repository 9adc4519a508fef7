// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/protobuf.h"

#include <bit>
#include <chrono>
#include <cmath>

#include "apiserver/builtin/wire.h"
#include "base/duration.h"
#include "base/strings.h"
#include "base/time.h"
#include "crypto/base64.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kMagic("k8s\0", 4);

Result<Value> decode_at(std::string_view bytes, const MessageFacts& message, int depth);

tl::unexpected<Error> bad_field(std::string_view name, std::string_view why) {
  return fail(Code::kBadRequest, "malformed protobuf: field " + quote(name) + " " + std::string(why));
}

// --- Messages that are not written as objects ---

/// The fields 1, 2 and 3 of a small message, the last of each winning.
struct SmallMessage {
  std::uint64_t numbers[4] = {};
  std::string_view bytes[4] = {};
  bool present[4] = {};
};

Result<SmallMessage> read_small(std::string_view bytes) {
  SmallMessage out;
  for (WireReader reader(bytes); !reader.at_end();) {
    const auto field = TRY(reader.next());
    if (field.number > 3) continue;
    out.numbers[field.number] = field.value;
    out.bytes[field.number] = field.bytes;
    out.present[field.number] = true;
  }
  return out;
}

/// Null for the zero time, which is an empty message.
Result<Value> decode_time(std::string_view bytes, bool micros) {
  if (bytes.empty()) return Value();
  const auto parts = TRY(read_small(bytes));
  const auto seconds = static_cast<std::int64_t>(parts.numbers[1]);
  // What the project's Time can hold: 1677 to 2262.
  constexpr std::int64_t kLimit = 9'223'372'036;
  if (seconds <= -kLimit || seconds >= kLimit)
    return fail(Code::kBadRequest, "malformed protobuf: a time is out of range");
  const auto nanos = static_cast<std::int32_t>(parts.numbers[2]);
  const Time time{std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos)};
  return Value(micros ? format_rfc3339_micros(time)
                      : format_rfc3339(std::chrono::floor<std::chrono::seconds>(time)));
}

Result<Value> decode_raw_json(std::string_view bytes) {
  const auto parts = TRY(read_small(bytes));
  if (parts.bytes[1].empty()) return Value();
  return json::parse(parts.bytes[1]).map_error(context("cannot read JSON within protobuf"));
}

Result<Value> decode_int_or_string(std::string_view bytes) {
  const auto parts = TRY(read_small(bytes));
  if (parts.numbers[1] == 0) return Value(static_cast<std::int32_t>(parts.numbers[2]));
  return Value(parts.bytes[3]);
}

/// Items of field 1, or of `number`.
Result<Value> decode_strings(std::string_view bytes, std::uint32_t number) {
  auto list = Value::empty_array();
  for (WireReader reader(bytes); !reader.at_end();) {
    const auto field = TRY(reader.next());
    if (field.number == number) list.push_back(Value(field.bytes));
  }
  return list;
}

/// JSONSchemaPropsOrArray, ...OrBool, ...OrStringArray (apiextensions/v1): one of two forms.
Result<Value> decode_schema_or(std::string_view bytes, std::string_view other, int depth) {
  const auto* schema = BuiltinFacts::get().find_message("apiextensions.v1.JSONSchemaProps");
  const auto parts = TRY(read_small(bytes));
  if (other == "Bool") {
    if (parts.present[2]) return decode_at(parts.bytes[2], *schema, depth);
    return Value(parts.numbers[1] != 0);
  }
  if (parts.present[1]) return decode_at(parts.bytes[1], *schema, depth);
  if (other == "StringArray") return decode_strings(bytes, 2);
  auto list = Value::empty_array();
  for (WireReader reader(bytes); !reader.at_end();) {
    const auto field = TRY(reader.next());
    if (field.number == 2) list.push_back(TRY(decode_at(field.bytes, *schema, depth)));
  }
  return list;
}

Result<Value> decode_special(std::string_view bytes, std::string_view name, int depth) {
  if (name == "meta.v1.Time") return decode_time(bytes, false);
  if (name == "meta.v1.MicroTime") return decode_time(bytes, true);
  if (name == "meta.v1.Duration") {
    const auto parts = TRY(read_small(bytes));
    return Value(format_duration(Duration(static_cast<std::int64_t>(parts.numbers[1]))));
  }
  if (name == "api.resource.Quantity") return Value(TRY(read_small(bytes)).bytes[1]);
  if (name == "util.intstr.IntOrString") return decode_int_or_string(bytes);
  constexpr std::string_view kSchemaOr = "apiextensions.v1.JSONSchemaPropsOr";
  if (name.starts_with(kSchemaOr)) return decode_schema_or(bytes, name.substr(kSchemaOr.size()), depth);
  if (name.ends_with(".ExtraValue") || name == "meta.v1.Verbs") return decode_strings(bytes, 1);
  if (name == "meta.v1.FieldsV1" || name == "runtime.RawExtension" || name == "apiextensions.v1.JSON") {
    return decode_raw_json(bytes);
  }
  return fail(Code::kUnsupported, "the built-in type " + std::string(name) + " cannot be read from protobuf");
}

// --- Fields ---

Result<Value> decode_scalar(const WireField& wire, const FieldFacts& field) {
  using Type = FieldFacts::Type;
  const bool is_bytes = field.type == Type::kString || field.type == Type::kBytes;
  const auto wanted = is_bytes                      ? WireType::kBytes
                      : field.type == Type::kDouble ? WireType::kFixed64
                                                    : WireType::kVarint;
  if (wire.type != wanted) return bad_field(field.name, "has a value of another kind");
  switch (field.type) {
    case Type::kString: return Value(wire.bytes);
    case Type::kBytes: return Value(crypto::base64_encode(wire.bytes));
    case Type::kBool: return Value(wire.value != 0);
    case Type::kInt32: return Value(static_cast<std::int32_t>(wire.value));
    case Type::kInt64: return Value(static_cast<std::int64_t>(wire.value));
    case Type::kDouble: {
      const auto number = std::bit_cast<double>(wire.value);
      if (!std::isfinite(number)) return bad_field(field.name, "is no finite number");
      return Value(number);
    }
    case Type::kMessage: break;
  }
  return bad_field(field.name, "has a value of another kind");
}

Result<Value> decode_value(const WireField& wire, const FieldFacts& field, int depth) {
  if (field.type != FieldFacts::Type::kMessage) return decode_scalar(wire, field);
  if (wire.type != WireType::kBytes) return bad_field(field.name, "has a value of another kind");
  if (depth >= kMaxProtobufDepth) return fail(Code::kTooLarge, "the protobuf is nested too deeply");
  if (field.message->special) return decode_special(wire.bytes, field.message->name, depth + 1);
  return decode_at(wire.bytes, *field.message, depth + 1);
}

/// An entry of a map: key 1, value 2. What is missing is empty.
Result<> decode_entry(const WireField& wire, const FieldFacts& field, int depth, Value& map) {
  if (wire.type != WireType::kBytes) return bad_field(field.name, "has a value of another kind");
  const bool is_text = field.type == FieldFacts::Type::kString || field.type == FieldFacts::Type::kBytes ||
                       field.type == FieldFacts::Type::kMessage;
  std::string_view key;
  WireField value{.number = 2, .type = is_text ? WireType::kBytes : WireType::kVarint};
  for (WireReader reader(wire.bytes); !reader.at_end();) {
    const auto part = TRY(reader.next());
    if (part.number == 1 && part.type == WireType::kBytes) key = part.bytes;
    if (part.number == 2) value = part;
  }
  map.set(key, TRY(decode_value(value, field, depth)));
  return {};
}

Result<> decode_packed(const WireField& wire, const FieldFacts& field, Value& list) {
  for (WireReader reader(wire.bytes); !reader.at_end();) {
    const WireField item{.number = wire.number, .type = WireType::kVarint, .value = TRY(reader.varint())};
    list.push_back(TRY(decode_scalar(item, field)));
  }
  return {};
}

bool is_zero(const Value& value) {
  return value.is_null() || (value.is_string() && value.as_string().empty()) ||
         (value.is_bool() && !value.as_bool()) || (value.is_number() && value.to_double() == 0) ||
         ((value.is_object() || value.is_array()) && value.empty());
}

/// Go writes every field that is no pointer to protobuf, but leaves empty ones out of JSON.
bool is_left_out(const FieldFacts& field, const Value& value) {
  if (value.is_null()) return true;
  if (field.is_pointer || field.keeps_zero) return false;
  if (field.type == FieldFacts::Type::kMessage) return value.is_object() && value.empty() && !field.required;
  return is_zero(value);
}

Result<> decode_field(const WireField& wire, const FieldFacts& field, int depth, Value& object) {
  using Shape = FieldFacts::Shape;
  if (field.inlined) {
    auto inner = TRY(decode_value(wire, field, depth));
    for (auto& [name, value] : inner.members()) object.set(name, std::move(value));
    return {};
  }
  if (field.shape == Shape::kMap) {
    auto& map = object[field.name];
    if (!map.is_object()) map = Value::empty_object();
    return decode_entry(wire, field, depth, map);
  }
  if (field.shape == Shape::kList) {
    auto& list = object[field.name];
    if (!list.is_array()) list = Value::empty_array();
    const bool is_number = field.type == FieldFacts::Type::kInt32 || field.type == FieldFacts::Type::kInt64;
    if (is_number && wire.type == WireType::kBytes) return decode_packed(wire, field, list);
    list.push_back(TRY(decode_value(wire, field, depth)));
    return {};
  }
  auto value = TRY(decode_value(wire, field, depth));
  if (is_left_out(field, value)) {
    object.erase(field.name);
  } else {
    object.set(field.name, std::move(value));
  }
  return {};
}

Result<Value> decode_at(std::string_view bytes, const MessageFacts& message, int depth) {
  auto object = Value::empty_object();
  for (WireReader reader(bytes); !reader.at_end();) {
    const auto wire = TRY(reader.next());
    // Fields of a later version are left out, as Go does.
    if (const auto* field = message.find_number(wire.number); field != nullptr) {
      TRY(decode_field(wire, *field, depth, object));
    }
  }
  return object;
}

}  // namespace

bool is_kubernetes_protobuf(std::string_view body) noexcept {
  return body.starts_with(kMagic);
}

Result<Value> decode_message(std::string_view bytes, const MessageFacts& message) {
  return decode_at(bytes, message, 0);
}

Result<Value> decode_kubernetes_protobuf(std::string_view body) {
  if (!is_kubernetes_protobuf(body)) {
    return fail(Code::kBadRequest, "the body does not begin as a Kubernetes object in protobuf does");
  }
  // runtime.Unknown: 1 TypeMeta{1 apiVersion, 2 kind}, 2 raw, 3 contentEncoding, 4 contentType
  const auto envelope = TRY(read_small(body.substr(kMagic.size())));
  const auto type = TRY(read_small(envelope.bytes[1]));
  const auto api_version = type.bytes[1];
  const auto kind = type.bytes[2];
  if (!envelope.bytes[3].empty()) return fail(Code::kUnsupported, "the protobuf object is encoded once more");
  const auto* message = BuiltinFacts::get().message_of(api_version, kind);
  if (message == nullptr) {
    return fail(Code::kUnsupported,
                "kind " + quote(kind) + " of " + quote(api_version) + " has no protobuf form here");
  }
  auto object = Value::empty_object();
  object.set("apiVersion", api_version);
  object.set("kind", kind);
  auto fields = TRY(decode_message(envelope.bytes[2], *message));
  for (auto& [name, value] : fields.members()) {
    if (!object.contains(name)) object.set(name, std::move(value));
  }
  return object;
}

}  // namespace klutch::apiserver
