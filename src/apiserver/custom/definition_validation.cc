// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/definition_validation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "apiserver/custom/api_approval.h"
#include "apiserver/custom/default_checks.h"
#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/definition_view.h"
#include "apiserver/custom/schema_rules.h"
#include "apiserver/custom/schema_validation.h"
#include "apiserver/custom/version_checks.h"
#include "apiserver/custom/webhook_checks.h"
#include "apiserver/schema/go_text.h"
#include "apiserver/schema/object_meta.h"
#include "apiserver/schema/string_format.h"
#include "apiserver/schema/structural_check.h"

namespace klutch::apiserver {
namespace {

std::string joined(const Problems& problems) {
  std::string out;
  for (const std::string& problem : problems) out += (out.empty() ? "" : ",") + problem;
  return out;
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// What is demanded of a definition.
struct Demands {
  bool openapi_schema = true;
  bool recognized_review_version = true;
  bool immutable_names = false;
  bool invalid_ca_bundle_allowed = true;
  SchemaOptions schema = {};
};

bool is_structural(const json::Value& schema, SchemaPool& pool) {
  return parse_schema(schema, pool).has_value() && validate_structural({}, schema).empty();
}

bool is_accepted_review_version(const json::Value& version) {
  return version.is_string() && (version.as_string() == "v1" || version.as_string() == "v1beta1");
}

bool allows_invalid_ca_bundle(const json::Value& old) {
  if (!is_condition_true(old, "Established")) return true;
  const json::Value& webhook = object_at(object_at(object_at(old, "spec"), "conversion"), "webhook");
  return !validate_ca_bundle({}, text_at(object_at(webhook, "clientConfig"), "caBundle")).empty();
}

/// What a changed definition need not fulfil because the old one did not.
Demands demands_after(const DefinitionView& old, SchemaPool& pool) {
  Demands demands;
  const auto schemas = old.schemas();
  const auto none = [&](const auto& is_bad) {
    return std::ranges::none_of(schemas, [&](const json::Value* schema) { return is_bad(*schema); });
  };
  demands.openapi_schema = std::ranges::all_of(
      old.versions, [&](const auto& version) { return old.schema_of(version) != nullptr; });
  const auto reviewed =
      list_at(object_at(object_at(old.spec, "conversion"), "webhook"), "conversionReviewVersions");
  demands.recognized_review_version =
      reviewed.empty() || std::ranges::any_of(reviewed, is_accepted_review_version);
  demands.immutable_names = is_condition_true(old.definition, "Established");
  demands.invalid_ca_bundle_allowed = allows_invalid_ca_bundle(old.definition);
  demands.schema.rules = {.valid_types = none(has_unknown_type),
                          .atomic_sets = none(has_non_atomic_set),
                          .map_keys = none(has_bad_map_keys)};
  demands.schema.structural = none([&](const json::Value& schema) { return !is_structural(schema, pool); });
  demands.schema.pruned_defaults = none([&](const json::Value& schema) {
    const auto parsed = parse_schema(schema, pool);
    return parsed && is_structural(schema, pool) && has_unpruned_defaults(**parsed);
  });
  for (const json::Value* schema : schemas) {
    if (const auto parsed = parse_schema(*schema, pool)) demands.schema.previous.push_back(*parsed);
  }
  return demands;
}

FieldErrors validate_names(const FieldPath& path, const json::Value& names) {
  FieldErrors errors;
  const auto check = [&](std::string_view key, bool any_case) {
    const std::string name = text_at(names, key);
    if (name.empty()) return;
    const Problems problems = check_dns1035_label(any_case ? lower_case(name) : name);
    if (problems.empty()) return;
    const std::string prefix = any_case ? "may have mixed case, but should otherwise match: " : "";
    errors.push_back(FieldError::invalid(path.child(key), name, prefix + joined(problems)));
  };
  const auto check_list = [&](std::string_view key) {
    const auto list = list_at(names, key);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string_view name = list[i].is_string() ? list[i].as_string() : "";
      if (const Problems problems = check_dns1035_label(name); !problems.empty()) {
        errors.push_back(FieldError::invalid(path.child(key).index(i), name, joined(problems)));
      }
    }
  };
  check("plural", false);
  check("singular", false);
  check("kind", true);
  check("listKind", true);
  check_list("shortNames");
  const std::string list_kind = text_at(names, "listKind");
  if (!list_kind.empty() && text_at(names, "kind") == list_kind) {
    errors.push_back(
        FieldError::invalid(path.child("listKind"), list_kind, "kind and listKind may not be the same"));
  }
  check_list("categories");
  return errors;
}

FieldErrors validate_enum(const FieldPath& path, const std::string& value,
                          const std::vector<std::string>& accepted) {
  if (value.empty()) return {FieldError::required(path)};
  if (std::ranges::find(accepted, value) != accepted.end()) return {};
  return {FieldError::not_supported(path, value, accepted)};
}

FieldErrors validate_review_versions(const FieldPath& path, const json::Value& webhook,
                                     bool require_recognized) {
  const auto versions = list_at(webhook, "conversionReviewVersions");
  if (versions.empty()) return {FieldError::required(path)};
  FieldErrors errors;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const std::string_view name = versions[i].is_string() ? versions[i].as_string() : "";
    if (std::ranges::find(versions.first(i), versions[i]) != versions.first(i).end()) {
      errors.push_back(FieldError::invalid(path.index(i), name, "duplicate version"));
      continue;
    }
    for (const std::string& problem : check_dns1035_label(name)) {
      errors.push_back(FieldError::invalid(path.index(i), name, problem));
    }
  }
  if (require_recognized && std::ranges::none_of(versions, is_accepted_review_version)) {
    errors.push_back(FieldError::invalid(path, *webhook.find("conversionReviewVersions"),
                                         "must include at least one of v1, v1beta1"));
  }
  return errors;
}

FieldErrors validate_client_config(const FieldPath& path, const json::Value& config, const Demands& demands) {
  FieldErrors errors;
  const auto url = config.find_string("url");
  const json::Value* service = config.find_object("service");
  if (url.has_value() == (service != nullptr)) {
    errors.push_back(FieldError::required(path, "exactly one of url or service is required"));
  } else if (url) {
    append(errors, validate_webhook_url(path.child("url"), *url));
  } else {
    WebhookService parsed{.ns = text_at(*service, "namespace"), .name = text_at(*service, "name")};
    if (const auto url_path = service->find_string("path")) parsed.path = *url_path;
    parsed.port = service->find_int("port").value_or(443);
    append(errors, validate_webhook_service(path.child("service"), parsed));
  }
  const std::string bundle = text_at(config, "caBundle");
  if (!demands.invalid_ca_bundle_allowed) append(errors, validate_ca_bundle(path.child("caBundle"), bundle));
  return errors;
}

FieldErrors validate_conversion(const FieldPath& path, const json::Value& conversion,
                                const Demands& demands) {
  const std::string strategy = text_at(conversion, "strategy");
  FieldErrors errors = validate_enum(path.child("strategy"), strategy, {"None", "Webhook"});
  const json::Value& webhook = object_at(conversion, "webhook");
  const json::Value* config = webhook.find_object("clientConfig");
  const FieldPath at = path.child("webhookClientConfig");
  const FieldPath reviews = path.child("conversionReviewVersions");
  if (strategy != "Webhook") {
    const std::string_view detail = "should not be set when strategy is not set to Webhook";
    if (config != nullptr) errors.push_back(FieldError::forbidden(at, detail));
    if (!list_at(webhook, "conversionReviewVersions").empty()) {
      errors.push_back(FieldError::forbidden(reviews, detail));
    }
    return errors;
  }
  if (config == nullptr) {
    errors.push_back(FieldError::required(at, "required when strategy is set to Webhook"));
  } else {
    append(errors, validate_client_config(at, *config, demands));
  }
  append(errors, validate_review_versions(reviews, webhook, demands.recognized_review_version));
  return errors;
}

class SpecValidation {
 public:
  SpecValidation(const DefinitionView& view, Demands demands, SchemaPool& pool)
      : view_(view), demands_(std::move(demands)), pool_(pool) {}

