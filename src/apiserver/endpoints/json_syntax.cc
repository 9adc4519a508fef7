// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/json_syntax.h"

#include <vector>

namespace klutch::apiserver {
namespace {

/// A byte as Go shows it: as the code point of that number, quoted.
std::string quoted_byte(unsigned char byte) {
  switch (byte) {
    case '\'': return R"('\'')";
    case '\\': return R"('\\')";
    case '\a': return R"('\a')";
    case '\b': return R"('\b')";
    case '\f': return R"('\f')";
    case '\n': return R"('\n')";
    case '\r': return R"('\r')";
    case '\t': return R"('\t')";
    case '\v': return R"('\v')";
    default: break;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (byte < 0x20 || byte == 0x7f) {
    return std::string("'\\x") + kDigits[byte >> 4U] + kDigits[byte & 15U] + "'";
  }
  // Soft hyphen, no-break space and the second half of the control characters do not print.
  if ((byte >= 0x80 && byte <= 0xa0) || byte == 0xad) {
    return std::string("'\\u00") + kDigits[byte >> 4U] + kDigits[byte & 15U] + "'";
  }
  if (byte < 0x80) return std::string("'") + static_cast<char>(byte) + "'";
  std::string text = "'";
  text += static_cast<char>(0xc0U | (byte >> 6U));
  text += static_cast<char>(0x80U | (byte & 0x3fU));
  return text + "'";
}

class SyntaxScanner {
 public:
  explicit SyntaxScanner(std::string_view text) : text_(text) {}

  std::string run() {
    do {
      if (!step()) return message_;
    } while (!open_.empty() || expected_ != Expected::kNext);
    skip_space();
    if (!at_end()) wrong("after top-level value");
    return message_;
  }

 private:
  enum class Expected { kValue, kMember, kNext };

  bool step() {
    switch (expected_) {
      case Expected::kValue: return read_value();
      case Expected::kMember: return read_member();
      case Expected::kNext: return read_next();
    }
    return false;
  }
  bool expect(Expected expected) {
    expected_ = expected;
    return true;
  }

  [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
  [[nodiscard]] char current() const { return text_[position_]; }
  void skip_space() {
    while (!at_end() && (current() == ' ' || current() == '\t' || current() == '\r' || current() == '\n')) {
      ++position_;
    }
  }

  bool wrong(std::string_view where) {
    message_ = "invalid character " + quoted_byte(static_cast<unsigned char>(current())) + " ";
    message_ += where;
    return false;
  }
  bool ended() {
    message_ = "unexpected end of JSON input";
    return false;
  }
  /// Where a token is cut off Go reports the space that it puts behind the text.
  bool wrong_or_cut(std::string_view where) {
    if (!at_end()) return wrong(where);
    message_ = "invalid character ' ' ";
    message_ += where;
    return false;
  }

  /// Reads a value, or opens an array or object.
  bool read_value() {
    skip_space();
    if (at_end()) return ended();
    expected_ = Expected::kNext;
    switch (current()) {
      case '{': return open_object();
      case '[': return open_array();
      case '"': return read_string();
      case 't': return read_literal("true");
      case 'f': return read_literal("false");
      case 'n': return read_literal("null");
      default: break;
    }
    if (current() == '-' || is_digit()) return read_number();
    return wrong("looking for beginning of value");
  }

  bool open_array() {
    ++position_;
    open_.push_back('[');
    skip_space();
    if (!at_end() && current() == ']') return close();
    return expect(Expected::kValue);
  }

  bool open_object() {
    ++position_;
    open_.push_back('{');
    skip_space();
    if (!at_end() && current() == '}') return close();
    return expect(Expected::kMember);
  }

  bool read_member() {
    skip_space();
    if (at_end()) return ended();
    if (current() != '"') return wrong("looking for beginning of object key string");
    if (!read_string()) return false;
    skip_space();
    if (at_end()) return ended();
    if (current() != ':') return wrong("after object key");
    ++position_;
    return expect(Expected::kValue);
  }

  bool close() {
    ++position_;
    open_.pop_back();
    return true;
  }

  /// What follows a value within an array or object.
  bool read_next() {
    skip_space();
    if (at_end()) return ended();
    const bool in_array = open_.back() == '[';
    if (current() == (in_array ? ']' : '}')) return close();
    if (current() != ',') return wrong(in_array ? "after array element" : "after object key:value pair");
    ++position_;
    return expect(in_array ? Expected::kValue : Expected::kMember);
  }

  bool read_literal(std::string_view literal) {
    for (std::size_t i = 1; i < literal.size(); ++i) {
      ++position_;
      if (!at_end() && current() == literal[i]) continue;
      return wrong_or_cut("in literal " + std::string(literal) + " (expecting '" + literal[i] + "')");
    }
    ++position_;
    return true;
  }

  [[nodiscard]] bool is_digit() const { return !at_end() && current() >= '0' && current() <= '9'; }
  void skip_digits() {
    while (is_digit()) ++position_;
  }

  bool read_number() {
    if (current() == '-') ++position_;
    if (!is_digit()) return wrong_or_cut("in numeric literal");
    if (current() == '0') {
      ++position_;
    } else {
      skip_digits();
    }
    if (!at_end() && current() == '.') {
      ++position_;
      if (!is_digit()) return wrong_or_cut("after decimal point in numeric literal");
      skip_digits();
    }
    if (!at_end() && (current() == 'e' || current() == 'E')) {
      ++position_;
      if (!at_end() && (current() == '+' || current() == '-')) ++position_;
      if (!is_digit()) return wrong_or_cut("in exponent of numeric literal");
      skip_digits();
    }
    return true;
  }

  bool read_string() {
    for (++position_; !at_end(); ++position_) {
      if (current() == '"') {
        ++position_;
        return true;
      }
      if (static_cast<unsigned char>(current()) < 0x20) return wrong("in string literal");
      if (current() == '\\' && !read_escape()) return false;
    }
    return ended();
  }

  /// Ends on the last character of the escape.
  bool read_escape() {
    ++position_;
    constexpr std::string_view kSimple = "bfnrt\\/\"";
    if (at_end()) return wrong_or_cut("in string escape code");
    if (kSimple.find(current()) != std::string_view::npos) return true;
    if (current() != 'u') return wrong("in string escape code");
    for (int i = 0; i < 4; ++i) {
      ++position_;
      constexpr std::string_view kHex = "0123456789abcdefABCDEF";
      if (at_end() || kHex.find(current()) == std::string_view::npos) {
        return wrong_or_cut("in \\u hexadecimal character escape");
      }
    }
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::vector<char> open_;
  Expected expected_ = Expected::kValue;
  std::string message_;
};

}  // namespace

std::string go_json_syntax_error(std::string_view text) {
  return SyntaxScanner(text).run();
}

}  // namespace klutch::apiserver
