// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/text_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/go_text.h"
#include "apiserver/cel/go_time.h"
#include "apiserver/schema/go_text.h"
#include "base/result.h"
#include "base/strings.h"

namespace klutch::apiserver::cel {
namespace {

constexpr int kDefaultPrecision = 6;
/// Go has no bound; nobody reads more.
constexpr int kMaxPrecision = 1000;

struct Clause {
  char letter = 's';
  int precision = kDefaultPrecision;
};

/// What the letters take, as the messages say it.
std::string wrong_type(const Clause& clause, std::string_view type) {
  std::string_view rule;
  switch (clause.letter) {
    case 'd': rule = "decimal clause can only be used on integers"; break;
    case 'f': rule = "fixed-point clause can only be used on doubles"; break;
    case 'e': rule = "scientific clause can only be used on doubles"; break;
    case 'b': rule = "only integers and bools can be formatted as binary"; break;
    case 'o': rule = "octal clause can only be used on integers"; break;
    case 'x':
    case 'X': rule = "only integers, byte buffers, and strings can be formatted as hex"; break;
    default:
      rule =
          "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
          "durations, and timestamps";
  }
  return std::string(rule) + ", was given " + std::string(type);
}

Result<int> parse_precision(std::string_view digits) {
  const auto number = go_parse_int(digits);
  const bool is_number = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (number && *number <= kMaxPrecision) return static_cast<int>(*number);
  return fail(Code::kInvalid,
              "error while parsing precision: error while converting precision to integer: "
              "strconv.Atoi: parsing \"" +
                  std::string(digits) +
                  "\": " + (is_number && !digits.empty() ? "value out of range" : "invalid syntax"));
}

/// Reads what stands after '%' and takes it off `text`.
Result<Clause> parse_clause(std::string_view& text) {
  Clause clause;
  if (text.starts_with('.')) {
    std::size_t end = 1;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end == text.size()) {
      return fail(Code::kInvalid, "error while parsing precision: could not find end of precision specifier");
    }
    clause.precision = TRY(parse_precision(text.substr(1, end - 1)));
    text.remove_prefix(end);
  }
  clause.letter = text.front();
  text.remove_prefix(1);
  if (std::string_view("sdfebxXo").find(clause.letter) != std::string_view::npos) return clause;
  std::string letter;
  append_utf8(letter, static_cast<unsigned char>(clause.letter));
  return fail(Code::kInvalid, "unrecognized formatting clause \"" + letter + '"');
}

/// Gives the text of one argument.
using FormatArgument = std::function<Result<std::string>(const Clause& clause, std::size_t index)>;

/// `arguments` says how many there are; at run time a missing one is found before the end of the format.
Result<std::string> format_all(std::string_view format, std::size_t arguments, bool at_run_time,
                               const FormatArgument& argument) {
  std::string text;
  std::size_t index = 0;
  while (!format.empty()) {
    if (format.front() != '%' || format.starts_with("%%")) {
      text += format.front();
      format.remove_prefix(format.front() == '%' ? 2 : 1);
      continue;
    }
    const bool is_missing = index >= arguments;
    const std::string missing = "index " + std::to_string(index) + " out of range";
    if (is_missing && at_run_time) return fail(Code::kInvalid, missing);
    format.remove_prefix(1);
    if (format.empty()) return fail(Code::kInvalid, "unexpected end of string");
    if (is_missing) return fail(Code::kInvalid, missing);
    const auto clause = parse_clause(format);
    if (!clause) {
      return fail(Code::kInvalid, "could not parse formatting clause: " + clause.error().message());
    }
    const auto formatted = argument(*clause, index++);
    if (!formatted) return fail(Code::kInvalid, "error during formatting: " + formatted.error().message());
    text += *formatted;
  }
  return text;
}

// At run time.

Result<std::string> value_text(const Value& value);

/// In lists and maps: as a literal of the language.
Result<std::string> literal_text(const Value& value) {
  switch (value.kind()) {
    case Kind::kString: return go_quote(value.as_text());
    case Kind::kBytes: {
      const std::string text = TRY(value_text(value));
      return 'b' + go_quote(text);
    }
    case Kind::kTimestamp:
    case Kind::kDuration: {
      const std::string text = TRY(value_text(value));
      return (value.kind() == Kind::kDuration ? "duration(" : "timestamp(") + go_quote(text) + ')';
    }
    case Kind::kDouble: {
      std::string text = go_double_fixed(value.as_double(), kDefaultPrecision);
      return std::isfinite(value.as_double()) ? text : go_quote(text);
    }
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kBool:
    case Kind::kNull:
    case Kind::kType:
    case Kind::kList:
    case Kind::kMap: return value_text(value);
    default: return fail(Code::kInvalid, "no formatting function for " + std::string(value.type_name()));
  }
}

Result<std::string> list_text(const Value& list) {
  std::string text = "[";
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) text += ", ";
    text += TRY(literal_text(list.element(i)));
  }
  return text + ']';
}