  FieldErrors run() {
    check_group();
    append(errors_,
           validate_enum(path_.child("scope"), text_at(view_.spec, "scope"), {"Cluster", "Namespaced"}));
    check_schemas_exist();
    decide_structural();
    check_versions();
    check_required_names();
    append(errors_, validate_names(path_.child("names"), view_.names));
    check_shared_parts();
    check_conversion();
    return std::move(errors_);
  }

 private:
  void refuse(const FieldPath& path, const json::Value& bad, std::string_view detail) {
    errors_.push_back(FieldError::invalid(path, bad, detail));
  }

  void check_group() {
    const std::string group = text_at(view_.spec, "group");
    const FieldPath path = path_.child("group");
    if (group.empty()) {
      errors_.push_back(FieldError::required(path));
    } else if (const Problems problems = check_dns1123_subdomain(group); !problems.empty()) {
      refuse(path, group, joined(problems));
    } else if (group.find('.') == std::string::npos) {
      refuse(path, group, "should be a domain with at least one dot");
    }
  }

  void check_schemas_exist() {
    if (view_.shared.openapi_schema() != nullptr) return;
    const bool always = demands_.openapi_schema;
    if (!always && view_.preserve_unknown_fields) return;
    for (std::size_t i = 0; i < view_.versions.size(); ++i) {
      const auto& version = view_.versions[i];
      if (version.own.openapi_schema() != nullptr || !(always || flag_at(*version.json, "served"))) continue;
      errors_.push_back(
          FieldError::required(path_.child("versions").index(i).child("schema").child("openAPIV3Schema"),
                               always ? "" : "because otherwise all fields are pruned"));
    }
  }

