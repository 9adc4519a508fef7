// SPDX-License-Identifier: Apache-2.0
// cel-go's extension for strings, version 2. Positions count code points.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/go_text.h"
#include "apiserver/cel/text_format.h"

namespace klutch::apiserver::cel {
namespace {

/// Longer texts than a run could pay for are not made.
constexpr std::size_t kMaxMadeText = std::size_t{8} << 20;

Value text_too_long() {
  return Value::error("operation cancelled: text is too long");
}

std::string encoded(std::u32string_view points) {
  std::string text;
  for (const char32_t point : points) append_utf8(text, point);
  return text;
}

Value out_of_range(std::int64_t index) {
  return Value::error("index out of range: " + std::to_string(index));
}

bool is_within(std::int64_t index, std::size_t size) {
  return index >= 0 && static_cast<std::uint64_t>(index) <= size;
}

Value char_at(Arguments a) {
  const std::u32string points = decode_utf8(a[0].as_text());
  const std::int64_t index = a[1].as_int();
  if (!is_within(index, points.size())) return out_of_range(index);
  return Value::string(encoded(std::u32string_view(points).substr(static_cast<std::size_t>(index), 1)));
}

Value index_from(const Value& text, const Value& part, std::int64_t offset) {
  if (part.as_text().empty()) return Value::integer(offset);
  if (offset < 0) return Value::error("index out of range: " + std::to_string(offset));
  const std::u32string points = decode_utf8(text.as_text());
  if (static_cast<std::uint64_t>(offset) >= points.size()) return Value::integer(-1);
  const std::size_t found = points.find(decode_utf8(part.as_text()), static_cast<std::size_t>(offset));
  return Value::integer(found == std::u32string::npos ? -1 : static_cast<std::int64_t>(found));
}

Value text_index_of(Arguments a) {
  return index_from(a[0], a[1], 0);
}

Value text_index_of_from(Arguments a) {
  return index_from(a[0], a[1], a[2].as_int());
}

Value last_index_from(const std::u32string& points, const Value& part, std::int64_t offset) {
  if (offset < 0) return Value::error("index out of range: " + std::to_string(offset));
  if (static_cast<std::uint64_t>(offset) >= points.size()) return Value::integer(-1);
  const std::size_t found = points.rfind(decode_utf8(part.as_text()), static_cast<std::size_t>(offset));
  return Value::integer(found == std::u32string::npos ? -1 : static_cast<std::int64_t>(found));
}

Value text_last_index_of(Arguments a) {
  const std::u32string points = decode_utf8(a[0].as_text());
  const auto size = static_cast<std::int64_t>(points.size());
  if (a[1].as_text().empty()) return Value::integer(size);
  if (a[0].as_text().size() < a[1].as_text().size()) return Value::integer(-1);
  return last_index_from(points, a[1], size - 1);
}

Value text_last_index_of_from(Arguments a) {
  if (a[1].as_text().empty()) return a[2];
  return last_index_from(decode_utf8(a[0].as_text()), a[1], a[2].as_int());
}

/// Bytes that are not UTF-8 become U+FFFD on the way.
template <class Change>
Value change_ascii(const Value& text, Change change) {
  std::u32string points = decode_utf8(text.as_text());
  for (char32_t& point : points) point = change(point);
  return Value::string(encoded(points));
}

Value lower_ascii(Arguments a) {
  return change_ascii(a[0], [](char32_t c) { return c >= U'A' && c <= U'Z' ? c + (U'a' - U'A') : c; });
}

Value upper_ascii(Arguments a) {
  return change_ascii(a[0], [](char32_t c) { return c >= U'a' && c <= U'z' ? c - (U'a' - U'A') : c; });
}

Value replaced(Arguments a, std::int64_t limit) {
  const std::string_view text = a[0].as_text();
  const std::string_view from = a[1].as_text();
  const std::string_view to = a[2].as_text();
  std::size_t places = from.empty() ? text.size() + 1 : text.size() / from.size();
  if (limit >= 0) places = std::min(places, static_cast<std::size_t>(limit));
  if (!to.empty() && places > (kMaxMadeText - std::min(kMaxMadeText, text.size())) / to.size()) {
    return text_too_long();
  }
  return Value::string(go_replace(text, from, to, limit));
}

Value replace_all(Arguments a) {
  return replaced(a, -1);
}

Value replace_some(Arguments a) {
  return replaced(a, a[3].as_int());
}

Value split_into(Arguments a, std::int64_t limit) {
  std::vector<Value> parts;
  for (const std::string_view part : go_split(a[0].as_text(), a[1].as_text(), limit)) {
    parts.push_back(Value::string(part));
  }
  return Value::list(parts);
}

Value split_all(Arguments a) {
  return split_into(a, -1);
}

Value split_some(Arguments a) {
  return split_into(a, a[2].as_int());
}

Value substring_from(Arguments a) {
  const std::u32string points = decode_utf8(a[0].as_text());
  const std::int64_t start = a[1].as_int();
  if (!is_within(start, points.size())) return out_of_range(start);
  return Value::string(encoded(std::u32string_view(points).substr(static_cast<std::size_t>(start))));
}

Value substring_between(Arguments a) {
  const std::u32string points = decode_utf8(a[0].as_text());
  const std::int64_t start = a[1].as_int();
  const std::int64_t end = a[2].as_int();
  if (start > end) {
    return Value::error("invalid substring range. start: " + std::to_string(start) +
                        ", end: " + std::to_string(end));
  }
  if (!is_within(start, points.size())) return out_of_range(start);
  if (!is_within(end, points.size())) return out_of_range(end);
  const std::u32string_view part = std::u32string_view(points).substr(static_cast<std::size_t>(start),
                                                                      static_cast<std::size_t>(end - start));
  return Value::string(encoded(part));
}

Value trim(Arguments a) {
  return Value::string(go_trim_space(a[0].as_text()));
}

Value joined(const Value& list, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value element = list.element(i);
    if (i > 0) text += separator;
    if (element.kind() != Kind::kString) return Value::error("join: invalid input: " + element.text());
    text += element.as_text();
    if (text.size() > kMaxMadeText) return text_too_long();
  }
  return Value::string(text);
}

Value join_plain(Arguments a) {
  return joined(a[0], "");
}

Value join_with(Arguments a) {
  return joined(a[0], a[1].as_text());
}

std::string_view quote_escape(char32_t point) {
  switch (point) {
    case U'\a': return "\\a";
    case U'\b': return "\\b";
    case U'\f': return "\\f";
    case U'\n': return "\\n";
    case U'\r': return "\\r";
    case U'\t': return "\\t";
    case U'\v': return "\\v";
    case U'\\': return "\\\\";
    case U'"': return "\\\"";
    default: return {};
  }
}

Value quote(Arguments a) {
  std::string text = "\"";
  for (const char32_t point : decode_utf8(a[0].as_text())) {
    const std::string_view escape = quote_escape(point);
    if (escape.empty()) {
      append_utf8(text, point);
    } else {
      text += escape;
    }
  }
  return Value::string(text += '"');
}

Value format_values(Arguments a) {
  return format_text(a[0].as_text(), a[1]);
}

constexpr std::array kStringFunctions = {
    OverloadSpec{"charAt", "string_char_at_int", ".(string, int) -> string", char_at},
    OverloadSpec{"indexOf", "string_index_of_string", ".(string, string) -> int", text_index_of},
    OverloadSpec{"indexOf", "string_index_of_string_int", ".(string, string, int) -> int",
                 text_index_of_from},
    OverloadSpec{"lastIndexOf", "string_last_index_of_string", ".(string, string) -> int",
                 text_last_index_of},
    OverloadSpec{"lastIndexOf", "string_last_index_of_string_int", ".(string, string, int) -> int",
                 text_last_index_of_from},
    OverloadSpec{"lowerAscii", "string_lower_ascii", ".(string) -> string", lower_ascii},
    OverloadSpec{"replace", "string_replace_string_string", ".(string, string, string) -> string",
                 replace_all},
    OverloadSpec{"replace", "string_replace_string_string_int", ".(string, string, string, int) -> string",
                 replace_some},
    OverloadSpec{"split", "string_split_string", ".(string, string) -> list(string)", split_all},
    OverloadSpec{"split", "string_split_string_int", ".(string, string, int) -> list(string)", split_some},
    OverloadSpec{"substring", "string_substring_int", ".(string, int) -> string", substring_from},
    OverloadSpec{"substring", "string_substring_int_int", ".(string, int, int) -> string", substring_between},
    OverloadSpec{"trim", "string_trim", ".(string) -> string", trim},
    OverloadSpec{"upperAscii", "string_upper_ascii", ".(string) -> string", upper_ascii},
    OverloadSpec{"format", "string_format", ".(string, list(dyn)) -> string", format_values, true},
    OverloadSpec{"strings.quote", "strings_quote", "(string) -> string", quote},
    OverloadSpec{"join", "list_join", ".(list(string)) -> string", join_plain},
    OverloadSpec{"join", "list_join_string", ".(list(string), string) -> string", join_with},
};

}  // namespace

std::span<const OverloadSpec> string_overloads() {
  return kStringFunctions;
}

}  // namespace klutch::apiserver::cel
