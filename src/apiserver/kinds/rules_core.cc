// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"

// Secrets, ConfigMaps and ServiceAccounts.

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::size_t kMaxDataBytes = std::size_t{1024} * 1024;
constexpr std::string_view kFrozen = "field is immutable when `immutable` is set";

/// Bytes behind a text in base64.
std::size_t decoded_size(const Value& value) {
  if (!value.is_string()) return 0;
  const auto text = value.as_string();
  const auto padding = text.size() - text.find_last_not_of('=') - 1;
  return text.empty() ? 0 : text.size() / 4 * 3 - padding;
}

std::vector<const json::Member*> sorted_data(const Value& object, std::string_view name) {
  std::vector<const json::Member*> members;
  for (const auto& member : map_at(object, {name})) members.push_back(&member);
  std::ranges::sort(members, {}, [](const auto* member) { return member->key(); });
  return members;
}

void move_string_data(Value& object) {
  auto texts = object.take("stringData");
  if (!texts || !texts->is_object()) return;
  auto& data = object_in(object, "data");
  for (const auto& [key, value] : texts->members()) {
    data.set(key, crypto::base64_encode(value.is_string() ? value.as_string() : ""));
  }
  if (data.empty()) object.erase("data");
}

void require_key(FieldErrors& errors, const Value& object, std::string_view key) {
  if (!has_at(object, {"data", key})) errors.push_back(FieldError::required(FieldPath("data").key(key)));
}

/// What Go says about bytes that are no JSON object; nothing: they are one.
std::optional<std::string> object_problem(std::string_view text) {
  const auto parsed = json::parse(text);
  if (parsed && (parsed->is_object() || parsed->is_null())) return std::nullopt;
  if (!parsed) return "unexpected end of JSON input";
  const std::string_view kind = parsed->is_array()    ? "array"
                                : parsed->is_string() ? "string"
                                : parsed->is_bool()   ? "bool"
                                                      : "number";
  return "json: cannot unmarshal " + std::string(kind) + " into Go value of type map[string]interface {}";
}

void check_docker_config(FieldErrors& errors, const Value& object, std::string_view key) {
  if (!has_at(object, {"data", key})) return require_key(errors, object, key);
  const auto bytes = crypto::base64_decode(text_at(object, {"data", key}));
  const auto problem = object_problem(bytes ? std::string_view(*bytes) : std::string_view());
  if (!problem) return;
  errors.push_back(FieldError::invalid(FieldPath("data").key(key), "<secret contents redacted>", *problem));
}

void check_secret_type(FieldErrors& errors, const Value& object) {
  const auto type = text_at(object, {"type"});
  constexpr std::string_view kAccount = "kubernetes.io/service-account.name";
  if (type == "kubernetes.io/service-account-token") {
    if (text_at(object, {"metadata", "annotations", kAccount}).empty()) {
      errors.push_back(FieldError::required(FieldPath("metadata").child("annotations").key(kAccount)));
    }
  } else if (type == "kubernetes.io/dockercfg") {
    check_docker_config(errors, object, ".dockercfg");
  } else if (type == "kubernetes.io/dockerconfigjson") {
    check_docker_config(errors, object, ".dockerconfigjson");
  } else if (type == "kubernetes.io/basic-auth") {
    if (has_at(object, {"data", "username"}) || has_at(object, {"data", "password"})) return;
    require_key(errors, object, "username");
    require_key(errors, object, "password");
  } else if (type == "kubernetes.io/ssh-auth") {
    if (text_at(object, {"data", "ssh-privatekey"}).empty()) {
      errors.push_back(FieldError::required(FieldPath("data").key("ssh-privatekey")));
    }
  } else if (type == "kubernetes.io/tls") {
    require_key(errors, object, "tls.crt");
    require_key(errors, object, "tls.key");
  }
}