  void decide_structural() {
    const auto any = [&](std::initializer_list<std::string_view> keys) {
      return std::ranges::any_of(view_.schemas(), [&](const json::Value* schema) {
        return any_schema(*schema, [&](const json::Value& part) {
          return std::ranges::any_of(keys, [&](std::string_view key) {
            const json::Value* value = part.find(key);
            const bool empty = value == nullptr || value->is_null() ||
                               (value->is_array() && value->empty()) ||
                               (value->is_bool() && !value->as_bool() && key != "default" &&
                                key != "x-kubernetes-preserve-unknown-fields");
            return !empty;
          });
        });
      });
    };
    if (!view_.preserve_unknown_fields) demands_.schema.structural = true;
    if (any({"default"})) {
      demands_.schema.structural = true;
      if (view_.preserve_unknown_fields) {
        refuse(path_.child("preserveUnknownFields"), true,
               "must be false in order to use defaults in the schema");
      }
    }
    if (any({"x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields",
             "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys", "x-kubernetes-list-type",
             "x-kubernetes-validations"})) {
      demands_.schema.structural = true;
    }
  }

  void check_versions() {
    std::size_t storage_versions = 0;
    bool is_unique = true;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < view_.versions.size(); ++i) {
      const auto& version = view_.versions[i];
      const FieldPath path = path_.child("versions").index(i);
      const std::string name = text_at(*version.json, "name");
      if (flag_at(*version.json, "storage")) ++storage_versions;
      is_unique = seen.insert(name).second && is_unique;
      if (const Problems problems = check_dns1035_label(name); !problems.empty()) {
        refuse(path.child("name"), name, joined(problems));
      }
      append(errors_, validate_deprecation(path.child("deprecationWarning"), *version.json));
      const VersionParts& own = version.own;
      const bool has_status = own.subresources != nullptr ? own.has_status() : view_.shared.has_status();
      append(errors_, validate_version_schema(path.child("schema"), own, has_status, demands_.schema, pool_));
      append(errors_, validate_subresources(path.child("subresources"), own.subresources));
      append(errors_, validate_columns(path.child("additionalPrinterColumns"), own.columns));
      append(errors_, validate_selectable_fields(path, own, false, pool_));
    }
    const FieldPath path = path_.child("versions");
    const auto refuse_all = [&](std::string_view detail) {
      errors_.push_back(FieldError::invalid_text(path, view_.versions_text(), detail));
    };
    if (!is_unique) refuse_all("must contain unique version names");
    if (storage_versions != 1) refuse_all("must have exactly one version marked as storage version");
    if (view_.first_version.empty()) return;
    if (const Problems problems = check_dns1035_label(view_.first_version); !problems.empty()) {
      refuse(path_.child("version"), view_.first_version, joined(problems));
    }
  }

  void check_required_names() {
    for (const std::string_view key : {"plural", "singular", "kind", "listKind"}) {
      if (!text_at(view_.names, key).empty()) continue;
      errors_.push_back(FieldError::required(path_.child("names").child(key)));
    }
  }

