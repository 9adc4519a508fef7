// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/cel/type.h"
#include "apiserver/cel/value.h"

// The functions that expressions can call: what the checker knows of them (overloads) and what evaluation
// runs (native code). Every library is a table of OverloadSpec; a FunctionTable holds the libraries of one
// version of Kubernetes, is built once, and is immutable after that. Internal.

namespace klutch::apiserver::cel {

using Arguments = std::span<const Value>;

/// Native code of an overload: `arguments` have the types that its signature names unless the function says
/// otherwise, and none is an error. Errors are values.
using Native = Value (*)(Arguments arguments);

/// How arguments are evaluated: for kUnary and kBinary all of them, for kVariadic none after an error.
enum class CallShape : std::uint8_t { kNone, kUnary, kBinary, kVariadic };

/// One line of a library.
struct OverloadSpec {
  std::string_view function;
  std::string_view id;
  /// "(int, A) -> list(A)", or ".(string) -> int" for a method, whose target comes first.
  std::string_view signature;
  /// Null where the function has one implementation for all overloads, or the evaluator knows it.
  Native call = nullptr;
  /// For implementations of a shape that the number of arguments does not imply.
  bool variadic = false;
};

/// An implementation for all overloads of a function; its arguments may be of any type.
struct SingletonSpec {
  std::string_view function;
  CallShape shape;
  Native call;
  /// Which targets it takes; the function does not exist for others. Null for all.
  bool (*takes)(const Value& target) = nullptr;
};

struct Overload {
  std::string_view id;
  bool is_method = false;
  bool has_parameters = false;  ///< Types such as A occur.
  std::vector<Type> arguments;
  Type result;
  CallShape shape = CallShape::kNone;
  Native call = nullptr;

  /// Whether the values may be passed to `call`; only first elements of lists and maps are looked at.
  [[nodiscard]] bool accepts(Arguments values) const;
};

struct Function {
  std::string_view name;
  std::vector<Overload> overloads;
  const SingletonSpec* singleton = nullptr;
  bool is_guarded = true;  ///< Whether overloads look at the types of their arguments at run time.
};

class FunctionTable {
 public:
  /// The functions of Kubernetes 1.`minor`; 33 and 34 differ.
  static const FunctionTable& of(int minor);

  /// Null when there is none.
  [[nodiscard]] const Function* find(std::string_view name) const noexcept;

 private:
  explicit FunctionTable(int minor);
  void add(std::span<const OverloadSpec> specs);
  void add(std::span<const SingletonSpec> specs);

  std::unordered_map<std::string_view, Function> functions_;
};

/// Whether a value can be passed where `type` is declared.
bool is_assignable_at_run_time(const Type& type, const Value& value);
/// "no such overload: f(int, string)", or the first error among the arguments.
Value no_such_overload_for(std::string_view function, Arguments arguments);

// The libraries.
std::span<const OverloadSpec> operator_overloads();
std::span<const OverloadSpec> comparison_overloads();
std::span<const SingletonSpec> operator_singletons();
std::span<const OverloadSpec> conversion_overloads();
std::span<const OverloadSpec> time_overloads();
std::span<const OverloadSpec> optional_overloads();
std::span<const OverloadSpec> authorizer_overloads();
std::span<const OverloadSpec> kube_list_overloads();
std::span<const OverloadSpec> list_overloads();
std::span<const SingletonSpec> list_singletons();
std::span<const OverloadSpec> map_overloads();
std::span<const OverloadSpec> set_overloads();
std::span<const OverloadSpec> string_overloads();
std::span<const OverloadSpec> regex_overloads();
std::span<const OverloadSpec> url_overloads();
std::span<const OverloadSpec> quantity_overloads();
std::span<const OverloadSpec> ip_overloads();
std::span<const OverloadSpec> cidr_overloads();
std::span<const OverloadSpec> named_format_overloads();
std::span<const OverloadSpec> semver_overloads();

}  // namespace klutch::apiserver::cel
