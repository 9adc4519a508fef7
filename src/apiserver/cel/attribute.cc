// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/attribute.h"

#include <string>
#include <utility>

#include "apiserver/cel/arithmetic.h"
#include "apiserver/cel/heap.h"

namespace klutch::apiserver::cel {
namespace {

Qualified missing(std::string_view what, const Value& key, bool may_be_absent) {
  if (may_be_absent) return {.outcome = Qualified::Outcome::kAbsent};
  return {.outcome = Qualified::Outcome::kFailed,
          .value = Value::error(std::string(what) + ": " + key.text())};
}

Qualified failed(Value error) {
  return {.outcome = Qualified::Outcome::kFailed, .value = std::move(error)};
}

/// The index that a key of a list stands for: any number that is whole.
Value list_index(const Value& key) {
  if (key.kind() == Kind::kInt) return key;
  if (!is_number(key)) {
    return Value::error("unsupported index type '" + std::string(key.type_name()) + "' in list");
  }
  const bool fits = key.kind() == Kind::kUint
                        ? key.as_uint() <= INT64_MAX
                        : key.as_double() > -9223372036854775808.0 && key.as_double() < 9223372036854775808.0;
  if (fits) {
    const Value index =
        Value::integer(key.kind() == Kind::kUint ? static_cast<std::int64_t>(key.as_uint())
                                                 : static_cast<std::int64_t>(key.as_double()));
    if (compare_numbers(index, key) == 0) return index;
  }
  return Value::error("unsupported index value " + key.text() + " in list");
}

}  // namespace

Qualified qualify(const Value& object, const Value& key, bool may_be_absent) {
  switch (object.kind()) {
    case Kind::kError: return failed(object);
    case Kind::kMap: {
      auto found = object.find(key);
      if (!found) return missing("no such key", key, may_be_absent);
      if (found->is_error()) return failed(*std::move(found));
      return {.outcome = Qualified::Outcome::kFound, .value = *std::move(found)};
    }
    case Kind::kList: {
      const Value index = list_index(key);
      if (index.is_error()) return failed(index);
      if (index.as_int() < 0 || static_cast<std::uint64_t>(index.as_int()) >= object.size()) {
        return missing("index out of bounds", key, may_be_absent);
      }
      return {.outcome = Qualified::Outcome::kFound,
              .value = object.element(static_cast<std::size_t>(index.as_int()))};
    }
    default: return missing("no such key", key, may_be_absent);
  }
}

bool is_qualifier(const Value& key) noexcept {
  return is_number(key) || key.kind() == Kind::kString || key.kind() == Kind::kBool;
}

Value invalid_qualifier(const Value& key) {
  return Value::error("invalid qualifier type: " + go_type_name(key));
}

Value native_content(const Value& content) {
  switch (content.kind()) {
    case Kind::kOptional: {
      const Value* inner = content.as_optional();
      return inner == nullptr ? Value::null() : native_content(*inner);
    }
    case Kind::kType: return Value::string(content.as_text());
    case Kind::kOpaque: return content.as_opaque().native();
    case Kind::kUnknown:
    case Kind::kList:
    case Kind::kMap:
      if (content.json_content() != nullptr) return Value::from_json(*content.json_content());
      return content;
    default: return content;
  }
}

}  // namespace klutch::apiserver::cel