  void check_shared_parts() {
    const VersionParts& shared = view_.shared;
    const bool has_status =
        shared.has_status() ||
        std::ranges::any_of(view_.versions, [](const auto& version) { return version.own.has_status(); });
    append(errors_,
           validate_version_schema(path_.child("validation"), shared, has_status, demands_.schema, pool_));
    append(errors_, validate_subresources(path_.child("subresources"), shared.subresources));
    append(errors_, validate_columns(path_.child("additionalPrinterColumns"), shared.columns));
    append(errors_, validate_selectable_fields(path_, shared, true, pool_));
  }

  void check_conversion() {
    const json::Value* conversion = view_.spec.find_object("conversion");
    if (conversion == nullptr) return;
    const FieldPath path = path_.child("conversion");
    const std::string strategy = text_at(*conversion, "strategy");
    if (strategy != "None" && view_.preserve_unknown_fields) {
      refuse(path.child("strategy"), strategy, "must be None if spec.preserveUnknownFields is true");
    }
    append(errors_, validate_conversion(path, *conversion, demands_));
  }

  const DefinitionView& view_;
  Demands demands_;
  SchemaPool& pool_;
  FieldPath path_{"spec"};
  FieldErrors errors_ = {};
};

FieldErrors validate_stored_versions(const DefinitionView& view) {
  const FieldPath path = FieldPath("status").child("storedVersions");
  const json::Value& status = object_at(view.definition, "status");
  const auto stored = list_at(status, "storedVersions");
  if (stored.empty()) {
    const json::Value* list = status.find_array("storedVersions");
    return {FieldError::invalid_json(path, list == nullptr ? json::Value() : *list,
                                     "must have at least one stored version")};
  }
  std::map<std::string, std::size_t> left;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i].is_string()) left.insert_or_assign(std::string(stored[i].as_string()), i);
  }
  FieldErrors errors;
  for (const auto& version : view.versions) {
    const std::string name = text_at(*version.json, "name");
    const bool known = left.erase(name) != 0;
    if (!known && flag_at(*version.json, "storage")) {
      errors.push_back(
          FieldError::invalid(path, *status.find("storedVersions"), "must have the storage version " + name));
    }
  }
  for (const auto& [name, index] : left) {
    errors.push_back(FieldError::invalid(
        path.index(index), name,
        "missing from spec.versions; " + name +
            " was previously a storage version, and must remain in spec.versions until a storage migration "
            "ensures no data remains persisted in " +
            name + " and removes " + name + " from status.storedVersions"));
  }
  return errors;
}

FieldErrors validate_approval(const json::Value& definition, const json::Value* old) {
  using State = ApiApproval::State;
  if (!is_protected_group(text_at(object_at(definition, "spec"), "group"))) return {};
  const ApiApproval approval = api_approval_of(definition);
  if (old != nullptr && api_approval_of(*old).state == approval.state) return {};
  const FieldPath path = FieldPath("metadata").child("annotations").key(kApprovalAnnotation);
  if (approval.state == State::kMissing) return {FieldError::required(path, approval.reason)};
  if (approval.state != State::kInvalid) return {};
  const json::Value& annotations = object_at(object_at(definition, "metadata"), "annotations");
  return {FieldError::invalid(path, text_at(annotations, kApprovalAnnotation), approval.reason)};
}

/// What every definition goes through after its metadata and spec.
FieldErrors validate_rest(const DefinitionView& view, const json::Value* old) {
  const json::Value& accepted = object_at(object_at(view.definition, "status"), "acceptedNames");
  FieldErrors errors = validate_names(FieldPath("status").child("acceptedNames"), accepted);
  append(errors, validate_stored_versions(view));
  append(errors, validate_approval(view.definition, old));
  const bool preserved = old != nullptr && flag_at(object_at(*old, "spec"), "preserveUnknownFields");
  if (view.preserve_unknown_fields && !preserved) {
    errors.push_back(FieldError::invalid(FieldPath("spec").child("preserveUnknownFields"), true,
                                         "cannot set to true, set x-kubernetes-preserve-unknown-fields to "
                                         "true in spec.versions[*].schema instead"));
  }
  return errors;
}

