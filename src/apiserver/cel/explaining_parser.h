// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/cel/grammar.h"
#include "apiserver/cel/lexer.h"
#include "apiserver/cel/prediction.h"
#include "apiserver/cel/source.h"

// Reads an expression the way the parser that ANTLR generated for cel-go does, mistakes included: it reports
// what was expected, recovers, goes on, and leaves a tree with gaps. Keeps its own stack. Internal.

namespace klutch::apiserver::cel::grammar {

/// A piece of text that a rule recognised, perhaps in part.
struct Piece {
  static constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);

  Rule rule = Rule::kStart;
  Shape shape = Shape::kPlain;
  std::uint32_t parent = kNone;
  /// Where in the grammar the rule was called from; the start rule was not called.
  StateId called_from = 0;
  std::size_t first_token = 0;
  struct Part {
    Label label;
    bool is_token;
    std::uint32_t index;  ///< Of a token or a piece.
  };
  std::vector<Part> parts = {};

  /// The part `nth` with this label, or kNone.
  [[nodiscard]] std::uint32_t find(Label label, std::size_t nth = 0) const noexcept;
  [[nodiscard]] std::size_t count(Label label) const noexcept;
};

class ExplainingParser : private TokenSource {
 public:
  ExplainingParser(const Source& source, Issues& issues);

  /// False when it gave up; then there is nothing to be read from the tree.
  bool parse();

  [[nodiscard]] const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  [[nodiscard]] const Token& token(std::uint32_t index) const {
    return index < kFirstInvented ? tokens_[index] : invented_[index - kFirstInvented];
  }

 private:
  /// Tokens that are missing from the text and were made up have numbers from here on.
  static constexpr std::uint32_t kFirstInvented = 1U << 30;
  static constexpr std::uint32_t kNoToken = static_cast<std::uint32_t>(-1);
  static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

  /// A rule that is being parsed.
  struct Call {
    Rule rule;
    std::uint16_t step = 0;
    std::uint32_t piece = 0;
    int precedence = 0;
    Label label = Label::kNone;  ///< What the result is to the caller.
  };
  enum class Failure : std::uint8_t { kNone, kMismatch, kNoViable };

  // Tokens.
  [[nodiscard]] TokenType type_at(std::size_t ahead) override;
  [[nodiscard]] std::size_t index_at(std::size_t ahead);
  void fetch_until(std::size_t index);
  void consume();
  [[nodiscard]] TokenType next_type() { return type_at(0); }
  [[nodiscard]] std::string text_between(std::size_t first, std::size_t last) const;

  // Steps.
  bool run();
  void do_step(const Step& step);
  void enter(Rule rule, int precedence, StateId called_from, Label label);
  void leave();
  void push_piece(Shape shape);
  void match(const Step& step);
  void predict(const Step& step);
  void add_part(Label label, bool is_token, std::size_t index);

  // Mistakes, named as in ANTLR's DefaultErrorStrategy.
  void sync(StateId state);
  void fail_rule();
  void recover();
  std::uint32_t recover_inline();
  std::uint32_t single_token_deletion();
  bool single_token_insertion();
  std::uint32_t missing_token();
  bool may_recover();
  void end_recovery();
  void consume_until(TokenSet set);
  void report_unwanted_token();
  void report_failure();
  void report_syntax(std::int32_t position, std::string message);
  void give_up(std::string message);
  void fail_with_mismatch();
  [[nodiscard]] std::string token_display(std::size_t index) const;

  // Sets.
  [[nodiscard]] TokenSet next_tokens(StateId state);
  [[nodiscard]] TokenSet expected_tokens_at(StateId state);
  [[nodiscard]] TokenSet recovery_set();
  [[nodiscard]] std::vector<StateId> return_states() const;

  const Grammar& grammar_;
  Issues& issues_;
  Lexer lexer_;
  Predictor predictor_;
  std::vector<Token> tokens_;  // hidden ones included
  std::vector<Token> invented_;
  std::size_t current_ = 0;
  std::size_t reported_problems_ = 0;
  std::vector<Piece> pieces_;
  std::vector<Call> calls_;
  std::vector<int> rule_depth_;
  std::vector<TokenSet> next_tokens_;  // by state; 0: not known yet
  StateId state_ = 0;
  Failure failure_ = Failure::kNone;
  std::size_t failure_token_ = 0;
  TokenSet failure_expected_ = 0;  // kMismatch
  bool recovering_ = false;
  std::size_t last_error_index_ = kNoIndex;
  std::vector<StateId> last_error_states_;
  int recoveries_ = 0;
  int reports_ = 0;
  int consumed_in_recovery_ = -1;  // -1: not counted
  bool gave_up_ = false;
};

}  // namespace klutch::apiserver::cel::grammar
