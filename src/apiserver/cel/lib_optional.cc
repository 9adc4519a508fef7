// SPDX-License-Identifier: Apache-2.0
// Values that may be missing. or() and orValue() are for the machine, which does not evaluate what they do
// not need; so are .? and [?].
#include <array>
#include <string>
#include <vector>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/go_time.h"

namespace klutch::apiserver::cel {
namespace {

/// Lists and maps of a custom resource are never zero, as Kubernetes does not say so of them.
bool is_zero(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull: return true;
    case Kind::kBool: return !value.as_bool();
    case Kind::kInt: return value.as_int() == 0;
    case Kind::kUint: return value.as_uint() == 0;
    case Kind::kDouble: return value.as_double() == 0;
    case Kind::kString:
    case Kind::kBytes: return value.as_text().empty();
    case Kind::kDuration: return value.as_duration() == 0;
    case Kind::kTimestamp: {
      const Timestamp time = value.as_timestamp();
      return time.seconds == kMinTimestampSeconds && time.nanos == 0;
    }
    case Kind::kList:
    case Kind::kMap: return value.schema() == nullptr && value.size() == 0;
    default: return false;
  }
}

Value optional_of(Arguments a) {
  return Value::optional_of(a[0]);
}

Value optional_of_non_zero(Arguments a) {
  return is_zero(a[0]) ? Value::optional_none() : Value::optional_of(a[0]);
}

Value optional_none(Arguments) {
  return Value::optional_none();
}

Value optional_value(Arguments a) {
  const Value* content = a[0].as_optional();
  return content == nullptr ? Value::error("optional.none() dereference") : *content;
}

Value optional_has_value(Arguments a) {
  return Value::boolean(a[0].as_optional() != nullptr);
}

Value optional_unwrap(Arguments a) {
  std::vector<Value> contents;
  for (std::size_t i = 0; i < a[0].size(); ++i) {
    const Value element = a[0].element(i);
    if (element.kind() != Kind::kOptional) {
      return Value::error("value " + element.text() + " is not optional");
    }
    if (const Value* content = element.as_optional()) contents.push_back(*content);
  }
  return Value::list(contents);
}

Value optional_element(const Value& element) {
  return element.is_error() ? element : Value::optional_of(element);
}

Value list_first(Arguments a) {
  return a[0].size() == 0 ? Value::optional_none() : optional_element(a[0].element(0));
}

Value list_last(Arguments a) {
  return a[0].size() == 0 ? Value::optional_none() : optional_element(a[0].element(a[0].size() - 1));
}

constexpr std::array kOptionalFunctions = {
    OverloadSpec{"optional.of", "optional_of", "(V) -> optional_type(V)", optional_of},
    OverloadSpec{"optional.ofNonZeroValue", "optional_ofNonZeroValue", "(V) -> optional_type(V)",
                 optional_of_non_zero},
    OverloadSpec{"optional.none", "optional_none", "() -> optional_type(V)", optional_none},
    OverloadSpec{"value", "optional_value", ".(optional_type(V)) -> V", optional_value},
    OverloadSpec{"hasValue", "optional_hasValue", ".(optional_type(V)) -> bool", optional_has_value},
    OverloadSpec{"or", "optional_or_optional", ".(optional_type(V), optional_type(V)) -> optional_type(V)"},
    OverloadSpec{"orValue", "optional_orValue_value", ".(optional_type(V), V) -> V"},
    OverloadSpec{"_?._", "select_optional_field", "(dyn, string) -> optional_type(V)"},
    OverloadSpec{"_[?_]", "list_optindex_optional_int", "(list(V), int) -> optional_type(V)"},
    OverloadSpec{"_[?_]", "optional_list_optindex_optional_int",
                 "(optional_type(list(V)), int) -> optional_type(V)"},
    OverloadSpec{"_[?_]", "map_optindex_optional_value", "(map(K, V), K) -> optional_type(V)"},
    OverloadSpec{"_[?_]", "optional_map_optindex_optional_value",
                 "(optional_type(map(K, V)), K) -> optional_type(V)"},
    OverloadSpec{"_[_]", "optional_list_index_int", "(optional_type(list(V)), int) -> optional_type(V)"},
    OverloadSpec{"_[_]", "optional_map_index_value", "(optional_type(map(K, V)), K) -> optional_type(V)"},
    OverloadSpec{"last", "list_last", ".(list(V)) -> optional_type(V)", list_last},
    OverloadSpec{"first", "list_first", ".(list(V)) -> optional_type(V)", list_first},
    OverloadSpec{"optional.unwrap", "optional_unwrap", "(list(optional_type(V))) -> list(V)",
                 optional_unwrap},
    OverloadSpec{"unwrapOpt", "optional_unwrapOpt", ".(list(optional_type(V))) -> list(V)", optional_unwrap},
};

}  // namespace

std::span<const OverloadSpec> optional_overloads() {
  return kOptionalFunctions;
}

}  // namespace klutch::apiserver::cel
