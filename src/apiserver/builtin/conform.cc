// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/conform.h"

#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "apiserver/builtin/go_values.h"
#include "apiserver/schema/go_text.h"
#include "base/check.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using Shape = FieldFacts::Shape;
using Type = FieldFacts::Type;

constexpr std::size_t kMaxUnknownFields = 100;

std::string_view go_kind(const Value& value) {
  switch (value.kind()) {
    case json::Kind::kNull: return "null";
    case json::Kind::kBool: return "bool";
    case json::Kind::kString: return "string";
    case json::Kind::kArray: return "array";
    case json::Kind::kObject: return "object";
    default: return "number";
  }
}

/// "Pod" of "core.v1.Pod".
std::string_view struct_name(const MessageFacts& message) {
  return message.name.substr(message.name.rfind('.') + 1);
}

/// "v1.Pod" of "core.v1.Pod".
std::string_view qualified_name(const MessageFacts& message) {
  const auto last = message.name.rfind('.');
  const auto before = message.name.rfind('.', last - 1);
  return before == std::string_view::npos ? message.name : message.name.substr(before + 1);
}

std::string plain_type(const FieldFacts& field) {
  switch (field.type) {
    case Type::kString: return "string";
    case Type::kBool: return "bool";
    case Type::kInt32: return "int32";
    case Type::kInt64: return "int64";
    case Type::kDouble: return "float64";
    case Type::kBytes: return "[]uint8";
    case Type::kMessage: break;
  }
  return std::string(qualified_name(*field.message));
}

/// What Go calls the type of the field.
std::string type_of_field(const FieldFacts& field) {
  if (!field.go_type.empty()) return std::string(field.go_type);
  const std::string element = plain_type(field);
  return field.shape == Shape::kList  ? "[]" + element
         : field.shape == Shape::kMap ? "map[string]" + element
                                      : element;
}

/// What Go calls the type of its elements, or of itself if it has none.
std::string type_of_element(const FieldFacts& field) {
  if (field.shape == Shape::kSingle) return type_of_field(field);
  const std::string_view type = field.go_type;
  if (field.shape == Shape::kList && type.starts_with("[]")) return std::string(type.substr(2));
  if (field.shape == Shape::kMap && type.starts_with("map[")) {
    return std::string(type.substr(type.find(']') + 1));
  }
  return plain_type(field);
}

bool is_text_list(const MessageFacts& message) {
  return message.name.ends_with(".ExtraValue") || message.name == "meta.v1.Verbs";
}

/// Whether it is a kind of its own, not only a part of others.
bool is_kind(const MessageFacts& message) {
  // Resources never change, so this is right once for all.
  static const std::unordered_set<const MessageFacts*> kinds = [] {
    std::unordered_set<const MessageFacts*> all;
    for (const ResourceFacts& resource : BuiltinFacts::get().resources()) all.insert(resource.message);
    all.insert(BuiltinFacts::get().find_message("meta.v1.DeleteOptions"));
    return all;
  }();
  return kinds.contains(&message);
}

/// What Go has where nothing was given, apart from null.
Value zero_of(const FieldFacts& field) {
  switch (field.type) {
    case Type::kString: return "";
    case Type::kBool: return false;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble: return 0;
    default: return {};
  }
}

bool is_zero_scalar(const Value& value) {
  return (value.is_string() && value.as_string().empty()) || (value.is_bool() && !value.as_bool()) ||
         (value.is_number() && value.to_double() == 0);
}

/// Reads as Go does: after a value of a wrong type it goes on, to fail with the first of them in the end.
class Conformer {
 public:
  Result<Conformed> run(const Value& object, const MessageFacts& message) {
    Conformed out;
    out.object = Value::empty_object();
    for (const std::string_view name : {"kind", "apiVersion"}) {
      if (const auto* value = object.find(name)) out.object.set(name, *value);
    }
    TRY(read_struct(object, message, out.object, 0));
    if (first_error_) return fail(*std::move(first_error_));
    out.unknown_fields = std::move(unknown_);
    return out;
  }

 private:
  [[nodiscard]] std::string wrong_type_text(std::string_view found, std::string_view type) const {
    const std::string place =
        field_.empty() ? "value" : "struct field " + std::string(struct_) + "." + field_;
    return "json: cannot unmarshal " + std::string(found) + " into Go " + place + " of type " +
           std::string(type);
  }
  void wrong_type(std::string_view found, std::string_view type) {
    if (!first_error_) first_error_ = Error(Code::kBadRequest, wrong_type_text(found, type));
  }
  [[nodiscard]] tl::unexpected<Error> fails_at_once(std::string text) const {
    return fail(Code::kBadRequest, std::move(text));
  }

  /// Names the place that is being read while it lives.
  class Place {
   public:
    Place(Conformer& owner, std::string_view outer, std::string_view name)
        : owner_(owner), field_(owner.field_.size()), path_(owner.path_.size()), struct_(owner.struct_) {
      owner.struct_ = outer;
      if (!owner.field_.empty()) owner.field_ += '.';
      owner.field_ += name;
      owner.add_key(name);
    }
    explicit Place(Conformer& owner)
        : owner_(owner), field_(owner.field_.size()), path_(owner.path_.size()), struct_(owner.struct_) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      owner_.field_.resize(field_);
      owner_.path_.resize(path_);
      owner_.struct_ = struct_;
    }

