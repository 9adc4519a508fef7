// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/type.h"

#include <algorithm>
#include <utility>

namespace klutch::apiserver::cel {
namespace {

constexpr std::string_view kOptionalName = "optional_type";
constexpr std::string_view kFunctionName = "function";

}  // namespace

Type Type::make(Node node) {
  for (const Type& parameter : node.parameters) {
    if (parameter.node_ == nullptr) continue;
    node.depth = std::max(node.depth, parameter.node_->depth + 1);
    node.size = std::min(node.size + parameter.node_->size, kMaxSize + 1);
  }
  Type type;
  type.node_ = std::make_shared<const Node>(std::move(node));
  return type;
}

Type Type::simple(TypeKind kind, std::string_view name) {
  return make({.kind = kind, .name = std::string(name)});
}

const Type& Type::dyn() {
  static const Type kType = simple(TypeKind::kDyn, "dyn");
  return kType;
}
const Type& Type::boolean() {
  static const Type kType = simple(TypeKind::kBool, "bool");
  return kType;
}
const Type& Type::bytes() {
  static const Type kType = simple(TypeKind::kBytes, "bytes");
  return kType;
}
const Type& Type::real() {
  static const Type kType = simple(TypeKind::kDouble, "double");
  return kType;
}
const Type& Type::duration() {
  static const Type kType = simple(TypeKind::kDuration, "google.protobuf.Duration");
  return kType;
}
const Type& Type::error() {
  static const Type kType = simple(TypeKind::kError, "error");
  return kType;
}
const Type& Type::integer() {
  static const Type kType = simple(TypeKind::kInt, "int");
  return kType;
}
const Type& Type::null() {
  static const Type kType = simple(TypeKind::kNull, "null_type");
  return kType;
}
const Type& Type::string() {
  static const Type kType = simple(TypeKind::kString, "string");
  return kType;
}
const Type& Type::timestamp() {
  static const Type kType = simple(TypeKind::kTimestamp, "google.protobuf.Timestamp");
  return kType;
}
const Type& Type::type() {
  static const Type kType = simple(TypeKind::kType, "type");
  return kType;
}
const Type& Type::uinteger() {
  static const Type kType = simple(TypeKind::kUint, "uint");
  return kType;
}

Type Type::list(Type element) {
  return make({.kind = TypeKind::kList, .name = "list", .parameters = {std::move(element)}});
}

Type Type::map(Type key, Type value) {
  return make({.kind = TypeKind::kMap, .name = "map", .parameters = {std::move(key), std::move(value)}});
}

Type Type::optional(Type content) {
  return opaque(kOptionalName, {std::move(content)});
}

Type Type::opaque(std::string_view name, std::vector<Type> parameters) {
  return make({.kind = TypeKind::kOpaque, .name = std::string(name), .parameters = std::move(parameters)});
}

Type Type::object(std::string_view name, const Schema* schema) {
  return make({.kind = TypeKind::kStruct, .name = std::string(name), .schema = schema});
}

Type Type::type_of(Type instance) {
  return make({.kind = TypeKind::kType, .name = "type", .parameters = {std::move(instance)}});
}

Type Type::parameter(std::string_view name) {
  return simple(TypeKind::kTypeParam, name);
}

Type Type::variable(std::uint32_t number) {
  return make({.kind = TypeKind::kTypeParam, .name = "_var" + std::to_string(number), .variable = number});
}

Type Type::with_parameters(std::vector<Type> parameters) const {
  return make({.kind = kind(), .name = node_->name, .parameters = std::move(parameters), .schema = schema()});
}

std::string_view Type::name() const noexcept {
  return node_ == nullptr ? std::string_view() : std::string_view(node_->name);
}

std::span<const Type> Type::parameters() const noexcept {
  return node_ == nullptr ? std::span<const Type>() : std::span<const Type>(node_->parameters);
}

bool Type::is_optional() const noexcept {
  return is(TypeKind::kOpaque) && name() == kOptionalName;
}

bool Type::is_oversized() const noexcept {
  return node_ != nullptr && (node_->depth > kMaxDepth || node_->size > kMaxSize);
}

bool Type::matches(const Type& other, bool parameter_names) const noexcept {
  if (node_ == nullptr || other.node_ == nullptr) return false;
  if (node_ == other.node_) return true;
  if (kind() != other.kind() || parameters().size() != other.parameters().size()) return false;
  if ((parameter_names || kind() != TypeKind::kTypeParam) && name() != other.name()) return false;
  for (std::size_t i = 0; i < parameters().size(); ++i) {
    if (!parameters()[i].matches(other.parameters()[i], parameter_names)) return false;
  }
  return true;
}

std::string Type::text() const {
  switch (kind()) {
    case TypeKind::kUnspecified: return "";
    case TypeKind::kDuration: return "duration";
    case TypeKind::kTimestamp: return "timestamp";
    case TypeKind::kNull: return "null";
    case TypeKind::kError: return "!error!";
    case TypeKind::kTypeParam: return std::string(name());
    case TypeKind::kOpaque:
      if (name() == kFunctionName) {
        return signature_text(parameters().subspan(1), false) + " -> " + parameters()[0].text();
      }
      break;
    default: break;
  }
  std::string text(name());
  if (parameters().empty()) return text;
  text += '(';
  for (const Type& parameter : parameters()) {
    if (&parameter != parameters().data()) text += ", ";
    text += parameter.text();
  }
  return text + ')';
}

std::string signature_text(std::span<const Type> arguments, bool is_method) {
  std::string text;
  if (is_method) {
    text = arguments.front().text() + '.';
    arguments = arguments.subspan(1);
  }
  text += '(';
  for (const Type& argument : arguments) {
    if (&argument != arguments.data()) text += ", ";
    text += argument.text();
  }
  return text + ')';
}

}  // namespace klutch::apiserver::cel
