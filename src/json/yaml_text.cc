// SPDX-License-Identifier: Apache-2.0
#include "json/yaml_text.h"

#include <algorithm>

#include "base/strings.h"
#include "json/yaml_scalar.h"

namespace klutch::json::detail {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kNextLine = "\xc2\x85";
constexpr std::string_view kLineSeparator = "\xe2\x80\xa8";
constexpr std::string_view kParagraphSeparator = "\xe2\x80\xa9";

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

bool is_one_of(char c, std::string_view set) noexcept {
  return set.find(c) != std::string_view::npos;
}

/// Whether the valid `character` may stand unescaped. Those above U+FFFF may not in Kubernetes' tools.
bool is_printable(std::string_view character) noexcept {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first == '\n' || (first >= 0x20 && first <= 0x7e);
  if (character.size() == 2) return first != 0xc2 || static_cast<unsigned char>(character[1]) >= 0xa0;
  if (character.size() == 4) return false;
  return character != kByteOrderMark && character != "\xef\xbf\xbe" && character != "\xef\xbf\xbf";
}

/// What a text contains, as far as it matters for its style.
struct Traits {
  bool has_break = false;
  bool has_unprintable = false;
  bool has_indicator = false;  ///< Something that has a meaning in block style.
  bool starts_blank = false;   ///< With a space or line break.
  bool ends_blank = false;
  bool ends_with_space = false;
  bool space_after_break = false;
  bool space_before_break = false;
};

/// Whether the character at `i` would be taken for YAML's own.
bool is_indicator(std::string_view text, std::size_t i, bool after_white_space) noexcept {
  const bool before_white_space =
      i + 1 >= text.size() || is_blank(text[i + 1]);  // line breaks rule out plain style anyway
  const char c = text[i];
  if (c == ':') return before_white_space;
  if (i > 0) return c == '#' && after_white_space;
  return is_one_of(c, "#,[]{}&*!|>'\"%@`") || (is_one_of(c, "?-") && before_white_space);
}

Traits examine(std::string_view text) noexcept {
  Traits traits;
  traits.has_indicator = text.starts_with("---") || text.starts_with("...");
  bool after_space = false;
  bool after_break = false;
  bool after_white_space = true;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const std::size_t length = utf8_length(rest);
    const bool space = rest.front() == ' ';
    const bool line_break = break_length(rest) != 0;
    const bool is_last = i + length == text.size();
    traits.has_indicator |= is_indicator(text, i, after_white_space);
    traits.has_unprintable |= !is_printable(rest.substr(0, length));
    traits.has_break |= line_break;
    traits.starts_blank |= i == 0 && (space || line_break);
    traits.ends_blank |= is_last && (space || line_break);
    traits.ends_with_space |= is_last && space;
    traits.space_after_break |= space && after_break;
    traits.space_before_break |= line_break && after_space;
    after_space = space;
    after_break = line_break;
    after_white_space = is_blank(rest.front()) || line_break || rest.front() == '\0';
    i += length;
  }
  return traits;
}

char short_escape(std::string_view character) noexcept {
  if (character == kNextLine) return 'N';
  if (character == "\xc2\xa0") return '_';
  if (character == kLineSeparator) return 'L';
  if (character == kParagraphSeparator) return 'P';
  switch (character.front()) {
    case '\0': return '0';
    case '\a': return 'a';
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\v': return 'v';
    case '\f': return 'f';
    case '\r': return 'r';
    case '\x1b': return 'e';
    case '"': return '"';
    case '\\': return '\\';
    default: return '\0';
  }
}

char32_t code_point(std::string_view character) noexcept {
  char32_t code = static_cast<unsigned char>(character.front());
  if (character.size() > 1) code &= 0x7fU >> character.size();
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3fU);
  return code;
}

}  // namespace

std::size_t break_length(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (text.front() == '\n' || text.front() == '\r') return 1;
  if (text.starts_with(kNextLine)) return kNextLine.size();
  return text.starts_with(kLineSeparator) || text.starts_with(kParagraphSeparator) ? kLineSeparator.size()
                                                                                   : 0;
}

TextStyle choose_style(std::string_view text, TextPlace place) {
  const Traits traits = examine(text);
  const bool cannot_quote_singly =
      traits.space_after_break || traits.space_before_break || traits.has_unprintable;
  const bool is_string = resolve_plain(text).type == ScalarType::kString && !looks_sexagesimal(text);
  const bool has_newline = text.find('\n') != std::string_view::npos;

  if (place == TextPlace::kSimpleKey && (traits.has_break || text == "<<")) return TextStyle::kDoubleQuoted;
  if (has_newline) {
    const bool no_block = traits.ends_with_space || traits.space_before_break || traits.has_unprintable;
    return no_block ? TextStyle::kDoubleQuoted : TextStyle::kLiteral;
  }
  if (!is_string) return TextStyle::kDoubleQuoted;
  const bool plain = !traits.starts_blank && !traits.ends_blank && !traits.has_break &&
                     !traits.has_indicator && !cannot_quote_singly;
  if (plain) return TextStyle::kPlain;
  return cannot_quote_singly ? TextStyle::kDoubleQuoted : TextStyle::kSingleQuoted;
}

bool fits_simple_key(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 128;
  return text.size() <= kLongest && !examine(text).has_break;
}

std::string literal_indicators(std::string_view text) {
  std::string indicators;
  if (text.front() == ' ' || break_length(text) != 0) indicators += '2';
  const bool ends_with_break =
      text.ends_with('\n') || text.ends_with(kLineSeparator) || text.ends_with(kParagraphSeparator);
  if (!ends_with_break) return indicators + '-';
  const std::string_view before =
      text.substr(0, text.size() - (text.ends_with('\n') ? 1 : kLineSeparator.size()));
  const bool ends_with_two = before.empty() || before.ends_with('\n') || before.ends_with(kLineSeparator) ||
                             before.ends_with(kParagraphSeparator);
  return ends_with_two ? indicators + '+' : indicators;
}

bool needs_escape(std::string_view text) noexcept {
  return !is_printable(text.substr(0, utf8_length(text))) || break_length(text) != 0 ||
         is_one_of(text.front(), "\"\\");
}

std::string escape_of(std::string_view character) {
  std::string escape = "\\";
  if (const char letter = short_escape(character); letter != '\0') return escape + letter;
  const char32_t code = code_point(character);
  const int digits = code <= 0xff ? 2 : code <= 0xffff ? 4 : 8;
  escape += digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    escape += "0123456789ABCDEF"[code >> shift & 0xf];
  return escape;
}

bool starts_with_byte_order_mark(std::string_view text) noexcept {
  return text.starts_with(kByteOrderMark);
}

}  // namespace klutch::json::detail
