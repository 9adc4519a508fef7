// SPDX-License-Identifier: Apache-2.0
#include "json/yaml_scalar.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "json/number.h"

namespace klutch::json::detail {
namespace {

constexpr std::string_view kYamlTag = "tag:yaml.org,2002:";

bool is_ascii_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_sign(char c) noexcept {
  return c == '+' || c == '-';
}

struct Word {
  std::string_view text;
  ScalarType type;
  bool truth = false;
};

constexpr std::array kWords = std::to_array<Word>({
    {"y", ScalarType::kBool, true},    {"Y", ScalarType::kBool, true},    {"yes", ScalarType::kBool, true},
    {"Yes", ScalarType::kBool, true},  {"YES", ScalarType::kBool, true},  {"true", ScalarType::kBool, true},
    {"True", ScalarType::kBool, true}, {"TRUE", ScalarType::kBool, true}, {"on", ScalarType::kBool, true},
    {"On", ScalarType::kBool, true},   {"ON", ScalarType::kBool, true},   {"n", ScalarType::kBool},
    {"N", ScalarType::kBool},          {"no", ScalarType::kBool},         {"No", ScalarType::kBool},
    {"NO", ScalarType::kBool},         {"false", ScalarType::kBool},      {"False", ScalarType::kBool},
    {"FALSE", ScalarType::kBool},      {"off", ScalarType::kBool},        {"Off", ScalarType::kBool},
    {"OFF", ScalarType::kBool},        {"", ScalarType::kNull},           {"~", ScalarType::kNull},
    {"null", ScalarType::kNull},       {"Null", ScalarType::kNull},       {"NULL", ScalarType::kNull},
    {".nan", ScalarType::kNotFinite},  {".NaN", ScalarType::kNotFinite},  {".NAN", ScalarType::kNotFinite},
    {".inf", ScalarType::kNotFinite},  {".Inf", ScalarType::kNotFinite},  {".INF", ScalarType::kNotFinite},
    {"+.inf", ScalarType::kNotFinite}, {"+.Inf", ScalarType::kNotFinite}, {"+.INF", ScalarType::kNotFinite},
    {"-.inf", ScalarType::kNotFinite}, {"-.Inf", ScalarType::kNotFinite}, {"-.INF", ScalarType::kNotFinite},
});

const Word* find_word(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 5;
  if (text.size() > kLongest) return nullptr;
  for (const Word& word : kWords) {
    if (word.text == text) return &word;
  }
  return nullptr;
}

/// Takes 0x, 0o, 0b or the bare 0 of old octal numbers off `digits` and returns the base they announce.
int take_base(std::string_view& digits) noexcept {
  if (!digits.starts_with('0')) return 10;
  const char mark = digits.size() > 2 ? static_cast<char>(digits[1] | 0x20) : '\0';
  const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  digits.remove_prefix(base != 0 ? 2 : 1);
  return base != 0 ? base : 8;
}

/// An integer in any notation, or nothing when it is none or fits neither int64 nor (unsigned) uint64.
std::optional<Value> read_integer(std::string_view text) {
  const bool has_sign = !text.empty() && is_sign(text.front());
  const bool negative = has_sign && text.front() == '-';
  if (has_sign) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  const int base = take_base(text);
  std::uint64_t magnitude = 0;
  if (!text.empty()) {
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
    if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  }
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (negative) {
    if (magnitude > kMax + 1) return std::nullopt;
    return Value(static_cast<std::int64_t>(~magnitude + 1));
  }
  if (magnitude > kMax && has_sign) return std::nullopt;
  return Value(magnitude);
}

/// Moves the digits at the front of `text` to `out`; how many there were.
std::size_t move_digits(std::string_view& text, std::string& out) {
  std::size_t count = 0;
  while (count < text.size() && is_ascii_digit(text[count])) ++count;
  out.append(text.substr(0, count));
  text.remove_prefix(count);
  return count;
}

/// A decimal number with optional point and exponent. YAML allows what JSON does not (+1, .5, 5., 08), so it
/// is rewritten to the grammar of JSON first. Nothing when it is none or too large for a double.
std::optional<Value> read_decimal(std::string_view text) {
  std::string number;
  if (!text.empty() && is_sign(text.front())) {
    if (text.front() == '-') number = "-";
    text.remove_prefix(1);
  }
  const bool has_whole = !text.empty() && is_ascii_digit(text.front());
  while (text.size() > 1 && text[0] == '0' && is_ascii_digit(text[1])) text.remove_prefix(1);
  if (move_digits(text, number) == 0) number += '0';
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    number += '.';
    if (move_digits(text, number) == 0) {
      if (!has_whole) return std::nullopt;
      number += '0';
    }
  } else if (!has_whole) {
    return std::nullopt;
  }
  if (!text.empty()) {
    if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
    text.remove_prefix(1);
    number += 'e';
    if (!text.empty() && is_sign(text.front())) {
      number += text.front();
      text.remove_prefix(1);
    }
    if (move_digits(text, number) == 0 || !text.empty()) return std::nullopt;
  }
  const std::optional<Value> value = read_number(number);
  if (!value) return std::nullopt;
  return Value(value->to_double());
}

std::string_view not_finite_text(std::string_view word) noexcept {
  if (word[1] == 'n' || word[1] == 'N') return ".nan";
  return word.front() == '-' ? "-.inf" : ".inf";
}

/// Go's rule for underscores in numbers that begin with a point.
bool underscores_stand_between_digits(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    if (i == 0 || i + 1 == text.size() || !is_ascii_digit(text[i - 1]) || !is_ascii_digit(text[i + 1]))
      return false;
  }
  return true;
}

