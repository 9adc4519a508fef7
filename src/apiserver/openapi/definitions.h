// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/builtin/facts.h"
#include "apiserver/registry/resource.h"
#include "json/value.h"

// The schemas of an OpenAPI document: those of the kinds that are asked for and of all that they refer to.
// Built-in kinds come from their facts, custom ones from their definitions. Belongs to whoever makes a
// document. Names are those of Kubernetes, which clients know: io.k8s.api.core.v1.Pod, io.ex.v1.Widget.
//
//   Definitions definitions(Dialect::kOpenApi3);
//   const std::string pod = definitions.add_kind(served);
//   document.set("schemas", definitions.take());

namespace klutch::apiserver {

/// The two versions differ in how schemas refer to one another and in what they can say.
enum class Dialect { kSwagger2, kOpenApi3 };

class Definitions {
 public:
  explicit Definitions(Dialect dialect) : dialect_(dialect) {}

  [[nodiscard]] Dialect dialect() const noexcept { return dialect_; }

  /// Each adds what is not there yet and gives its name.
  std::string add(const MessageFacts& message);
  std::string add_kind(const ServedResource& served);
  std::string add_list(const ServedResource& served);
  /// By apiVersion and kind, such as Scale; empty if nothing is known of it.
  std::string add_known(std::string_view api_version, std::string_view kind);
  /// The body of a PATCH.
  std::string add_patch();

  /// {"$ref": ...}
  [[nodiscard]] json::Value reference(std::string_view name) const;
  /// All that was added and all that it refers to, by name. Nothing is left.
  json::Value take();

 private:
  json::Value message_schema(const MessageFacts& message);
  json::Value field_schema(const FieldFacts& field);
  json::Value type_schema(const FieldFacts& field);
  void add_properties(const MessageFacts& message, std::map<std::string_view, json::Value>& properties,
                      std::vector<std::string_view>& required);
  void describe(json::Value& schema, std::string_view description) const;

  Dialect dialect_;
  std::map<std::string, json::Value, std::less<>> schemas_ = {};
  std::set<const MessageFacts*> known_ = {};
  std::vector<const MessageFacts*> pending_ = {};  // named already, schema to be made
};

/// "core.v1.Pod" -> "io.k8s.api.core.v1.Pod"
std::string definition_name(std::string_view message);
/// "ex.io", "v1", "Widget" -> "io.ex.v1.Widget"
std::string custom_definition_name(std::string_view group, std::string_view version, std::string_view kind);

/// A custom kind's schema as v2 can say it: no alternatives, defaults or nullable values, and nothing below
/// what keeps unknown fields, which clients would check otherwise.
json::Value to_swagger(const json::Value& schema);

}  // namespace klutch::apiserver
