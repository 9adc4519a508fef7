// SPDX-License-Identifier: Apache-2.0
// Typed access to members: find_ for optional ones, get_ for required ones.
#include "json/value.h"

namespace klutch::json {
namespace {

tl::unexpected<Error> wrong_kind(std::string_view key, const Value* found, std::string_view wanted) {
  std::string message = "field \"" + std::string(key) + "\"";
  if (found == nullptr) return fail(Code::kInvalid, message + " is required");
  return fail(Code::kInvalid, message + " must be of type " + std::string(wanted) + ", not " +
                                  std::string(kind_name(found->kind())));
}

}  // namespace

std::optional<std::string_view> Value::find_string(std::string_view key) const noexcept {
  const Value* found = find(key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return found->text();
}

std::optional<std::int64_t> Value::find_int(std::string_view key) const noexcept {
  const Value* found = find(key);
  if (found == nullptr || !found->is_int()) return std::nullopt;
  return found->load<std::int64_t>();
}

std::optional<double> Value::find_double(std::string_view key) const noexcept {
  const Value* found = find(key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_double();
}

std::optional<bool> Value::find_bool(std::string_view key) const noexcept {
  const Value* found = find(key);
  if (found == nullptr || !found->is_bool()) return std::nullopt;
  return found->load<bool>();
}

const Value* Value::find_object(std::string_view key) const noexcept {
  const Value* found = find(key);
  return found != nullptr && found->is_object() ? found : nullptr;
}

const Value* Value::find_array(std::string_view key) const noexcept {
  const Value* found = find(key);
  return found != nullptr && found->is_array() ? found : nullptr;
}

Result<std::string_view> Value::get_string(std::string_view key) const {
  if (const auto found = find_string(key)) return *found;
  return wrong_kind(key, find(key), "string");
}

Result<std::int64_t> Value::get_int(std::string_view key) const {
  if (const auto found = find_int(key)) return *found;
  return wrong_kind(key, find(key), "integer");
}

Result<double> Value::get_double(std::string_view key) const {
  if (const auto found = find_double(key)) return *found;
  return wrong_kind(key, find(key), "number");
}

Result<bool> Value::get_bool(std::string_view key) const {
  if (const auto found = find_bool(key)) return *found;
  return wrong_kind(key, find(key), "boolean");
}

Result<const Value*> Value::get_object(std::string_view key) const {
  if (const Value* found = find_object(key)) return found;
  return wrong_kind(key, find(key), "object");
}

Result<const Value*> Value::get_array(std::string_view key) const {
  if (const Value* found = find_array(key)) return found;
  return wrong_kind(key, find(key), "array");
}

}  // namespace klutch::json
