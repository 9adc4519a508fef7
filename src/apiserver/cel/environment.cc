// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/environment.h"

#include <unordered_map>
#include <utility>

#include "apiserver/cel/functions.h"

namespace klutch::apiserver::cel {

void Environment::declare(std::string_view name, Type type) {
  for (Variable& variable : variables_) {
    if (variable.name == name) {
      variable.type = std::move(type);
      return;
    }
  }
  variables_.push_back({.name = std::string(name), .type = std::move(type)});
}

void Environment::declare_self(std::shared_ptr<const Schema> schema, bool optional_old_self) {
  const Type type = schema->type();
  schema_ = std::move(schema);
  declare("self", type);
  declare("oldSelf", optional_old_self ? Type::optional(type) : type);
}

std::optional<Type> Environment::find_type_value(std::string_view name) {
  static const std::unordered_map<std::string_view, Type> kTypes = {
      {"bool", Type::boolean()},
      {"bytes", Type::bytes()},
      {"double", Type::real()},
      {"int", Type::integer()},
      {"list", Type::list(Type::parameter("A"))},
      {"map", Type::map(Type::parameter("A"), Type::parameter("B"))},
      {"null_type", Type::null()},
      {"string", Type::string()},
      {"type", Type::type()},
      {"uint", Type::uinteger()},
      {"google.protobuf.Timestamp", Type::timestamp()},
      {"google.protobuf.Duration", Type::duration()},
      {"optional_type", Type::opaque("optional_type")},
      {"net.IP", Type::opaque("net.IP")},
      {"net.CIDR", Type::opaque("net.CIDR")},
  };
  const auto known = kTypes.find(name);
  return known == kTypes.end() ? std::nullopt : std::optional(known->second);
}

std::optional<Type> Environment::find_type(std::string_view name) const {
  if (auto type = find_type_value(name)) return type;
  if (schema_ == nullptr) return std::nullopt;
  if (name == "timestamp") return Type::timestamp();
  if (name == "duration") return Type::duration();
  // The objects of a schema are named by the way to them: selfType.spec.template.
  const Schema* schema = schema_.get();
  const std::string_view root = schema->type().name();
  if (!schema->type().is(TypeKind::kStruct) || !name.starts_with(root)) return std::nullopt;
  std::string_view rest = name.substr(root.size());
  while (!rest.empty()) {
    if (rest.front() != '.') return std::nullopt;
    rest.remove_prefix(1);
    const std::string_view field = rest.substr(0, rest.find('.'));
    rest.remove_prefix(field.size());
    schema = schema->find_exposed(field);
    if (schema == nullptr) return std::nullopt;
  }
  const Type& type = schema->type();
  return type.is(TypeKind::kStruct) && type.name() == name ? std::optional(type) : std::nullopt;
}

const FunctionTable& Environment::functions() const {
  return FunctionTable::of(options_.kube_minor);
}

}  // namespace klutch::apiserver::cel