FieldErrors validate_definition_meta(const DefinitionView& view) {
  const json::Value& metadata = object_at(view.definition, "metadata");
  FieldErrors errors = validate_object_meta(metadata, {.namespaced = false}, FieldPath("metadata"));
  const std::string wanted = text_at(view.names, "plural") + "." + text_at(view.spec, "group");
  const std::string name = text_at(metadata, "name");
  if (name.empty() || name == wanted) return errors;
  // Beside what else is wrong with the name, before all that follows.
  const auto is_of_name = [](const FieldError& error) { return error.field.starts_with("metadata.name"); };
  auto place = std::ranges::find_if(errors, is_of_name);
  while (place != errors.end() && is_of_name(*place)) ++place;
  if (std::ranges::none_of(errors, is_of_name)) place = errors.begin();
  errors.insert(place, FieldError::invalid(FieldPath("metadata").child("name"), name,
                                           "must be spec.names.plural+\".\"+spec.group"));
  return errors;
}

/// Nothing may walk along such schemas.
FieldErrors refuse_deep_schemas(const DefinitionView& view) {
  if (std::ranges::none_of(view.schemas(), [](const json::Value* schema) { return is_too_deep(*schema); })) {
    return {};
  }
  return {FieldError::forbidden(
      FieldPath("spec").child("versions"),
      "schemas may be nested at most " + std::to_string(kMaxSchemaDepth) + " levels deep")};
}

void check_immutable(FieldErrors& errors, const FieldPath& path, const std::string& value,
                     const std::string& old) {
  if (value != old) errors.push_back(FieldError::invalid(path, value, "field is immutable"));
}

}  // namespace

FieldErrors validate_definition(const json::Value& definition, SchemaPool& pool) {
  const DefinitionView view(definition);
  if (auto errors = refuse_deep_schemas(view); !errors.empty()) return errors;
  FieldErrors errors = validate_definition_meta(view);
  append(errors, SpecValidation(view, {}, pool).run());
  append(errors, validate_rest(view, nullptr));
  return errors;
}

FieldErrors validate_definition_update(const json::Value& definition, const json::Value& old,
                                       SchemaPool& pool) {
  const DefinitionView view(definition);
  const DefinitionView old_view(old);
  if (auto errors = refuse_deep_schemas(view); !errors.empty()) return errors;
  FieldErrors errors = validate_object_meta_update(object_at(definition, "metadata"),
                                                   object_at(old, "metadata"), FieldPath("metadata"));
  const Demands demands = demands_after(old_view, pool);
  append(errors, SpecValidation(view, demands, pool).run());
  const FieldPath path("spec");
  const auto both = [](std::string_view key, const json::Value& a, const json::Value& b) {
    return std::pair(text_at(a, key), text_at(b, key));
  };
  if (demands.immutable_names) {
    const auto [scope, old_scope] = both("scope", view.spec, old_view.spec);
    check_immutable(errors, path.child("scope"), scope, old_scope);
    const auto [kind, old_kind] = both("kind", view.names, old_view.names);
    check_immutable(errors, path.child("names").child("kind"), kind, old_kind);
  }
  const auto [group, old_group] = both("group", view.spec, old_view.spec);
  check_immutable(errors, path.child("group"), group, old_group);
  const auto [plural, old_plural] = both("plural", view.names, old_view.names);
  check_immutable(errors, path.child("names").child("plural"), plural, old_plural);
  append(errors, validate_rest(view, &old));
  return errors;
}

FieldErrors validate_definition_status(const json::Value& definition, const json::Value& old) {
  FieldErrors errors = validate_object_meta_update(object_at(definition, "metadata"),
                                                   object_at(old, "metadata"), FieldPath("metadata"));
  append(errors, validate_names(FieldPath("status").child("acceptedNames"),
                                object_at(object_at(definition, "status"), "acceptedNames")));
  return errors;
}

std::vector<std::string> unrecognized_formats(const json::Value& definition) {
  std::vector<std::string> formats;
  const DefinitionView view(definition);
  for (const json::Value* schema : view.schemas()) {
    any_schema(*schema, [&](const json::Value& part) {
      const std::string format = text_at(part, "format");
      if (format.empty() || text_at(part, "type") != "string") return false;
      const StringFormat known = find_string_format(format);
      if (known == StringFormat::kNone || !is_enforced(known)) formats.push_back(format);
      return false;
    });
  }
  return formats;
}

}  // namespace klutch::apiserver
