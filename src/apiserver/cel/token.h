// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

// Tokens of the CEL grammar, numbered as in the grammar file of cel-spec (CEL.g4), because messages list what
// was expected in that order. Internal to the library.

namespace klutch::apiserver::cel {

enum class TokenType : std::uint8_t {
  kEof = 0,
  kEquals,
  kNotEquals,
  kIn,
  kLess,
  kLessEquals,
  kGreaterEquals,
  kGreater,
  kLogicalAnd,
  kLogicalOr,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kLeftParen,
  kRightParen,
  kDot,
  kComma,
  kMinus,
  kExclamation,
  kQuestion,
  kColon,
  kPlus,
  kStar,
  kSlash,
  kPercent,
  kTrue,
  kFalse,
  kNull,
  kWhitespace,
  kComment,
  kFloat,
  kInt,
  kUint,
  kString,
  kBytes,
  kIdentifier,
  kEscapedIdentifier,
};

/// As messages spell it: "'=='", "<EOF>", "IDENTIFIER".
std::string_view token_name(TokenType type) noexcept;

struct Token {
  TokenType type = TokenType::kEof;
  std::int32_t position = 0;  ///< Of its first code point.
  std::string_view text = {};

  /// White space and comments, which the grammar does not see.
  [[nodiscard]] bool is_hidden() const noexcept {
    return type == TokenType::kWhitespace || type == TokenType::kComment;
  }
};

}  // namespace klutch::apiserver::cel
