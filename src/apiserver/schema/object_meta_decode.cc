// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <span>

#include "apiserver/schema/go_text.h"
#include "apiserver/schema/go_time.h"
#include "apiserver/schema/object_meta.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

constexpr std::size_t kMaxUnknown = 100;

enum class FieldKind {
  kString,
  kInt,
  kIntPointer,
  kBoolPointer,
  kTime,
  kTimePointer,
  kStringMap,
  kStringList,
  kStructList,
  kRaw
};

struct StructType;

struct MetaField {
  std::string_view name;
  FieldKind kind;
  std::string_view go_type;
  const StructType* element = nullptr;  // of kStructList
  bool omit_empty = true;
};

struct StructType {
  std::string_view name;  // in messages
  std::span<const MetaField> fields;
};

constexpr MetaField kOwnerFields[] = {
    {"apiVersion", FieldKind::kString, "string", nullptr, false},
    {"kind", FieldKind::kString, "string", nullptr, false},
    {"name", FieldKind::kString, "string", nullptr, false},
    {"uid", FieldKind::kString, "types.UID", nullptr, false},
    {"controller", FieldKind::kBoolPointer, "bool"},
    {"blockOwnerDeletion", FieldKind::kBoolPointer, "bool"},
};
constexpr StructType kOwnerReference = {"OwnerReference", kOwnerFields};

constexpr MetaField kManagedFields[] = {
    {"manager", FieldKind::kString, "string"},
    {"operation", FieldKind::kString, "v1.ManagedFieldsOperationType"},
    {"apiVersion", FieldKind::kString, "string"},
    {"time", FieldKind::kTimePointer, "string"},
    {"fieldsType", FieldKind::kString, "string"},
    {"fieldsV1", FieldKind::kRaw, ""},
    {"subresource", FieldKind::kString, "string"},
};
constexpr StructType kManagedFieldsEntry = {"ManagedFieldsEntry", kManagedFields};

constexpr MetaField kMetaFields[] = {
    {"name", FieldKind::kString, "string"},
    {"generateName", FieldKind::kString, "string"},
    {"namespace", FieldKind::kString, "string"},
    {"selfLink", FieldKind::kString, "string"},
    {"uid", FieldKind::kString, "types.UID"},
    {"resourceVersion", FieldKind::kString, "string"},
    {"generation", FieldKind::kInt, "int64"},
    {"creationTimestamp", FieldKind::kTime, "string"},
    {"deletionTimestamp", FieldKind::kTimePointer, "string"},
    {"deletionGracePeriodSeconds", FieldKind::kIntPointer, "int64"},
    {"labels", FieldKind::kStringMap, "map[string]string"},
    {"annotations", FieldKind::kStringMap, "map[string]string"},
    {"ownerReferences", FieldKind::kStructList, "[]v1.OwnerReference", &kOwnerReference},
    {"finalizers", FieldKind::kStringList, "[]string"},
    {"managedFields", FieldKind::kStructList, "[]v1.ManagedFieldsEntry", &kManagedFieldsEntry},
};
constexpr StructType kObjectMeta = {"ObjectMeta", kMetaFields};

std::string_view go_word(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::kBool: return "bool";
    case json::Kind::kString: return "string";
    case json::Kind::kArray: return "array";
    case json::Kind::kObject: return "object";
    default: return "number";
  }
}

std::vector<const json::Member*> by_name(const json::Value& object) {
  std::vector<const json::Member*> members;
  for (const json::Member& member : object.members()) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
  return members;
}

/// Goes on after a value of a wrong type, as Go does, to fail later with the first; a time that cannot be
/// read fails at once.
class MetaDecoder {
 public:
  Result<ObjectMeta> decode(const json::Value& metadata) {
    ObjectMeta out;
    out.value = TRY(decode_struct(metadata, kObjectMeta, "", "", "v1.ObjectMeta"));
    if (first_error_) return fail(*first_error_);
    out.unknown = std::move(unknown_);
    return out;
  }

 private:
  void wrong_type(std::string value, std::string_view field_of, std::string_view field,
                  std::string_view type) {
    if (first_error_) return;
    std::string text = "json: cannot unmarshal " + std::move(value) + " into Go ";
    if (field.empty()) {
      text += "value";
    } else {
      text.append("struct field ").append(field_of).append(".").append(field);
    }
    first_error_ = Error(Code::kInvalid, text + " of type " + std::string(type));
  }

  /// `field`: names on the way, joined by dots; `path`: the same with indexes, for what is unknown.
  Result<json::Value> decode_struct(const json::Value& value, const StructType& type,
                                    const std::string& field, const std::string& path,
                                    std::string_view go_type, std::string_view outer = {}) {
    json::Value out = json::Value::empty_object();
    if (!value.is_object()) {
      if (!value.is_null()) wrong_type(std::string(go_word(value)), outer, field, go_type);
      add_required(out, type);
      return out;
    }
    for (const json::Member* member : by_name(value)) {
      const auto known = std::find_if(type.fields.begin(), type.fields.end(),
                                      [&](const MetaField& each) { return each.name == member->key(); });
      const std::string below =
          path.empty() ? std::string(member->key()) : path + "." + std::string(member->key());
      if (known == type.fields.end()) {
        if (unknown_.size() < kMaxUnknown) unknown_.push_back(below);
        continue;
      }
      const std::string name = field.empty() ? below : field + "." + std::string(member->key());
      std::optional<json::Value> decoded = TRY(decode_field(member->value(), *known, type, name, below));
      if (decoded) out.set(known->name, *std::move(decoded));
    }
    add_required(out, type);
    return out;
  }

