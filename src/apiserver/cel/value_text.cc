// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "apiserver/cel/go_text.h"
#include "apiserver/cel/go_time.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/value.h"
#include "apiserver/schema/go_text.h"
#include "base/duration.h"

namespace klutch::apiserver::cel {
namespace {

std::string debug_double(double number) {
  return "double(" + go_double_g(number) + ')';
}

std::string debug_bytes(std::string_view bytes) {
  std::string text = "b\"";
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text + '"';
}

/// "[a, b]" or "{k: v}"; the entries of maps sorted, because their order means nothing.
template <class Show>
std::string show_container(const Value& value, Show show, bool sorted) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.kind() == Kind::kList) {
      parts.push_back(show(value.element(i)));
    } else if (const auto entry = value.entry(i)) {
      parts.push_back(show(entry->first) + ": " + show(entry->second));
    }
  }
  if (sorted && value.kind() == Kind::kMap) std::ranges::sort(parts);
  const bool is_list = value.kind() == Kind::kList;
  return fmt::format("{}{}{}", is_list ? '[' : '{', fmt::join(parts, ", "), is_list ? ']' : '}');
}

/// What stands in the parentheses of "ip(1.2.3.4)".
std::string opaque_text(const std::string& debug) {
  const std::size_t open = debug.find('(') + 1;
  return debug.substr(open, debug.size() - open - 1);
}

}  // namespace

std::string Value::text() const {
  switch (kind_) {
    case Kind::kNull: return "NULL_VALUE";
    case Kind::kBool: return payload_.truth ? "true" : "false";
    case Kind::kInt: return std::to_string(payload_.integer);
    case Kind::kUint: return std::to_string(payload_.uinteger);
    case Kind::kDouble: return go_double_g(payload_.real);
    case Kind::kString:
    case Kind::kType:
    case Kind::kError: return std::string(as_text());
    case Kind::kBytes: {
      std::vector<int> numbers;
      for (const char byte : as_text()) numbers.push_back(static_cast<unsigned char>(byte));
      return fmt::format("[{}]", fmt::join(numbers, " "));
    }
    case Kind::kTimestamp: {
      const Timestamp time = as_timestamp();
      std::string text = format_go_rfc3339_nano({.seconds = time.seconds, .nanos = time.nanos});
      text[text.find('T')] = ' ';
      text.pop_back();
      return text + " +0000 UTC";
    }
    case Kind::kDuration: return format_duration(Duration(payload_.integer));
    case Kind::kList:
    case Kind::kMap: return show_container(*this, [](const Value& part) { return part.text(); }, false);
    case Kind::kOptional: {
      const Value* content = as_optional();
      return content == nullptr ? "optional.none()" : "optional(" + content->text() + ')';
    }
    case Kind::kOpaque: return opaque_text(as_opaque().debug());
    case Kind::kUnknown: return "unknown";
  }
  return "";
}

std::string Value::debug() const {
  switch (kind_) {
    case Kind::kNull: return "null";
    case Kind::kUint: return text() + 'u';
    case Kind::kDouble: return debug_double(payload_.real);
    case Kind::kString: return go_quote(as_text());
    case Kind::kBytes: return debug_bytes(as_text());
    case Kind::kType: return "type(" + text() + ')';
    case Kind::kError: return "error(" + text() + ')';
    case Kind::kTimestamp: return "timestamp(" + format_go_rfc3339_nano(as_timestamp()) + ')';
    case Kind::kDuration: return "duration(" + std::to_string(payload_.integer) + ')';
    case Kind::kList:
    case Kind::kMap: return show_container(*this, [](const Value& part) { return part.debug(); }, true);
    case Kind::kOptional: {
      const Value* content = as_optional();
      return content == nullptr ? "optional.none()" : "optional.of(" + content->debug() + ')';
    }
    case Kind::kOpaque: return as_opaque().debug();
    default: return text();
  }
}

}  // namespace klutch::apiserver::cel
