// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/lexer.h"

#include <algorithm>
#include <array>

#include "apiserver/cel/go_text.h"

namespace klutch::apiserver::cel {
namespace {

bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex_char(char c) {
  return is_digit_char(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}
bool is_octal_char(char c) {
  return c >= '0' && c <= '7';
}

}  // namespace

std::string_view token_name(TokenType type) noexcept {
  constexpr std::array<std::string_view, 38> kNames = {
      "<EOF>",   "'=='",     "'!='",   "'in'",    "'<'",        "'<='",          "'>='",    "'>'",
      "'&&'",    "'||'",     "'['",    "']'",     "'{'",        "'}'",           "'('",     "')'",
      "'.'",     "','",      "'-'",    "'!'",     "'?'",        "':'",           "'+'",     "'*'",
      "'/'",     "'%'",      "'true'", "'false'", "'null'",     "WHITESPACE",    "COMMENT", "NUM_FLOAT",
      "NUM_INT", "NUM_UINT", "STRING", "BYTES",   "IDENTIFIER", "ESC_IDENTIFIER"};
  return kNames.at(static_cast<std::size_t>(type));
}

Token Lexer::next() {
  while (byte_ < text_.size()) {
    const Match found = match();
    if (found.end != 0) {
      const Token token{found.type, position_, text_.substr(byte_, found.end - byte_)};
      advance_to(found.end);
      return token;
    }
    // The character at which nothing fits any more is part of what is reported and skipped.
    const std::size_t stuck = std::min(found.stuck_at, text_.size());
    const std::size_t end =
        stuck == text_.size() ? stuck : stuck + first_code_point(text_.substr(stuck)).length;
    problems_.push_back(
        {position_, "token recognition error at: '" + std::string(text_.substr(byte_, end - byte_)) + '\''});
    advance_to(end);
  }
  return {TokenType::kEof, position_, {}};
}

void Lexer::advance_to(std::size_t byte) {
  position_ += static_cast<std::int32_t>(count_code_points(text_.substr(byte_, byte - byte_)));
  byte_ = byte;
}

Lexer::Match Lexer::match() const {
  const char c = text_[byte_];
  if (is_blank(c)) {
    std::size_t end = byte_;
    while (end < text_.size() && is_blank(text_[end])) ++end;
    return {TokenType::kWhitespace, end, end};
  }
  if (is_digit_char(c) || (c == '.' && is_digit_char(at(byte_ + 1)))) return match_number();
  if (c == '"' || c == '\'') return match_string(byte_, false);
  if (is_letter_char(c)) return match_word();
  if (c == '`') return match_escaped_identifier();
  return match_operator();
}

Lexer::Match Lexer::match_operator() const {
  if (text_.substr(byte_).starts_with("//")) {
    const std::size_t end = std::min(text_.find('\n', byte_), text_.size());
    return {TokenType::kComment, end, end};
  }
  struct Operator {
    std::string_view text;
    TokenType type;
  };
  constexpr std::array kOperators = {
      Operator{"==", TokenType::kEquals},     Operator{"!=", TokenType::kNotEquals},
      Operator{"<=", TokenType::kLessEquals}, Operator{">=", TokenType::kGreaterEquals},
      Operator{"&&", TokenType::kLogicalAnd}, Operator{"||", TokenType::kLogicalOr},
      Operator{"<", TokenType::kLess},        Operator{">", TokenType::kGreater},
      Operator{"[", TokenType::kLeftBracket}, Operator{"]", TokenType::kRightBracket},
      Operator{"{", TokenType::kLeftBrace},   Operator{"}", TokenType::kRightBrace},
      Operator{"(", TokenType::kLeftParen},   Operator{")", TokenType::kRightParen},
      Operator{".", TokenType::kDot},         Operator{",", TokenType::kComma},
      Operator{"-", TokenType::kMinus},       Operator{"!", TokenType::kExclamation},
      Operator{"?", TokenType::kQuestion},    Operator{":", TokenType::kColon},
      Operator{"+", TokenType::kPlus},        Operator{"*", TokenType::kStar},
      Operator{"/", TokenType::kSlash},       Operator{"%", TokenType::kPercent},
  };
  for (const Operator& candidate : kOperators) {
    if (text_.substr(byte_).starts_with(candidate.text)) {
      return {candidate.type, byte_ + candidate.text.size(), byte_};
    }
  }
  const char c = text_[byte_];
  const bool begins_operator = c == '=' || c == '&' || c == '|';
  return {TokenType::kEof, 0, begins_operator ? byte_ + 1 : byte_};
}

Lexer::Match Lexer::match_word() const {
  // A prefix of b, r or br before a quote makes a bytes or raw literal; without its end it is an identifier.
  std::size_t quote = byte_;
  const bool is_bytes = at(quote) == 'b' || at(quote) == 'B';
  if (is_bytes) ++quote;
  const bool is_raw = at(quote) == 'r' || at(quote) == 'R';
  if (is_raw) ++quote;
  if (quote > byte_ && (at(quote) == '"' || at(quote) == '\'')) {
    Match literal = match_string(quote, is_raw);
    if (literal.end != 0) {
      if (is_bytes) literal.type = TokenType::kBytes;
      return literal;
    }
  }
  std::size_t end = byte_;
  while (is_letter_char(at(end)) || is_digit_char(at(end))) ++end;
  const std::string_view word = text_.substr(byte_, end - byte_);
  TokenType type = TokenType::kIdentifier;
  if (word == "in") type = TokenType::kIn;
  if (word == "true") type = TokenType::kTrue;
  if (word == "false") type = TokenType::kFalse;
  if (word == "null") type = TokenType::kNull;
  return {type, end, end};
}

Lexer::Match Lexer::match_number() const {
  const auto digits_from = [this](std::size_t byte) {
    while (is_digit_char(at(byte))) ++byte;
    return byte;
  };
  std::size_t end = digits_from(byte_);
  TokenType type = TokenType::kInt;
  if (text_.substr(byte_).starts_with("0x") && is_hex_char(at(byte_ + 2))) {
    end = byte_ + 2;
    while (is_hex_char(at(end))) ++end;
  } else {
    if (at(end) == '.' && is_digit_char(at(end + 1))) {
      type = TokenType::kFloat;
      end = digits_from(end + 1);
    }
    if (at(end) == 'e' || at(end) == 'E') {
      const std::size_t exponent = at(end + 1) == '+' || at(end + 1) == '-' ? end + 2 : end + 1;
      if (is_digit_char(at(exponent))) {
        type = TokenType::kFloat;
        end = digits_from(exponent);
      }
    }
  }
  if (type == TokenType::kInt && (at(end) == 'u' || at(end) == 'U'))
    return {TokenType::kUint, end + 1, end + 1};
  return {type, end, end};
}

Lexer::Match Lexer::match_escaped_identifier() const {
  std::size_t end = byte_ + 1;
  const auto fits = [](char c) {
    return is_letter_char(c) || is_digit_char(c) || c == '.' || c == '-' || c == '/' || c == ' ';
  };
  while (end < text_.size() && fits(text_[end])) ++end;
  if (end > byte_ + 1 && at(end) == '`') return {TokenType::kEscapedIdentifier, end + 1, end + 1};
  return {TokenType::kEof, 0, end};
}

Lexer::Match Lexer::match_string(std::size_t begin, bool raw) const {
  const char quote = text_[begin];
  if (at(begin + 1) == quote && at(begin + 2) == quote) {
    const Match long_string = match_long_string(begin, raw);
    if (long_string.end != 0) return long_string;
    return {TokenType::kString, begin + 2, begin + 2};  // the empty string, followed by something else
  }
  std::size_t byte = begin + 1;
  while (byte < text_.size()) {
    const char c = text_[byte];
    if (c == quote) return {TokenType::kString, byte + 1, byte + 1};
    if (c == '\n' || c == '\r') break;
    if (c != '\\' || raw) {
      ++byte;
      continue;
    }
    std::size_t stuck_at = 0;
    const std::size_t end = match_escape(byte, stuck_at);
    if (end == 0) return {TokenType::kEof, 0, stuck_at};
    byte = end;
  }
  return {TokenType::kEof, 0, byte};
}

Lexer::Match Lexer::match_long_string(std::size_t begin, bool raw) const {
  const std::string_view quotes = text_.substr(begin, 3);
  std::size_t byte = begin + 3;
  while (byte < text_.size()) {
    if (text_.substr(byte).starts_with(quotes)) return {TokenType::kString, byte + 3, byte + 3};
    if (text_[byte] != '\\' || raw) {
      ++byte;
      continue;
    }
    std::size_t stuck_at = 0;
    byte = match_escape(byte, stuck_at);
    if (byte == 0) break;
  }
  return {};
}

std::size_t Lexer::match_escape(std::size_t byte, std::size_t& stuck_at) const {
  const char c = at(byte + 1);
  std::size_t end = byte + 2;
  if (byte + 1 < text_.size() && std::string_view("abfnrtv\"'\\?`").find(c) != std::string_view::npos)
    return end;
  const auto take = [&](std::size_t count, bool (*fits)(char)) {
    for (std::size_t i = 0; i < count; ++i, ++end) {
      if (!fits(at(end))) {
        stuck_at = end;
        return std::size_t{0};
      }
    }
    return end;
  };
  if (c == 'x' || c == 'X') return take(2, is_hex_char);
  if (c == 'u') return take(4, is_hex_char);
  if (c == 'U') return take(8, is_hex_char);
  if (c >= '0' && c <= '3') return take(2, is_octal_char);
  stuck_at = byte + 1;
  return 0;
}

}  // namespace klutch::apiserver::cel
