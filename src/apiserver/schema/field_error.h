// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/value.h"
#include "kube/api/resource.h"

// What is wrong with which field of an object, in the words of k8s.io/apimachinery's validation/field 0.34:
// clients show these texts to people, and tests of others compare them. Plain values; nothing here fails.
//
//   FieldErrors errors;
//   errors.push_back(FieldError::invalid(FieldPath("spec").child("size"), -5, "must not be negative"));
//   return fail(invalid_error({"ex.io", "Widget"}, name, errors));  // kInvalid: `Widget.ex.io "x" is
//   invalid:
//                                                                   // spec.size: Invalid value: -5: ...`

namespace klutch::apiserver {

/// The way from an object's root to a field, as text: `spec.ports[0].name`, `metadata.annotations[k]`.
class FieldPath {
 public:
  /// No path, which prints as "<nil>". Its child() is a root.
  FieldPath() = default;
  explicit FieldPath(std::string_view root) { *this = FieldPath().child(root); }

  /// The member `name`. It may itself hold dots and brackets: it is only text.
  [[nodiscard]] FieldPath child(std::string_view name) const;
  /// The element `index`.
  [[nodiscard]] FieldPath index(std::size_t index) const;
  /// The entry `key` of a map.
  [[nodiscard]] FieldPath key(std::string_view key) const;

  [[nodiscard]] bool empty() const noexcept { return empty_; }
  [[nodiscard]] std::string to_string() const { return empty_ ? "<nil>" : text_; }

 private:
  std::string text_ = {};
  bool empty_ = true;
};

/// The kinds of field errors; each becomes the reason of a StatusCause.
enum class FieldErrorType : std::uint8_t {
  kNotFound,
  kRequired,
  kDuplicate,
  kInvalid,
  kNotSupported,
  kForbidden,
  kTooLong,
  kTooMany,
  kInternal,
  kTypeInvalid,
};

/// "FieldValueInvalid", "FieldValueRequired", ...: what clients decide by.
std::string_view reason_of(FieldErrorType type) noexcept;

/// One wrong field. `bad` is the value that was found there and becomes part of the text, as Go prints it.
struct FieldError {
  FieldErrorType type = FieldErrorType::kInvalid;
  std::string field = {};
  std::string body = {};  ///< "Invalid value: -5: must not be negative"

  static FieldError required(const FieldPath& path, std::string_view detail = {});
  static FieldError invalid(const FieldPath& path, const json::Value& bad, std::string_view detail);
  /// As invalid(), for a value that is written as JSON whatever it is; a string then has JSON's escapes.
  static FieldError invalid_json(const FieldPath& path, const json::Value& bad, std::string_view detail);
  /// As invalid(), for a value that is text already.
  static FieldError invalid_text(const FieldPath& path, std::string_view bad, std::string_view detail);
  static FieldError type_invalid(const FieldPath& path, const json::Value& bad, std::string_view detail);
  static FieldError not_supported(const FieldPath& path, const json::Value& bad,
                                  std::span<const std::string> supported);
  static FieldError duplicate(const FieldPath& path, const json::Value& bad);
  static FieldError not_found(const FieldPath& path, const json::Value& bad);
  static FieldError forbidden(const FieldPath& path, std::string_view detail);
  /// Longer than `limit` bytes; a negative limit is not named.
  static FieldError too_long(const FieldPath& path, std::int64_t limit);
  /// `count` entries where `limit` are allowed; negative ones are not named.
  static FieldError too_many(const FieldPath& path, std::int64_t count, std::int64_t limit);
  static FieldError internal(const FieldPath& path, std::string_view detail);

  /// "spec.size: Invalid value: -5: must not be negative".
  [[nodiscard]] std::string to_string() const { return field + ": " + body; }
  bool operator==(const FieldError&) const = default;
};

using FieldErrors = std::vector<FieldError>;

/// Adds all of `more` to `errors`.
void append(FieldErrors& errors, FieldErrors more);

/// The text of all: one stands alone, several in brackets, equal ones once; "" for none.
std::string to_string(const FieldErrors& errors);

/// What an API server answers when an object is refused for `errors`: kInvalid, carrying a kube::Status with
/// one cause for each.
Error invalid_error(const kube::GroupKind& kind, std::string_view name, const FieldErrors& errors);

}  // namespace klutch::apiserver