   private:
    Conformer& owner_;
    std::size_t field_;
    std::size_t path_;
    std::string_view struct_;
  };

  void add_key(std::string_view key) {
    if (!path_.empty()) path_ += '.';
    path_ += key;
  }

  void unknown(std::string_view key) {
    if (quiet_ > 0 || unknown_.size() >= kMaxUnknownFields) return;
    unknown_.push_back(path_.empty() ? std::string(key) : path_ + "." + std::string(key));
  }

  Result<> read_struct(const Value& source, const MessageFacts& message, Value& out, int depth) {
    if (depth > kMaxConformDepth) return fail(Code::kBadRequest, "exceeded max depth");
    Value read = Value::empty_object();
    for (const auto& [key, value] : source.members()) {
      // Go reads them into every whole object, and protobuf drops them within others.
      if ((key == "apiVersion" || key == "kind") && (depth == 0 || is_kind(message))) continue;
      const auto* field = message.find(key);
      if (field == nullptr) {
        unknown(key);
        continue;
      }
      const Place place(*this, struct_name(message), key);
      read.set(key, TRY(read_field(value, *field, depth)));
    }
    write_struct(read, message, out);
    return {};
  }

  /// Puts the fields that were read, and those that Go writes anyway, into their order.
  static void write_struct(Value& read, const MessageFacts& message, Value& out) {
    for (const FieldFacts& field : message.fields) {
      if (field.inlined) {
        write_struct(read, *field.message, out);
        continue;
      }
      auto* found = read.find(field.name);
      Value value = found == nullptr ? Value() : std::move(*found);
      const bool has_children = field.shape != Shape::kSingle;
      if (has_children && value.empty()) value = {};
      if (value.is_null()) {
        write_missing(field, out);
      } else if (has_children || field.is_pointer || field.keeps_zero || field.type == Type::kMessage ||
                 !is_zero_scalar(value)) {
        out.set(field.name, std::move(value));
      }
    }
  }

  static void write_missing(const FieldFacts& field, Value& out) {
    if (field.written_null) {
      out.set(field.name, nullptr);
    } else if (field.is_pointer || field.shape != Shape::kSingle || field.type == Type::kBytes) {
      return;
    } else if (field.type != Type::kMessage) {
      if (field.keeps_zero) out.set(field.name, zero_of(field));
    } else if (!field.message->special) {
      Value zero = Value::empty_object();
      Value nothing;
      write_struct(nothing, *field.message, zero);
      out.set(field.name, std::move(zero));
    } else if (auto zero = zero_special(field.message->name); !zero.is_null()) {
      out.set(field.name, std::move(zero));
    }
  }

  Result<Value> read_field(const Value& value, const FieldFacts& field, int depth) {
    if (value.is_null()) return Value();
    if (field.shape == Shape::kSingle) return read_element(value, field, depth);
    const bool is_list = field.shape == Shape::kList;
    if (is_list ? !value.is_array() : !value.is_object()) {
      wrong_type(go_kind(value), type_of_field(field));
      return Value();
    }
    return is_list ? read_list(value, field, depth) : read_map(value, field, depth);
  }

  Result<Value> read_list(const Value& value, const FieldFacts& field, int depth) {
    Value out = Value::empty_array();
    out.reserve(value.size());
    std::size_t index = 0;
    for (const Value& element : value.elements()) {
      const Place place(*this);
      path_ += '[' + std::to_string(index++) + ']';
      auto read = TRY(read_element(element, field, depth));
      out.push_back(std::move(read));
    }
    return out;
  }

  Result<Value> read_map(const Value& value, const FieldFacts& field, int depth) {
    Value out = Value::empty_object();
    for (const auto& [key, element] : value.members()) {
      const Place place(*this);
      add_key(key);
      auto read = TRY(read_element(element, field, depth));
      out.set(key, std::move(read));
    }
    return out;
  }

  Result<Value> read_element(const Value& value, const FieldFacts& field, int depth) {
    if (field.type == Type::kMessage) {
      return field.message->special ? read_special(value, *field.message, depth)
                                    : read_message(value, field, depth);
    }
    if (value.is_null()) return field.type == Type::kBytes ? Value("") : zero_of(field);
    return read_scalar(value, field);
  }

  Result<Value> read_message(const Value& value, const FieldFacts& field, int depth) {
    Value out = Value::empty_object();
    if (!value.is_object()) {
      if (!value.is_null()) wrong_type(go_kind(value), type_of_element(field));
      Value nothing;
      write_struct(nothing, *field.message, out);
      return out;
    }
    TRY(read_struct(value, *field.message, out, depth + 1));
    return out;
  }

  Result<Value> read_scalar(const Value& value, const FieldFacts& field) {
    switch (field.type) {
      case Type::kString:
        if (value.is_string()) return value;
        break;
      case Type::kBool:
        if (value.is_bool()) return value;
        break;
      case Type::kDouble:
        if (value.is_number()) return value;
        break;
      case Type::kBytes:
        if (value.is_string()) return read_bytes(value.as_string());
        break;
      default:
        if (value.is_number()) return read_integer(value, field.type == Type::kInt32, type_of_element(field));
    }
    wrong_type(go_kind(value), type_of_element(field));
    return zero_of(field);
  }

  Result<Value> read_bytes(std::string_view text) {
    auto canonical = go_canonical_base64(text);
    if (canonical) return Value(*canonical);
    if (!first_error_) first_error_ = canonical.error();
    return Value();
  }

  Result<Value> read_integer(const Value& value, bool is_narrow, std::string_view type) {
    const bool fits = value.is_int() && (!is_narrow || std::in_range<std::int32_t>(value.as_int()));
    if (fits) return value;
    const std::string number = value.is_double() ? go_number(value.as_double()) : go_value(value);
    wrong_type("number " + number, type);
    return Value(0);
  }

  // --- What reads itself in Go, and fails at once ---

  static Value zero_special(std::string_view name) {
    if (name == "api.resource.Quantity") return "0";
    if (name == "util.intstr.IntOrString") return 0;
    if (name == "meta.v1.Duration") return "0s";
    return {};
  }

  Result<Value> read_special(const Value& value, const MessageFacts& message, int depth) {
    const std::string_view name = message.name;
    if (is_text_list(message)) return read_texts(value, message);
    if (name.starts_with("apiextensions.v1.JSONSchemaPropsOr")) return read_schema_or(value, name, depth);
    if (name == "apiextensions.v1.JSON" || name == "runtime.RawExtension" || name == "meta.v1.FieldsV1") {
      return value;
    }
    if (value.is_null()) return zero_special(name);
    if (name == "api.resource.Quantity") return canonical(go_canonical_quantity(value));
    if (name == "util.intstr.IntOrString") {
      if (value.is_string()) return value;
      if (value.is_int() && std::in_range<std::int32_t>(value.as_int())) return value;
      const std::string found = value.is_number() ? "number " + go_value(value) : std::string(go_kind(value));
      return fails_at_once(wrong_type_text(found, "int32"));
    }
    if (!value.is_string()) return fails_at_once(wrong_type_text(go_kind(value), "string"));
    const std::string_view text = value.as_string();
    if (name == "meta.v1.Time") return canonical(go_canonical_seconds(text));
    if (name == "meta.v1.MicroTime") return canonical(go_canonical_micros(text));
    if (name == "meta.v1.Duration") return canonical(go_canonical_duration(text));
    return fail(Code::kInternal, "the built-in type " + std::string(name) + " cannot be read");
  }

  static Result<Value> canonical(Result<std::string> text) {
    if (!text) return fail(std::move(text).error());
    return text->empty() ? Value() : Value(*text);
  }

  Result<Value> read_texts(const Value& value, const MessageFacts& message) {
    Value out = Value::empty_array();
    if (value.is_null()) return out;
    if (!value.is_array()) {
      wrong_type(go_kind(value), qualified_name(message));
      return out;
    }
    for (const Value& element : value.elements()) {
      if (!element.is_string() && !element.is_null()) wrong_type(go_kind(element), "string");
      out.push_back(element.is_string() ? element : Value(""));
    }
    return out;
  }

  /// JSONSchemaPropsOrArray, ...OrBool, ...OrStringArray: read by a decoder of their own, which tells nobody
  /// about unknown fields.
  Result<Value> read_schema_or(const Value& value, std::string_view name, int depth) {
    if (value.is_object()) return read_schema(value, depth);
    if (name.ends_with("OrBool")) {
      if (value.is_bool()) return value;
      return fails_at_once("boolean or JSON schema expected");
    }
    if (!value.is_array()) return Value();
    Value out = Value::empty_array();
    for (const Value& element : value.elements()) {
      if (!name.ends_with("OrStringArray")) {
        out.push_back(element.is_object() ? TRY(read_schema(element, depth)) : Value::empty_object());
      } else if (element.is_string()) {
        out.push_back(element);
      } else {
        return fails_at_once("json: cannot unmarshal " + std::string(go_kind(element)) +
                             " into Go value of type string");
      }
    }
    return out;
  }

  Result<Value> read_schema(const Value& value, int depth) {
    static const MessageFacts* const schema =
        BuiltinFacts::get().find_message("apiextensions.v1.JSONSchemaProps");
    Value out = Value::empty_object();
    ++quiet_;
    const auto read = read_struct(value, *schema, out, depth + 1);
    --quiet_;
    if (!read) return fail(read.error());
    return out;
  }

  std::string field_ = {};        // "spec.template.metadata"
  std::string path_ = {};         // "spec.ports[0]"
  std::string_view struct_ = {};  // that has the last field of field_
  std::optional<Error> first_error_ = {};
  std::vector<std::string> unknown_ = {};
  int quiet_ = 0;
};

}  // namespace

Result<Conformed> conform(const Value& object, const MessageFacts& message) {
  CHECK(object.is_object());
  return Conformer().run(object, message);
}

}  // namespace klutch::apiserver