std::string without_underscores(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (const char c : text) {
    if (c != '_') plain += c;
  }
  return plain;
}

Scalar as_string(std::string_view text) {
  return {ScalarType::kString, Value(text)};
}

Scalar resolve_number(std::string_view text) {
  const std::string plain = without_underscores(text);
  if (std::optional<Value> integer = read_integer(plain)) return {ScalarType::kInt, *std::move(integer)};
  if (std::optional<Value> number = read_decimal(plain)) return {ScalarType::kFloat, *std::move(number)};
  return as_string(text);
}

/// Steps through a text from left to right; every take_ answers whether it found what it wanted.
class Cursor {
 public:
  explicit Cursor(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  bool take(char wanted) noexcept {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_number(std::size_t min_digits, std::size_t max_digits, int low, int high, int& number) noexcept {
    std::size_t count = 0;
    number = 0;
    while (count < max_digits && count < rest_.size() && is_ascii_digit(rest_[count])) {
      number = number * 10 + (rest_[count++] - '0');
    }
    rest_.remove_prefix(count);
    return count >= min_digits && number >= low && number <= high;
  }
  void skip_spaces() noexcept {
    while (take(' ')) {
    }
  }
  void skip_fraction() noexcept {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_ascii_digit(rest_[1])) return;
    rest_.remove_prefix(2);
    while (!rest_.empty() && is_ascii_digit(rest_.front())) rest_.remove_prefix(1);
  }

 private:
  std::string_view rest_;
};

int days_in(int year, int month) noexcept {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

bool take_zone(Cursor& cursor) noexcept {
  if (cursor.take('Z')) return true;
  int ignored = 0;
  return (cursor.take('+') || cursor.take('-')) && cursor.take_number(2, 2, 0, 24, ignored) &&
         cursor.take(':') && cursor.take_number(2, 2, 0, 60, ignored);
}

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const std::size_t digit = kAlphabet.find(c);
    if (c == '=') {
      ++padding;
    } else if (digit == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    bits = bits << 6 | (c == '=' ? 0U : static_cast<std::uint32_t>(digit));
    if (++count % 4 != 0) continue;
    for (int shift = 16; shift >= 8 * padding && shift >= 0; shift -= 8) {
      out += static_cast<char>(bits >> shift & 0xff);
    }
    bits = 0;
  }
  if (count % 4 != 0 || padding > 2) return std::nullopt;
  return out;
}

Result<Value> resolve_binary(std::string_view text) {
  const std::optional<std::string> data = decode_base64(text);
  if (!data) return fail(Code::kBadRequest, "!!binary data is not base64");
  if (!is_utf8(*data)) return fail(Code::kBadRequest, "!!binary data is not UTF-8 text; JSON cannot hold it");
  return Value(*data);
}

tl::unexpected<Error> does_not_fit(std::string_view text, std::string_view type) {
  return fail(Code::kBadRequest,
              "cannot read \"" + std::string(text.substr(0, 40)) + "\" as !!" + std::string(type));
}

template <class Float>
void append_general_digits(std::string& out, Float number) {
  std::array<char, kDoubleBytes> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t mark = scientific.find('e');
  int exponent = 0;
  const char* digits = scientific.data() + mark + 1;
  std::from_chars(digits + (*digits == '+' ? 1 : 0), written.ptr, exponent);
  if (exponent < -4 || exponent >= 6) {
    out += scientific;  // both Go and C++ write at least two digits of the exponent, with its sign
    return;
  }
  std::array<char, kDoubleBytes> fixed{};
  const auto end = std::to_chars(fixed.data(), fixed.data() + fixed.size(), number, std::chars_format::fixed);
  out.append(fixed.data(), end.ptr);
}

}  // namespace