FieldErrors validate_secret(const Value& object) {
  FieldErrors errors;
  std::size_t bytes = 0;
  for (const auto* entry : sorted_data(object, "data")) {
    add_problems(errors, FieldPath("data").key(entry->key()), entry->key(), check_config_key(entry->key()));
    bytes += decoded_size(entry->value());
  }
  if (bytes > kMaxDataBytes) errors.push_back(FieldError::too_long(FieldPath("data"), kMaxDataBytes));
  check_secret_type(errors, object);
  return errors;
}

void check_frozen(FieldErrors& errors, const Value& object, const Value& old,
                  std::initializer_list<std::string_view> fields) {
  if (!truth_at(old, {"immutable"})) return;
  if (!truth_at(object, {"immutable"})) {
    errors.push_back(FieldError::forbidden(FieldPath("immutable"), kFrozen));
  }
  for (const auto field : fields) {
    if (value_at(object, {field}) == value_at(old, {field})) continue;
    errors.push_back(FieldError::forbidden(FieldPath(field), kFrozen));
  }
}

FieldErrors validate_secret_change(const Value& object, const Value& old) {
  FieldErrors errors;
  check_immutable(errors, value_at(object, {"type"}), value_at(old, {"type"}), FieldPath("type"));
  check_frozen(errors, object, old, {"data"});
  return errors;
}

FieldErrors validate_config_map(const Value& object) {
  FieldErrors errors;
  std::size_t bytes = 0;
  for (const auto* entry : sorted_data(object, "data")) {
    const auto path = FieldPath("data").key(entry->key());
    add_problems(errors, path, entry->key(), check_config_key(entry->key()));
    if (value_at(object, {"binaryData"}).contains(entry->key())) {
      errors.push_back(FieldError::invalid(path, entry->key(), "duplicate of key present in binaryData"));
    }
    bytes += entry->value().is_string() ? entry->value().as_string().size() : 0;
  }
  for (const auto* entry : sorted_data(object, "binaryData")) {
    const auto path = FieldPath("binaryData").key(entry->key());
    add_problems(errors, path, entry->key(), check_config_key(entry->key()));
    bytes += decoded_size(entry->value());
  }
  if (bytes > kMaxDataBytes) errors.push_back(FieldError::too_long(FieldPath(""), kMaxDataBytes));
  return errors;
}

FieldErrors validate_config_map_change(const Value& object, const Value& old) {
  FieldErrors errors;
  check_frozen(errors, object, old, {"data", "binaryData"});
  return errors;
}

/// Of the Secrets that an account names only the names count.
void strip_account(Value& object) {
  auto* secrets = object.find("secrets");
  if (secrets == nullptr || !secrets->is_array()) return;
  for (auto& secret : secrets->elements()) {
    const std::string name(text_at(secret, {"name"}));
    secret = Value::empty_object();
    if (!name.empty()) secret.set("name", name);
  }
}

std::vector<std::string> account_warnings(const Value& object, const Value* old) {
  constexpr std::string_view kEnforce = "kubernetes.io/enforce-mountable-secrets";
  if (old != nullptr && has_at(*old, {"metadata", "annotations", kEnforce})) return {};
  if (!has_at(object, {"metadata", "annotations", kEnforce})) return {};
  return {"metadata.annotations[" + std::string(kEnforce) +
          "]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"};
}

}  // namespace

std::optional<KindRules> core_rules(std::string_view resource) {
  KindRules rules;
  if (resource == "secrets") {
    rules.after_read = move_string_data;
    rules.validate = validate_secret;
    rules.validate_change = validate_secret_change;
    rules.selectable = {{"type", {"type"}}};
    return rules;
  }
  if (resource == "configmaps") {
    rules.validate = validate_config_map;
    rules.validate_change = validate_config_map_change;
    return rules;
  }
  if (resource == "serviceaccounts") {
    rules.prepare_create = [](Value& object, Time) { strip_account(object); };
    rules.prepare_update = [](Value& object, const Value&) { strip_account(object); };
    rules.warnings = account_warnings;
    return rules;
  }
  return std::nullopt;
}

}  // namespace klutch::apiserver
