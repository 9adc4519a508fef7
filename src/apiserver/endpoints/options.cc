// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/options.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "apiserver/endpoints/body.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/schema/go_text.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

constexpr std::size_t kMaxManagerBytes = 128;

json::Value texts_of(const std::vector<std::string_view>& texts) {
  auto list = json::Value::empty_array();
  for (const std::string_view text : texts) list.push_back(text);
  return list;
}

/// %U of a character.
std::string unicode_name(std::string_view character) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::uint32_t point = go_code_point(character);
  std::string digits;
  for (; point != 0 || digits.size() < 4; point >>= 4U) digits.insert(digits.begin(), kDigits[point & 15U]);
  return "U+" + digits;
}

void check_manager(std::string_view manager, FieldErrors& errors) {
  const FieldPath path("fieldManager");
  if (manager.size() > kMaxManagerBytes) errors.push_back(FieldError::too_long(path, kMaxManagerBytes));
  for (std::size_t i = 0; i < manager.size();) {
    const std::size_t length = utf8_length(manager.substr(i));
    const std::string_view character = length == 0 ? "\xEF\xBF\xBD" : manager.substr(i, length);
    // A byte that is not UTF-8 is U+FFFD to Go, which prints.
    if (!go_is_printable(character)) {
      errors.push_back(FieldError::invalid(
          path, manager,
          "invalid character " + unicode_name(character) + " (at position " + std::to_string(i) + ")"));
      // One is enough to say what is wrong; the text comes from outside.
      return;
    }
    i += std::max<std::size_t>(length, 1);
  }
}

/// Whether it is a dry run.
bool check_dry_run(const json::Value& values, FieldErrors& errors) {
  const auto all = [](const json::Value& value) { return value == json::Value("All"); };
  if (!std::ranges::all_of(values.elements(), all)) {
    const std::string supported[] = {"All"};
    errors.push_back(FieldError::not_supported(FieldPath("dryRun"), values, supported));
  }
  return !values.empty();
}

FieldValidation check_field_validation(std::string_view value, FieldErrors& errors) {
  if (value == "Ignore") return FieldValidation::kIgnore;
  if (value == "Strict") return FieldValidation::kStrict;
  if (!value.empty() && value != "Warn") {
    const std::string supported[] = {"", "Ignore", "Strict", "Warn"};
    errors.push_back(FieldError::not_supported(FieldPath("fieldValidation"), value, supported));
  }
  return FieldValidation::kWarn;
}

Error option_error(std::string_view kind, const FieldErrors& errors) {
  return invalid_error({"meta.k8s.io", std::string(kind)}, "", errors);
}

Result<WriteOptions> read_write_options(const http::Query& query, const http::Headers& headers,
                                        std::string_view kind, FieldErrors errors) {
  WriteOptions options;
  options.field_manager = query.get("fieldManager").value_or("");
  check_manager(options.field_manager, errors);
  options.dry_run = check_dry_run(texts_of(query.all("dryRun")), errors);
  options.field_validation = check_field_validation(query.get("fieldValidation").value_or(""), errors);
  if (!errors.empty()) return fail(option_error(kind, errors));
  if (options.field_manager.empty()) options.field_manager = default_field_manager(headers);
  return options;
}

// --- DeleteOptions ---

tl::unexpected<Error> wrong_type(const json::Value& value, std::string_view field, std::string_view type) {
  std::string kind(json::kind_name(value.kind()));
  if (kind == "boolean") kind = "bool";
  if (kind == "integer") kind = "number";
  return fail(Code::kBadRequest, "json: cannot unmarshal " + kind + " into Go struct field DeleteOptions." +
                                     std::string(field) + " of type " + std::string(type));
}

/// The members of DeleteOptions as a client gave them; null: not given.
struct GivenDeleteOptions {
  json::Value propagation = {};
  json::Value orphan = {};
  json::Value dry_run = {};
  json::Value uid = {};
  json::Value resource_version = {};
  json::Value grace = {};
};

Result<json::Value> take_member(json::Value& object, std::string_view name, json::Kind kind,
                                std::string_view go_type) {
  json::Value* const member = object.find(name);
  if (member == nullptr || member->is_null()) return json::Value();
  if (member->kind() != kind) return wrong_type(*member, name, go_type);
  return std::move(*member);
}

Result<> read_preconditions(json::Value& body, GivenDeleteOptions& given) {
  json::Value preconditions =
      TRY(take_member(body, "preconditions", json::Kind::kObject, "v1.Preconditions"));
  if (preconditions.is_null()) return {};
  given.uid = TRY(take_member(preconditions, "uid", json::Kind::kString, "types.UID"));
  given.resource_version = TRY(take_member(preconditions, "resourceVersion", json::Kind::kString, "string"));
  return {};
}

Result<GivenDeleteOptions> read_delete_body(std::string_view text, const http::Headers& headers) {
  GivenDeleteOptions given;
  auto decoded = TRY(decode_body(text, headers, {.protobuf = true, .kind = "DeleteOptions"}));
  json::Value& body = decoded.object;
  if (!body.is_object()) return given;
  if (const auto kind = body.find_string("kind").value_or(""); !kind.empty() && kind != "DeleteOptions") {
    return fail(Code::kBadRequest, "decoded object cannot be converted to DeleteOptions");
  }
  given.propagation =
      TRY(take_member(body, "propagationPolicy", json::Kind::kString, "v1.DeletionPropagation"));
  given.orphan = TRY(take_member(body, "orphanDependents", json::Kind::kBool, "bool"));
  given.grace = TRY(take_member(body, "gracePeriodSeconds", json::Kind::kInt, "int64"));
  given.dry_run = TRY(take_member(body, "dryRun", json::Kind::kArray, "[]string"));
  if (given.dry_run.is_array()) {
    for (const json::Value& value : given.dry_run.elements()) {
      if (!value.is_string()) return wrong_type(value, "dryRun", "string");
    }
  }
  TRY(read_preconditions(body, given));
  return given;
}

