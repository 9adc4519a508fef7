// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/cel/token.h"

// Cuts the text of an expression into tokens: always the longest one that fits, as the generated lexer of
// cel-go does. What fits nothing is reported and skipped, at the place where that lexer would give up.
// Internal.

namespace klutch::apiserver::cel {

class Lexer {
 public:
  /// `text` must outlive the tokens.
  explicit Lexer(std::string_view text) : text_(text) {}

  /// The next token, hidden ones included; kEof at the end, again and again.
  Token next();

  struct Problem {
    std::int32_t position;
    std::string message;
  };
  /// What was skipped so far.
  [[nodiscard]] const std::vector<Problem>& problems() const noexcept { return problems_; }

 private:
  struct Match {
    TokenType type = TokenType::kEof;
    std::size_t end = 0;       ///< Byte after the longest token; 0 when there is none.
    std::size_t stuck_at = 0;  ///< Byte at which no token could go on.
  };

  [[nodiscard]] char at(std::size_t byte) const noexcept { return byte < text_.size() ? text_[byte] : '\0'; }
  [[nodiscard]] Match match() const;
  [[nodiscard]] Match match_operator() const;
  [[nodiscard]] Match match_word() const;
  [[nodiscard]] Match match_number() const;
  [[nodiscard]] Match match_escaped_identifier() const;
  [[nodiscard]] Match match_string(std::size_t begin, bool raw) const;
  [[nodiscard]] Match match_long_string(std::size_t begin, bool raw) const;
  /// The byte after the escape sequence at `byte`, or 0; `stuck_at` is where it stops fitting.
  [[nodiscard]] std::size_t match_escape(std::size_t byte, std::size_t& stuck_at) const;
  void advance_to(std::size_t byte);

  std::string_view text_;
  std::size_t byte_ = 0;
  std::int32_t position_ = 0;
  std::vector<Problem> problems_;
};

}  // namespace klutch::apiserver::cel