Result<std::string> map_text(const Value& map) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (std::size_t i = 0; i < map.size(); ++i) {
    const auto entry = map.entry(i);
    if (!entry) {
      entries.emplace_back();
      continue;
    }
    const Kind kind = entry->first.kind();
    if (kind != Kind::kString && kind != Kind::kBool && kind != Kind::kInt && kind != Kind::kUint) {
      return fail(Code::kInvalid,
                  "no formatting function for map key of type " + std::string(entry->first.type_name()));
    }
    std::string key = TRY(literal_text(entry->first));
    std::string value = TRY(literal_text(entry->second));
    entries.emplace_back(std::move(key), std::move(value));
  }
  std::ranges::sort(entries);
  std::string text = "{";
  for (const auto& [key, value] : entries) {
    if (text.size() > 1) text += ", ";
    text.append(key).append(1, ':').append(value);
  }
  return text + '}';
}

Result<std::string> value_text(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull: return "null";
    case Kind::kBool: return value.as_bool() ? "true" : "false";
    case Kind::kInt: return std::to_string(value.as_int());
    case Kind::kUint: return std::to_string(value.as_uint());
    case Kind::kDouble: return go_double_g(value.as_double());
    case Kind::kString:
    case Kind::kType: return std::string(value.as_text());
    case Kind::kBytes:
      if (is_utf8(value.as_text())) return std::string(value.as_text());
      return fail(
          Code::kInvalid,
          "could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" to string");
    case Kind::kTimestamp: return format_go_rfc3339_nano(value.as_timestamp());
    case Kind::kDuration: return format_duration_seconds(value.as_duration());
    case Kind::kList: return list_text(value);
    case Kind::kMap: return map_text(value);
    default: return fail(Code::kInvalid, wrong_type({}, value.type_name()));
  }
}

std::string with_group_marks(const std::string& digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  std::string text = digits.substr(0, first);
  for (std::size_t i = first; i < point; ++i) {
    text += digits[i];
    if (i + 1 < point && (point - i - 1) % 3 == 0) text += ',';
  }
  return text + digits.substr(point);
}

std::string superscript(std::string_view exponent) {
  static constexpr std::string_view kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char c : exponent) {
    if (c == '-') text += "⁻";
    if (c >= '0' && c <= '9') text += kDigits[c - '0'];
  }
  return text;
}

std::string special_text(double number) {
  if (std::isnan(number)) return "NaN";
  return number < 0 ? "-∞" : "∞";
}

/// Kubernetes formats with golang.org/x/text, which takes the precision of %e for a width.
std::string double_text(const Clause& clause, double number) {
  const bool is_finite = std::isfinite(number);
  if (clause.letter == 'f') {
    return is_finite ? with_group_marks(go_double_fixed(number, clause.precision)) : special_text(number);
  }
  std::string text = special_text(number);
  if (is_finite) {
    const std::string digits = fmt::format("{:.{}e}", number, kDefaultPrecision);
    const std::size_t exponent = digits.find('e');
    text = digits.substr(0, exponent) + "×10" + superscript(std::string_view(digits).substr(exponent + 1));
  }
  const std::size_t length = count_code_points(text);
  const auto width = static_cast<std::size_t>(clause.precision);
  return length < width ? std::string(width - length, ' ') + text : text;
}

/// Integers are converted by their absolute value, with a sign before it.
std::string integer_text(char letter, bool is_negative, std::uint64_t magnitude) {
  const std::string sign = is_negative ? "-" : "";
  switch (letter) {
    case 'b': return sign + fmt::format("{:b}", magnitude);
    case 'o': return sign + fmt::format("{:o}", magnitude);
    case 'x': return sign + fmt::format("{:x}", magnitude);
    case 'X': return sign + fmt::format("{:X}", magnitude);
    default: return sign + std::to_string(magnitude);
  }
}