  static void add_required(json::Value& out, const StructType& type) {
    for (const MetaField& field : type.fields) {
      if (!field.omit_empty && !out.contains(field.name)) out.set(field.name, "");
    }
  }

  /// Nothing for what is left out when it is written again.
  Result<std::optional<json::Value>> decode_field(const json::Value& value, const MetaField& field,
                                                  const StructType& type, const std::string& name,
                                                  const std::string& path) {
    if (value.is_null()) return std::nullopt;
    const auto refuse = [&](std::string word) {
      wrong_type(std::move(word), type.name, name, field.go_type);
      return std::optional<json::Value>();
    };
    switch (field.kind) {
      case FieldKind::kString:
        if (!value.is_string()) return refuse(std::string(go_word(value)));
        if (value.as_string().empty() && field.omit_empty) return std::nullopt;
        return value;
      case FieldKind::kInt:
      case FieldKind::kIntPointer: return decode_integer(value, field, refuse);
      case FieldKind::kBoolPointer:
        if (!value.is_bool()) return refuse(std::string(go_word(value)));
        return value;
      case FieldKind::kTime:
      case FieldKind::kTimePointer: return decode_time(value, field, type, name);
      case FieldKind::kStringMap:
        if (!value.is_object()) return refuse(std::string(go_word(value)));
        return decode_strings(value, type, name);
      case FieldKind::kStringList:
        if (!value.is_array()) return refuse(std::string(go_word(value)));
        return decode_strings(value, type, name);
      case FieldKind::kStructList:
        if (!value.is_array()) return refuse(std::string(go_word(value)));
        return decode_structs(value, field, type, name, path);
      case FieldKind::kRaw: return value;
    }
    return std::nullopt;
  }

  static std::optional<json::Value> decode_integer(const json::Value& value, const MetaField& field,
                                                   auto refuse) {
    json::Value number = value;
    if (value.is_double() && value.to_double() == static_cast<double>(go_int64(value.to_double()))) {
      number =
          go_int64(value.to_double());  // Go writes the whole number without its point before it reads it
    }
    if (!number.is_int()) {
      return refuse(value.is_number() ? "number " + go_json(value) : std::string(go_word(value)));
    }
    if (field.kind == FieldKind::kInt && number.as_int() == 0) return std::nullopt;
    return number;
  }

  static Result<std::optional<json::Value>> decode_time(const json::Value& value, const MetaField& field,
                                                        const StructType& type, const std::string& name) {
    if (!value.is_string()) {
      return fail(Code::kInvalid, "json: cannot unmarshal " + std::string(go_word(value)) +
                                      " into Go struct field " + std::string(type.name) + "." + name +
                                      " of type string");
    }
    const std::string time = TRY(go_canonical_time(value.as_string()));
    if (!time.empty()) return json::Value(time);
    if (field.kind == FieldKind::kTime) return std::nullopt;
    return json::Value();
  }

  std::optional<json::Value> decode_strings(const json::Value& value, const StructType& type,
                                            const std::string& name) {
    const auto text_of = [&](const json::Value& each) -> json::Value {
      if (each.is_string()) return each;
      if (!each.is_null()) wrong_type(std::string(go_word(each)), type.name, name, "string");
      return "";
    };
    json::Value out = value.is_array() ? json::Value::empty_array() : json::Value::empty_object();
    if (value.is_array()) {
      for (const json::Value& element : value.elements()) out.push_back(text_of(element));
    } else {
      for (const json::Member* member : by_name(value)) out.set(member->key(), text_of(member->value()));
    }
    if (out.empty()) return std::nullopt;
    return out;
  }

  Result<std::optional<json::Value>> decode_structs(const json::Value& value, const MetaField& field,
                                                    const StructType& type, const std::string& name,
                                                    const std::string& path) {
    json::Value out = json::Value::empty_array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string below = path + "[" + std::to_string(i) + "]";
      out.push_back(
          TRY(decode_struct(value.at(i), *field.element, name, below, field.go_type.substr(2), type.name)));
    }
    if (out.empty()) return std::nullopt;
    return out;
  }

  std::optional<Error> first_error_ = {};
  std::vector<std::string> unknown_ = {};
};

/// Field by field, leaving out those that cannot be read.
ObjectMeta decode_readable(const json::Value& metadata) {
  ObjectMeta out;
  out.value = json::Value::empty_object();
  for (const json::Member* member : by_name(metadata)) {
    json::Value single = json::Value::empty_object();
    single.set(member->key(), member->value());
    const auto decoded = MetaDecoder().decode(single);
    if (!decoded) continue;
    for (const auto& [key, value] : decoded->value.members()) out.value.set(key, value);
    out.unknown.insert(out.unknown.end(), decoded->unknown.begin(), decoded->unknown.end());
  }
  return out;
}

}  // namespace

Result<ObjectMeta> decode_object_meta(const json::Value& metadata, const ObjectMetaOptions& options) {
  auto decoded = MetaDecoder().decode(metadata);
  if (decoded || !options.drop_malformed) return decoded;
  if (metadata.is_object()) return decode_readable(metadata);
  return decoded;
}

}  // namespace klutch::apiserver
