// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Types of the Common Expression Language as the checker knows them. A Type is an immutable handle, cheap to
// copy, safe to use from many threads; the Schema behind an object type must outlive it. Never fails.
//
//   Type::map(Type::string(), Type::list(Type::dyn())).text()   // "map(string, list(dyn))"

namespace klutch::apiserver::cel {

class Schema;

/// What a Type is.
enum class TypeKind : std::uint8_t {
  kUnspecified,
  kDyn,
  kBool,
  kBytes,
  kDouble,
  kDuration,
  kError,  ///< Of an expression that could not be checked.
  kInt,
  kList,
  kMap,
  kNull,
  kOpaque,  ///< optional_type(T), net.IP, and the signatures of functions.
  kString,
  kStruct,
  kTimestamp,
  kType,
  kTypeParam,
  kUint,
};

class Type {
 public:
  /// Unspecified: nothing was found out yet.
  Type() = default;

  static const Type& dyn();
  static const Type& boolean();
  static const Type& bytes();
  static const Type& real();
  static const Type& duration();
  static const Type& error();
  static const Type& integer();
  static const Type& null();
  static const Type& string();
  static const Type& timestamp();
  static const Type& type();
  static const Type& uinteger();
  static Type list(Type element);
  static Type map(Type key, Type value);
  static Type optional(Type content);
  static Type opaque(std::string_view name, std::vector<Type> parameters = {});
  /// An object with the fields that `schema` exposes; none when it is null, as for "kubernetes.Quantity".
  static Type object(std::string_view name, const Schema* schema = nullptr);
  /// The type of the type `instance`.
  static Type type_of(Type instance);
  static Type parameter(std::string_view name);
  /// A type variable that the checker made; `number` tells it from others.
  static Type variable(std::uint32_t number);

  [[nodiscard]] TypeKind kind() const noexcept {
    return node_ == nullptr ? TypeKind::kUnspecified : node_->kind;
  }
  [[nodiscard]] bool is(TypeKind wanted) const noexcept { return kind() == wanted; }
  /// Whether anything was found out.
  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// The name that type() shows at run time: "list", "google.protobuf.Timestamp", "selfType.spec".
  [[nodiscard]] std::string_view name() const noexcept;
  [[nodiscard]] std::span<const Type> parameters() const noexcept;
  /// Of an object type; may be null.
  [[nodiscard]] const Schema* schema() const noexcept { return node_ == nullptr ? nullptr : node_->schema; }
  /// The number of a type variable; -1 for everything else.
  [[nodiscard]] std::int64_t variable_number() const noexcept {
    return node_ == nullptr ? -1 : node_->variable;
  }
  [[nodiscard]] bool is_optional() const noexcept;
  /// Whether it has more parts, or parts within parts, than the checker wants to work with. Macros can double
  /// a type with every few characters of an expression.
  [[nodiscard]] bool is_oversized() const noexcept;
  /// The same handle, which says more than equal, and is cheap to find out.
  [[nodiscard]] bool is_same(const Type& other) const noexcept { return node_ == other.node_; }
  /// The same kind and name over other parameters.
  [[nodiscard]] Type with_parameters(std::vector<Type> parameters) const;

  /// Equal in every part, names of type parameters included.
  [[nodiscard]] bool is_exactly(const Type& other) const noexcept { return matches(other, true); }
  /// Equal but for the names of type parameters.
  [[nodiscard]] bool is_equivalent(const Type& other) const noexcept { return matches(other, false); }
  /// As error messages spell it: "list(int)", "timestamp", "optional_type(string)".
  [[nodiscard]] std::string text() const;

 private:
  struct Node {
    TypeKind kind = TypeKind::kUnspecified;
    std::string name = {};
    std::vector<Type> parameters = {};
    const Schema* schema = nullptr;
    std::int64_t variable = -1;
    std::uint32_t depth = 0;  // of parameters within parameters
    std::uint32_t size = 1;   // of the whole, at most kMaxSize + 1
  };
  static constexpr std::uint32_t kMaxDepth = 100;
  static constexpr std::uint32_t kMaxSize = 10'000;

  static Type make(Node node);
  static Type simple(TypeKind kind, std::string_view name);
  [[nodiscard]] bool matches(const Type& other, bool parameter_names) const noexcept;

  std::shared_ptr<const Node> node_;
};

/// "(int, string)", or "string.(int)" for a method: arguments as messages about overloads show them.
std::string signature_text(std::span<const Type> arguments, bool is_method);

}  // namespace klutch::apiserver::cel