std::string hex_bytes(char letter, std::string_view content) {
  std::string text;
  for (const char c : content) {
    const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
    text += letter == 'x' ? fmt::format("{:02x}", byte) : fmt::format("{:02X}", byte);
  }
  return text;
}

std::optional<double> formatted_double(const Value& value) {
  if (value.kind() == Kind::kDouble) return value.as_double();
  if (value.kind() != Kind::kString) return std::nullopt;
  const std::string_view text = value.as_text();
  const bool is_special = text == "NaN" || text == "Infinity" || text == "-Infinity";
  return is_special ? go_parse_double(text) : std::nullopt;
}

Result<std::string> argument_text(const Clause& clause, const Value& value) {
  const char letter = clause.letter;
  if (letter == 's') return value_text(value);
  if (letter == 'f' || letter == 'e') {
    if (const auto number = formatted_double(value)) return double_text(clause, *number);
  } else if (value.kind() == Kind::kInt) {
    const std::int64_t number = value.as_int();
    const auto magnitude = static_cast<std::uint64_t>(number);
    return integer_text(letter, number < 0, number < 0 ? 0 - magnitude : magnitude);
  } else if (value.kind() == Kind::kUint) {
    return integer_text(letter, false, value.as_uint());
  } else if (letter == 'b' && value.kind() == Kind::kBool) {
    return value.as_bool() ? "1" : "0";
  } else if ((letter == 'x' || letter == 'X') &&
             (value.kind() == Kind::kString || value.kind() == Kind::kBytes)) {
    return hex_bytes(letter, value.as_text());
  }
  return fail(Code::kInvalid, wrong_type(clause, value.type_name()));
}

// Before.

bool takes(char letter, TypeKind kind) {
  switch (kind) {
    case TypeKind::kDyn: return true;
    case TypeKind::kInt:
    case TypeKind::kUint: return letter != 'f' && letter != 'e';
    case TypeKind::kDouble: return letter == 's' || letter == 'f' || letter == 'e';
    case TypeKind::kBool: return letter == 's' || letter == 'b';
    case TypeKind::kString: return letter != 'd' && letter != 'b' && letter != 'o';
    case TypeKind::kBytes: return letter == 's' || letter == 'x' || letter == 'X';
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
    case TypeKind::kType:
    case TypeKind::kNull: return letter == 's';
    default: return false;
  }
}

/// The argument, or the part of a literal list or map, that the letter does not take.
std::optional<NodeId> find_wrong_part(const CheckedAst& checked, char letter, NodeId argument) {
  std::vector<NodeId> open = {argument};
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (!takes(letter, checked.types[id].kind())) return id;
    const Node& node = checked.ast->node(id);
    if (letter != 's' || (node.kind != NodeKind::kList && node.kind != NodeKind::kMap)) continue;
    open.insert(open.end(), node.children.rbegin(), node.children.rend());
  }
  return std::nullopt;
}

}  // namespace

Value format_text(std::string_view format, const Value& arguments) {
  const auto text =
      format_all(format, arguments.size(), true, [&arguments](const Clause& clause, std::size_t index) {
        return argument_text(clause, arguments.element(index));
      });
  return text ? Value::string(*text) : Value::error(text.error().message());
}

void validate_format(const CheckedAst& checked, NodeId call, Issues& issues) {
  const Ast& ast = *checked.ast;
  const Node& node = ast.node(call);
  const auto& arguments = ast.node(node.children[1]).children;
  NodeId at = call;
  std::size_t used = 0;
  const auto text =
      format_all(ast.node(node.children[0]).literal.as_text(), arguments.size(), false,
                 [&](const Clause& clause, std::size_t index) -> Result<std::string> {
                   ++used;
                   const auto wrong = find_wrong_part(checked, clause.letter, arguments[index]);
                   if (!wrong) return std::string();
                   at = *wrong;
                   return fail(Code::kInvalid, wrong_type(clause, checked.types[*wrong].name()));
                 });
  if (!text) {
    issues.report(ast.node(at).position, text.error().message());
  } else if (arguments.size() > used) {
    issues.report(ast.node(call).position, "too many arguments supplied to string.format (expected " +
                                               std::to_string(used) + ", got " +
                                               std::to_string(arguments.size()) + ')');
  }
}

}  // namespace klutch::apiserver::cel
