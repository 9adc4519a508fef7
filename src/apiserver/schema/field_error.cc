// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/field_error.h"

#include <iterator>
#include <memory>
#include <set>
#include <utility>

#include "apiserver/schema/go_text.h"
#include "base/strings.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

struct TypeNames {
  std::string_view reason;
  std::string_view text;
};

constexpr TypeNames kTypeNames[] = {
    {"FieldValueNotFound", "Not found"},
    {"FieldValueRequired", "Required value"},
    {"FieldValueDuplicate", "Duplicate value"},
    {"FieldValueInvalid", "Invalid value"},
    {"FieldValueNotSupported", "Unsupported value"},
    {"FieldValueForbidden", "Forbidden"},
    {"FieldValueTooLong", "Too long"},
    {"FieldValueTooMany", "Too many"},
    {"InternalError", "Internal error"},
    {"FieldValueTypeInvalid", "Invalid value"},
};

const TypeNames& names_of(FieldErrorType type) noexcept {
  return kTypeNames[static_cast<std::size_t>(type)];
}

/// "Invalid value: -5: detail"; parts that are empty are left out.
FieldError make_error(FieldErrorType type, const FieldPath& path, std::string_view bad,
                      std::string_view detail) {
  FieldError error{type, path.to_string(), std::string(names_of(type).text)};
  for (const std::string_view part : {bad, detail}) {
    if (!part.empty()) error.body.append(": ").append(part);
  }
  return error;
}

std::string plural(std::int64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace

FieldPath FieldPath::child(std::string_view name) const {
  if (name.empty()) return key({});
  FieldPath path = *this;
  if (!path.empty_) path.text_ += '.';
  path.text_ += name;
  path.empty_ = false;
  return path;
}

FieldPath FieldPath::index(std::size_t index) const {
  return key(std::to_string(index));
}

FieldPath FieldPath::key(std::string_view key) const {
  FieldPath path = *this;
  path.text_.append("[").append(key).append("]");
  path.empty_ = false;
  return path;
}

std::string_view reason_of(FieldErrorType type) noexcept {
  return names_of(type).reason;
}

FieldError FieldError::required(const FieldPath& path, std::string_view detail) {
  return make_error(FieldErrorType::kRequired, path, {}, detail);
}

FieldError FieldError::invalid(const FieldPath& path, const json::Value& bad, std::string_view detail) {
  return make_error(FieldErrorType::kInvalid, path, go_value(bad), detail);
}

FieldError FieldError::invalid_json(const FieldPath& path, const json::Value& bad, std::string_view detail) {
  return make_error(FieldErrorType::kInvalid, path, go_json(bad), detail);
}

FieldError FieldError::invalid_text(const FieldPath& path, std::string_view bad, std::string_view detail) {
  return make_error(FieldErrorType::kInvalid, path, bad, detail);
}

FieldError FieldError::type_invalid(const FieldPath& path, const json::Value& bad, std::string_view detail) {
  return make_error(FieldErrorType::kTypeInvalid, path, go_value(bad), detail);
}

FieldError FieldError::not_supported(const FieldPath& path, const json::Value& bad,
                                     std::span<const std::string> supported) {
  std::string detail;
  for (const std::string& value : supported) {
    detail += (detail.empty() ? "supported values: " : ", ") + go_quote(value);
  }
  return make_error(FieldErrorType::kNotSupported, path, go_value(bad), detail);
}

FieldError FieldError::duplicate(const FieldPath& path, const json::Value& bad) {
  return make_error(FieldErrorType::kDuplicate, path, go_value(bad), {});
}

FieldError FieldError::not_found(const FieldPath& path, const json::Value& bad) {
  return make_error(FieldErrorType::kNotFound, path, go_value(bad), {});
}

FieldError FieldError::forbidden(const FieldPath& path, std::string_view detail) {
  return make_error(FieldErrorType::kForbidden, path, {}, detail);
}

FieldError FieldError::too_long(const FieldPath& path, std::int64_t limit) {
  return make_error(FieldErrorType::kTooLong, path, {},
                    limit < 0 ? "value is too long" : "may not be more than " + plural(limit, "byte"));
}

FieldError FieldError::too_many(const FieldPath& path, std::int64_t count, std::int64_t limit) {
  return make_error(FieldErrorType::kTooMany, path, count < 0 ? "" : std::to_string(count),
                    limit < 0 ? "has too many items" : "must have at most " + plural(limit, "item"));
}

FieldError FieldError::internal(const FieldPath& path, std::string_view detail) {
  return make_error(FieldErrorType::kInternal, path, {}, detail);
}

void append(FieldErrors& errors, FieldErrors more) {
  if (errors.empty()) {
    errors = std::move(more);
    return;
  }
  errors.insert(errors.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::string to_string(const FieldErrors& errors) {
  std::set<std::string> seen;
  std::vector<std::string> texts;
  for (const FieldError& error : errors) {
    std::string text = error.to_string();
    if (seen.insert(text).second) texts.push_back(std::move(text));
  }
  if (texts.size() == 1) return texts.front();
  return texts.empty() ? "" : "[" + join(texts, ", ") + "]";
}

Error invalid_error(const kube::GroupKind& kind, std::string_view name, const FieldErrors& errors) {
  auto status = std::make_shared<kube::Status>();
  status->http_status = traits(Code::kInvalid).http_status;
  status->reason = traits(Code::kInvalid).name;
  status->message = kind.to_string() + " " + go_quote(name) + " is invalid";
  if (!errors.empty()) status->message += ": " + to_string(errors);
  status->name = name;
  status->group = kind.group;
  status->kind = kind.kind;
  for (const FieldError& error : errors) {
    status->causes.push_back({std::string(reason_of(error.type)), error.body, error.field});
  }
  std::string message = status->message;
  return Error(Code::kInvalid, std::move(message)).with_detail(std::move(status));
}

}  // namespace klutch::apiserver