bool looks_like_timestamp(std::string_view text) noexcept {
  Cursor cursor(text);
  int year = 0;
  int month = 0;
  int day = 0;
  int ignored = 0;
  const bool date = cursor.take_number(4, 4, 0, 9999, year) && cursor.take('-') &&
                    cursor.take_number(1, 2, 1, 12, month) && cursor.take('-') &&
                    cursor.take_number(1, 2, 1, 31, day) && day <= days_in(year, month);
  if (!date || cursor.at_end()) return date;
  const bool has_zone = cursor.take('T') || cursor.take('t');
  if (!has_zone && !cursor.take(' ')) return false;
  if (!has_zone) cursor.skip_spaces();
  const bool time = cursor.take_number(1, 2, 0, 23, ignored) && cursor.take(':') &&
                    cursor.take_number(1, 2, 0, 59, ignored) && cursor.take(':') &&
                    cursor.take_number(1, 2, 0, 59, ignored);
  if (!time) return false;
  cursor.skip_fraction();
  return (!has_zone || take_zone(cursor)) && cursor.at_end();
}

bool looks_sexagesimal(std::string_view text) noexcept {
  std::size_t i = !text.empty() && is_sign(text.front()) ? 1 : 0;
  if (i >= text.size() || !is_ascii_digit(text[i])) return false;
  while (i < text.size() && (is_ascii_digit(text[i]) || text[i] == '_')) ++i;
  std::size_t groups = 0;
  for (; i < text.size() && text[i] == ':'; ++groups) {
    const std::size_t start = ++i;
    while (i < text.size() && i < start + 2 && is_ascii_digit(text[i])) ++i;
    if (i == start || (i == start + 2 && text[start] > '5')) return false;
  }
  if (groups == 0) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && (is_ascii_digit(text[i]) || text[i] == '_')) ++i;
  }
  return i == text.size();
}

Scalar resolve_plain(std::string_view text) {
  if (const Word* word = find_word(text)) {
    switch (word->type) {
      case ScalarType::kBool: return {word->type, Value(word->truth)};
      case ScalarType::kNotFinite: return {word->type, Value(not_finite_text(text))};
      default: return {word->type, Value()};
    }
  }
  const char first = text.front();
  if (first == '.') {
    std::optional<Value> number;
    if (underscores_stand_between_digits(text)) number = read_decimal(without_underscores(text));
    return number ? Scalar{ScalarType::kFloat, *std::move(number)} : as_string(text);
  }
  if (!is_ascii_digit(first) && !is_sign(first)) return as_string(text);
  if (looks_like_timestamp(text)) return {ScalarType::kTimestamp, Value(text)};
  return resolve_number(text);
}

Result<Value> resolve_tagged(std::string_view tag, std::string_view text) {
  if (!tag.starts_with(kYamlTag)) return Value(text);
  const std::string_view type = tag.substr(kYamlTag.size());
  if (type == "binary") return resolve_binary(text);
  const bool resolvable =
      type == "null" || type == "bool" || type == "int" || type == "float" || type == "timestamp";
  if (!resolvable) return Value(text);

  Scalar scalar = resolve_plain(text);
  switch (scalar.type) {
    case ScalarType::kNull:
      if (type == "null") return Value();
      break;
    case ScalarType::kBool:
      if (type == "bool") return std::move(scalar.value);
      break;
    case ScalarType::kInt:
      if (type == "int") return std::move(scalar.value);
      if (type == "float" && scalar.value.is_int()) return Value(scalar.value.to_double());
      break;
    case ScalarType::kFloat:
      if (type == "float") return std::move(scalar.value);
      break;
    case ScalarType::kTimestamp:
      if (type == "timestamp") return std::move(scalar.value);
      break;
    case ScalarType::kNotFinite:
    case ScalarType::kString: break;
  }
  return does_not_fit(text, type);
}

Result<std::string> key_text(const Value& key) {
  switch (key.kind()) {
    case Kind::kString: return std::string(key.as_string());
    case Kind::kBool: return std::string(key.as_bool() ? "true" : "false");
    case Kind::kInt: return std::to_string(key.as_int());
    case Kind::kDouble: {
      const auto single = static_cast<float>(key.as_double());  // 32 bits: what Kubernetes' tools do
      if (std::isinf(single)) return std::string(single > 0 ? ".inf" : "-.inf");
      std::string text;
      append_general(text, single);
      return text;
    }
    default: return fail(Code::kBadRequest, "a mapping key cannot be " + std::string(kind_name(key.kind())));
  }
}

void append_general(std::string& out, double number) {
  append_general_digits(out, number);
}

void append_general(std::string& out, float number) {
  append_general_digits(out, number);
}

}  // namespace klutch::json::detail