Result<json::Value> read_grace(std::string_view text) {
  std::int64_t seconds = 0;
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, seconds);
  if (stopped == end && error == std::errc()) return json::Value(seconds);
  const bool out_of_range = stopped == end && error == std::errc::result_out_of_range;
  return fail(Code::kBadRequest, "strconv.ParseInt: parsing " + go_quote(text) +
                                     (out_of_range ? ": value out of range" : ": invalid syntax"));
}

/// Fills in what the body did not say.
Result<> read_delete_query(const http::Query& query, GivenDeleteOptions& given) {
  if (given.propagation.is_null() && given.orphan.is_null()) {
    if (const auto policy = query.get("propagationPolicy")) given.propagation = *policy;
    if (query.get("orphanDependents")) given.orphan = read_flag(query, "orphanDependents");
  }
  if (given.dry_run.empty()) given.dry_run = texts_of(query.all("dryRun"));
  if (const auto uid = query.get("uid"); uid && given.uid.is_null() && !uid->empty()) given.uid = *uid;
  if (const auto version = query.get("resourceVersion");
      version && given.resource_version.is_null() && !version->empty()) {
    given.resource_version = *version;
  }
  if (const auto grace = query.get("gracePeriodSeconds"); grace && given.grace.is_null()) {
    given.grace = TRY(read_grace(*grace));
  }
  return {};
}

DeleteOptions::Propagation check_propagation(const GivenDeleteOptions& given, FieldErrors& errors) {
  using Propagation = DeleteOptions::Propagation;
  const FieldPath path("propagationPolicy");
  if (given.propagation.is_null()) {
    if (given.orphan.is_null()) return Propagation::kDefault;
    return given.orphan.as_bool() ? Propagation::kOrphan : Propagation::kBackground;
  }
  if (!given.orphan.is_null()) {
    errors.push_back(FieldError::invalid(path, given.propagation,
                                         "orphanDependents and deletionPropagation cannot be both set"));
  }
  const std::string_view policy = given.propagation.as_string();
  if (policy == "Foreground") return Propagation::kForeground;
  if (policy == "Background") return Propagation::kBackground;
  if (policy == "Orphan") return Propagation::kOrphan;
  const std::string supported[] = {"Foreground", "Background", "Orphan", "nil"};
  errors.push_back(FieldError::not_supported(path, given.propagation, supported));
  return Propagation::kDefault;
}

}  // namespace

Result<WriteOptions> read_create_options(const http::Query& query, const http::Headers& headers) {
  return read_write_options(query, headers, "CreateOptions", {});
}

Result<WriteOptions> read_update_options(const http::Query& query, const http::Headers& headers) {
  return read_write_options(query, headers, "UpdateOptions", {});
}

Result<WriteOptions> read_patch_options(const http::Query& query, const http::Headers& headers,
                                        PatchType type) {
  FieldErrors errors;
  const bool applies = type == PatchType::kApply;
  if (applies && query.get("fieldManager").value_or("").empty()) {
    errors.push_back(FieldError::required(FieldPath("fieldManager"), "is required for apply patch"));
  }
  if (!applies && query.get("force")) {
    errors.push_back(FieldError::forbidden(FieldPath("force"), "may not be specified for non-apply patch"));
  }
  WriteOptions options = TRY(read_write_options(query, headers, "PatchOptions", std::move(errors)));
  options.force = read_flag(query, "force");
  return options;
}

Result<DeleteOptions> read_delete_options(const http::Query& query, const http::Headers& headers,
                                          std::string_view body) {
  GivenDeleteOptions given;
  if (!body.empty()) given = TRY(read_delete_body(body, headers));
  TRY(read_delete_query(query, given));
  FieldErrors errors;
  DeleteOptions options;
  options.propagation = check_propagation(given, errors);
  if (given.dry_run.is_null()) given.dry_run = json::Value::empty_array();
  options.dry_run = check_dry_run(given.dry_run, errors);
  if (!errors.empty()) return fail(option_error("DeleteOptions", errors));
  if (given.uid.is_string()) options.uid = given.uid.as_string();
  if (given.resource_version.is_string()) options.resource_version = given.resource_version.as_string();
  if (given.grace.is_int()) options.grace_period_seconds = given.grace.as_int();
  return options;
}

std::string default_field_manager(const http::Headers& headers) {
  std::string_view agent = headers.get("User-Agent").value_or("");
  agent = agent.substr(0, agent.find('/'));
  std::string manager;
  while (!agent.empty()) {
    const std::size_t length = utf8_length(agent);
    const std::string_view character = length == 0 ? "\xEF\xBF\xBD" : agent.substr(0, length);
    agent.remove_prefix(std::max<std::size_t>(length, 1));
    if (!go_is_printable(character)) continue;
    if (manager.size() + character.size() > kMaxManagerBytes) break;
    manager += character;
  }
  return manager;
}

bool read_flag(const http::Query& query, std::string_view name) {
  const auto value = query.get(name);
  return value && *value != "0" && !equal_ignore_case(*value, "false");
}

}  // namespace klutch::apiserver
