// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/schema_validation.h"

#include <string>
#include <string_view>
#include <utility>

#include "apiserver/cel/validation_rules.h"
#include "apiserver/custom/default_checks.h"
#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/internal_text.h"
#include "apiserver/schema/structural_check.h"

namespace klutch::apiserver {
namespace {

/// What may stand at the root so that nothing is lost when a status is checked on its own.
constexpr std::string_view kBesideStatus[] = {"Description",
                                              "Type",
                                              "Format",
                                              "Title",
                                              "Maximum",
                                              "ExclusiveMaximum",
                                              "Minimum",
                                              "ExclusiveMinimum",
                                              "MaxLength",
                                              "MinLength",
                                              "Pattern",
                                              "MaxItems",
                                              "MinItems",
                                              "UniqueItems",
                                              "MultipleOf",
                                              "Required",
                                              "Items",
                                              "Properties",
                                              "ExternalDocs",
                                              "Example",
                                              "XPreserveUnknownFields",
                                              "XValidations"};

FieldErrors validate_root_beside_status(const FieldPath& path, const json::Value& schema) {
  const std::string type = text_at(schema, "type");
  const auto other = first_field_but(schema, kBesideStatus);
  const bool wrong_type = !type.empty() && type != "object";
  // Go looks at the fields in their order and stops at the first that is wrong.
  if (wrong_type && (!other || (*other != "ID" && *other != "Schema" && *other != "Ref"))) {
    return {
        FieldError::invalid(path.child("openAPIV3Schema.type"), type,
                            "only \"object\" is allowed as the type at the root of the schema if the status "
                            "subresource is enabled")};
  }
  if (!other) return {};
  std::string allowed = "[";
  for (const std::string_view name : kBesideStatus)
    allowed.append(allowed.size() > 1 ? " " : "").append(name);
  return {FieldError::invalid_text(
      path.child("openAPIV3Schema"), internal_schema_text(&schema),
      "only " + allowed +
          "] fields are allowed at the root of the schema if the status subresource is enabled")};
}

}  // namespace

FieldErrors validate_version_schema(const FieldPath& path, const VersionParts& parts, bool has_status,
                                    const SchemaOptions& options, SchemaPool& pool) {
  const json::Value* schema = parts.openapi_schema();
  if (schema == nullptr) return {};
  const FieldPath at = path.child("openAPIV3Schema");
  const auto parsed = parse_schema(*schema, pool);
  FieldErrors errors;
  if (has_status) append(errors, validate_root_beside_status(path, *schema));
  if (flag_at(*schema, "nullable")) {
    errors.push_back(
        FieldError::forbidden(path.child("openAPIV3Schema.nullable"), "nullable cannot be true at the root"));
  }
  bool compile = false;
  if (parsed && options.structural) {
    FieldErrors found = validate_structural(at, *schema);
    if (found.empty()) found = validate_schema_defaults(at, *parsed, options.pruned_defaults);
    compile = found.empty();
    append(errors, std::move(found));
  }
  FieldErrors more = validate_schema_rules(at, *schema, options.rules);
  compile = compile && more.empty();
  append(errors, std::move(more));
  if (parsed && (*parsed)->has_rules) {
    append(errors,
           validate_rules_of_schema(at, **parsed, {.previous = options.previous, .compile = compile}));
  }
  if (!parsed && options.structural && errors.empty()) {
    errors.push_back(FieldError::invalid(at, "", parsed.error().message()));
  }
  return errors;
}

}  // namespace klutch::apiserver
