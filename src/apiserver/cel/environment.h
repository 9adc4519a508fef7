// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/cel/schema.h"
#include "apiserver/cel/type.h"

// Environment says what an expression may refer to: variables with their types, and the functions of one
// version of Kubernetes. Cheap to copy; const access is safe from any thread. Cannot fail.
//
//   Environment environment;
//   environment.declare_self(schema);                       // self and oldSelf
//   environment.declare("limit", Type::integer());

namespace klutch::apiserver::cel {

class FunctionTable;

class Environment {
 public:
  struct Options {
    /// The functions are those of Kubernetes 1.`kube_minor`. A server takes rules it does not know yet with
    /// the functions of the version before its own, so that it can be rolled back.
    int kube_minor = 34;
  };
  struct Variable {
    std::string name;
    Type type;
  };

  Environment() : Environment(Options()) {}
  explicit Environment(const Options& options) : options_(options) {}

  /// Replaces a variable of the same name.
  void declare(std::string_view name, Type type);
  /// Declares `self` and `oldSelf`, which is an optional if `optional_old_self`. The schema must be exposed.
  void declare_self(std::shared_ptr<const Schema> schema, bool optional_old_self = false);

  [[nodiscard]] const std::vector<Variable>& variables() const noexcept { return variables_; }
  [[nodiscard]] const std::shared_ptr<const Schema>& schema() const noexcept { return schema_; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }

  // For the implementation of this library.
  /// The type that `name` names, whether or not an expression can use it as a value.
  [[nodiscard]] std::optional<Type> find_type(std::string_view name) const;
  /// The type that `name` names as a value.
  static std::optional<Type> find_type_value(std::string_view name);
  [[nodiscard]] const FunctionTable& functions() const;

 private:
  Options options_;
  std::vector<Variable> variables_;
  std::shared_ptr<const Schema> schema_;
};

}  // namespace klutch::apiserver::cel
