// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/lib_regex.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "apiserver/cel/go_text.h"

namespace klutch::apiserver::cel {
namespace {

Value found_in(const Pattern& pattern, std::string_view text) {
  const auto found = pattern.find(text, 0);
  return Value::string(found ? text.substr(found->begin, found->end - found->begin) : std::string_view());
}

/// Go's rule: an empty match right after another match does not count.
Value all_found_in(const Pattern& pattern, std::string_view text, std::int64_t limit) {
  std::vector<Value> matches;
  std::size_t position = 0;
  std::size_t previous_end = std::string_view::npos;
  while (position <= text.size() && (limit < 0 || matches.size() < static_cast<std::uint64_t>(limit))) {
    const auto found = pattern.find(text, position);
    if (!found) break;
    const bool is_empty_here = found->end == position;
    const bool counts = !is_empty_here || found->begin != previous_end;
    if (is_empty_here) {
      position += position < text.size() ? first_code_point(text.substr(position)).length : 1;
    } else {
      position = found->end;
    }
    previous_end = found->end;
    if (counts) matches.push_back(Value::string(text.substr(found->begin, found->end - found->begin)));
  }
  return Value::list(matches);
}

Value illegal_pattern(const std::string& error) {
  return Value::error("Illegal regex: " + error);
}

Value find_text(Arguments a) {
  const Pattern pattern(a[1].as_text());
  if (const auto error = pattern.error()) return illegal_pattern(*error);
  return found_in(pattern, a[0].as_text());
}

Value find_all_texts(Arguments a) {
  const Pattern pattern(a[1].as_text());
  if (const auto error = pattern.error()) return illegal_pattern(*error);
  return all_found_in(pattern, a[0].as_text(), a.size() == 3 ? a[2].as_int() : -1);
}

constexpr std::array kRegexFunctions = {
    OverloadSpec{"find", "string_find_string", ".(string, string) -> string", find_text},
    OverloadSpec{"findAll", "string_find_all_string", ".(string, string) -> list(string)", find_all_texts},
    OverloadSpec{"findAll", "string_find_all_string_int", ".(string, string, int) -> list(string)",
                 find_all_texts},
};

}  // namespace

Value apply_pattern(std::string_view function, const Pattern& pattern, Arguments arguments) {
  if (arguments[0].kind() != Kind::kString) return Value::no_such_overload();
  const std::string_view text = arguments[0].as_text();
  if (function == "matches") return Value::boolean(pattern.matches(text));
  if (function == "find") return found_in(pattern, text);
  if (arguments.size() < 3) return all_found_in(pattern, text, -1);
  if (arguments[2].kind() != Kind::kInt) return Value::no_such_overload();
  return all_found_in(pattern, text, arguments[2].as_int());
}

std::span<const OverloadSpec> regex_overloads() {
  return kRegexFunctions;
}

}  // namespace klutch::apiserver::cel
