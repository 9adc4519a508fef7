// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/explaining_parser.h"

#include <algorithm>
#include <array>
#include <utility>

namespace klutch::apiserver::cel::grammar {
namespace {

constexpr int kMaxRuleDepth = 250;
constexpr int kMaxRecoveries = 30;
constexpr int kMaxReports = 100;
constexpr int kMaxConsumedInRecovery = 256;
constexpr std::size_t kMaxEffort = 2'000'000;

std::string set_text(TokenSet set) {
  std::string text;
  std::size_t count = 0;
  for (unsigned type = 0; type < 38; ++type) {
    if ((set & (TokenSet{1} << type)) == 0) continue;
    if (count++ > 0) text += ", ";
    text += token_name(static_cast<TokenType>(type));
  }
  return count > 1 ? '{' + text + '}' : text;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    switch (c) {
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      default: out += c;
    }
  }
  return out + '\'';
}

}  // namespace

std::uint32_t Piece::find(Label label, std::size_t nth) const noexcept {
  for (const Part& part : parts) {
    if (part.label == label && nth-- == 0) return part.index;
  }
  return kNone;
}

std::size_t Piece::count(Label label) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(parts, label, &Part::label));
}

ExplainingParser::ExplainingParser(const Source& source, Issues& issues)
    : grammar_(cel_grammar()),
      issues_(issues),
      lexer_(source.text()),
      predictor_(grammar_),
      rule_depth_(static_cast<std::size_t>(Rule::kCount)),
      next_tokens_(grammar_.states.size()) {}

bool ExplainingParser::parse() {
  fetch_until(0);
  while (!gave_up_ && tokens_[current_].is_hidden()) fetch_until(++current_);
  enter(Rule::kStart, 0, 0, Label::kNone);
  while (!calls_.empty() && !gave_up_) {
    Call& call = calls_.back();
    do_step(grammar_.steps[call.step++]);
    if (gave_up_) break;
    if (failure_ != Failure::kNone) fail_rule();
    if (predictor_.effort() > kMaxEffort)
      give_up("the expression is too complex to explain what is wrong with it");
  }
  return !gave_up_;
}

// --------------------------------------------------------------------------------------------------------
// tokens

void ExplainingParser::fetch_until(std::size_t index) {
  while (tokens_.size() <= index && (tokens_.empty() || tokens_.back().type != TokenType::kEof)) {
    tokens_.push_back(lexer_.next());
    for (; reported_problems_ < lexer_.problems().size() && !gave_up_; ++reported_problems_) {
      const Lexer::Problem& problem = lexer_.problems()[reported_problems_];
      report_syntax(problem.position, problem.message);
    }
  }
}

std::size_t ExplainingParser::index_at(std::size_t ahead) {
  std::size_t index = current_;
  for (; ahead > 0 && tokens_[index].type != TokenType::kEof; --ahead) {
    do {
      fetch_until(++index);
    } while (tokens_[index].is_hidden());
  }
  return index;
}

TokenType ExplainingParser::type_at(std::size_t ahead) {
  return tokens_[index_at(ahead)].type;
}

void ExplainingParser::consume() {
  if (consumed_in_recovery_ >= 0 && consumed_in_recovery_++ >= kMaxConsumedInRecovery) {
    give_up("error recovery token lookahead limit exceeded: 256");
    return;
  }
  current_ = index_at(1);
}

std::string ExplainingParser::text_between(std::size_t first, std::size_t last) const {
  std::string text;
  for (std::size_t i = first; i <= last && tokens_[i].type != TokenType::kEof; ++i) text += tokens_[i].text;
  return text;
}

// ---------------------------------------------------------------------------------------------------------
// steps

void ExplainingParser::do_step(const Step& step) {
  Call& call = calls_.back();
  switch (step.kind) {
    case grammar::Step::Kind::kSync: sync(step.state); break;
    case grammar::Step::Kind::kSyncUnchecked:
      sync(step.state);
      failure_ = Failure::kNone;
      break;
    case grammar::Step::Kind::kMatch: match(step); break;
    case grammar::Step::Kind::kCall:
      state_ = step.state;
      enter(step.rule, step.precedence, step.state, step.label);
      break;
    case grammar::Step::Kind::kJump: call.step = step.target; break;
    case grammar::Step::Kind::kJumpUnless:
      if ((step.tokens & set_of(next_type())) == 0) call.step = step.target;
      break;
    case grammar::Step::Kind::kPredict: predict(step); break;
    case grammar::Step::Kind::kShape: pieces_[call.piece].shape = step.shape; break;
    case grammar::Step::Kind::kPush: push_piece(step.shape); break;
    case grammar::Step::Kind::kNoViable:
      failure_ = Failure::kNoViable;
      failure_token_ = current_;
      break;
    case grammar::Step::Kind::kEnd: leave(); break;
  }
}

void ExplainingParser::enter(Rule rule, int precedence, StateId called_from, Label label) {
  const auto index = static_cast<std::size_t>(rule);
  if (++rule_depth_[index] > kMaxRuleDepth) {
    give_up("expression recursion limit exceeded: 250");
    return;
  }
  state_ = grammar_.rule_start[index];
  const auto piece = static_cast<std::uint32_t>(pieces_.size());
  pieces_.push_back({.rule = rule,
                     .parent = calls_.empty() ? Piece::kNone : calls_.back().piece,
                     .called_from = called_from,
                     .first_token = current_});
  calls_.push_back({.rule = rule,
                    .step = grammar_.entry[index],
                    .piece = piece,
                    .precedence = precedence,
                    .label = label});
}

void ExplainingParser::leave() {
  const Call call = calls_.back();
  calls_.pop_back();
  --rule_depth_[static_cast<std::size_t>(call.rule)];
  if (!Grammar::is_left_recursive(call.rule)) state_ = pieces_[call.piece].called_from;
  if (!calls_.empty()) add_part(call.label, false, call.piece);
}

void ExplainingParser::push_piece(Shape shape) {
  Call& call = calls_.back();
  const Piece& previous = pieces_[call.piece];
  Piece piece{.rule = call.rule,
              .shape = shape,
              .parent = previous.parent,
              .called_from = previous.called_from,
              .first_token = previous.first_token,
              .parts = {{Label::kFirst, false, call.piece}}};
  call.piece = static_cast<std::uint32_t>(pieces_.size());
  pieces_.push_back(std::move(piece));
}

void ExplainingParser::add_part(Label label, bool is_token, std::size_t index) {
  if (label == Label::kNone) return;
  pieces_[calls_.back().piece].parts.push_back({label, is_token, static_cast<std::uint32_t>(index)});
}

void ExplainingParser::match(const Step& step) {
  state_ = step.state;
  if ((step.tokens & set_of(next_type())) != 0) {
    end_recovery();
    add_part(step.label, true, current_);
    consume();
    return;
  }
  const std::uint32_t token = recover_inline();
  if (token != kNoToken) add_part(step.label, true, token);
}

void ExplainingParser::predict(const Step& step) {
  const auto returns = return_states();
  const Prediction prediction = predictor_.predict({.decision = grammar_.decisions[step.decision],
                                                    .precedence = calls_.back().precedence,
                                                    .calls = returns},
                                                   *this);
  if (gave_up_) return;
  if (prediction.alternative != 0) {
    calls_.back().step = step.targets[prediction.alternative - 1];
    return;
  }
  failure_ = Failure::kNoViable;
  failure_token_ = index_at(prediction.failed_at);
}

// ------------------------------------------------------------------------------------------------------
// mistakes

void ExplainingParser::sync(StateId state) {
  state_ = state;
  if (recovering_) return;
  const TokenSet next = next_tokens(state);
  if ((next & (kRuleEnd | set_of(next_type()))) != 0) return;
  switch (grammar_.state(state).kind) {
    case StateKind::kBlockStart:
    case StateKind::kStarBlockStart:
    case StateKind::kPlusBlockStart:
    case StateKind::kStarLoopEntry:
      if (single_token_deletion() == kNoToken && !gave_up_) fail_with_mismatch();
      break;
    case StateKind::kPlusLoopBack:
    case StateKind::kStarLoopBack:
      report_unwanted_token();
      if (!gave_up_) consume_until(expected_tokens_at(state_) | recovery_set());
      break;
    default: break;
  }
}

void ExplainingParser::fail_with_mismatch() {
  failure_ = Failure::kMismatch;
  failure_token_ = current_;
  failure_expected_ = expected_tokens_at(state_);
}

void ExplainingParser::fail_rule() {
  report_failure();
  failure_ = Failure::kNone;
  if (gave_up_) return;
  recover();
  if (!gave_up_) leave();
}

void ExplainingParser::report_failure() {
  if (recovering_) return;
  recovering_ = true;
  const std::int32_t position = tokens_[failure_token_].position;
  if (failure_ == Failure::kMismatch) {
    report_syntax(position, "mismatched input " + token_display(failure_token_) + " expecting " +
                                set_text(failure_expected_));
    return;
  }
  const std::string input =
      tokens_[current_].type == TokenType::kEof ? "<EOF>" : text_between(current_, failure_token_);
  // cel-go rewrites these messages so that they name what the user meant.
  for (const std::string_view word : {"true", "false", "null"}) {
    if (input.size() == word.size() + 1 && input.ends_with(word)) {
      report_syntax(position, "mismatched input '" + std::string(word) + "' expecting IDENTIFIER");
      return;
    }
  }
  report_syntax(position, "no viable alternative at input " + quoted(input));
}

bool ExplainingParser::may_recover() {
  if (recoveries_++ != kMaxRecoveries) return true;
  report_syntax(tokens_[current_].position, "error recovery attempt limit exceeded: 30");
  gave_up_ = true;
  return false;
}

void ExplainingParser::recover() {
  if (!may_recover()) return;
  consumed_in_recovery_ = 0;
  if (last_error_index_ == current_ &&
      std::ranges::find(last_error_states_, state_) != last_error_states_.end()) {
    consume();
  }
  last_error_index_ = current_;
  last_error_states_.push_back(state_);
  if (!gave_up_) consume_until(recovery_set());
  consumed_in_recovery_ = -1;
}

void ExplainingParser::end_recovery() {
  recovering_ = false;
  last_error_states_.clear();
  last_error_index_ = kNoIndex;
}

std::uint32_t ExplainingParser::recover_inline() {
  if (!may_recover()) return kNoToken;
  consumed_in_recovery_ = 0;
  std::uint32_t token = single_token_deletion();
  if (token != kNoToken) {
    consume();
  } else if (!gave_up_ && single_token_insertion()) {
    token = missing_token();
  } else if (!gave_up_) {
    fail_with_mismatch();
  }
  consumed_in_recovery_ = -1;
  return gave_up_ ? kNoToken : token;
}

std::uint32_t ExplainingParser::single_token_deletion() {
  if ((expected_tokens_at(state_) & set_of(type_at(1))) == 0) return kNoToken;
  report_unwanted_token();
  if (gave_up_) return kNoToken;
  consume();
  end_recovery();
  return static_cast<std::uint32_t>(current_);
}

bool ExplainingParser::single_token_insertion() {
  const StateId next = grammar_.state(state_).transitions[0].target;
  if ((expected_tokens_at(next) & set_of(next_type())) == 0) return false;
  if (recovering_) return true;
  recovering_ = true;
  report_syntax(tokens_[current_].position,
                "missing " + set_text(expected_tokens_at(state_)) + " at " + token_display(current_));
  return !gave_up_;
}

std::uint32_t ExplainingParser::missing_token() {
  const TokenSet expected = expected_tokens_at(state_);
  unsigned first = 0;
  while (first < 38 && (expected & (TokenSet{1} << first)) == 0) ++first;
  const auto type = static_cast<TokenType>(first);
  std::size_t near = current_;
  if (tokens_[near].type == TokenType::kEof) {
    while (near > 0 && (tokens_[near].type == TokenType::kEof || tokens_[near].is_hidden())) --near;
  }
  constexpr std::string_view kUnnamed = "<missing undefined>";
  invented_.push_back({.type = type, .position = tokens_[near].position, .text = kUnnamed});
  return kFirstInvented + static_cast<std::uint32_t>(invented_.size() - 1);
}

void ExplainingParser::consume_until(TokenSet set) {
  while (!gave_up_ && next_type() != TokenType::kEof && (set & set_of(next_type())) == 0) consume();
}

void ExplainingParser::report_unwanted_token() {
  if (recovering_) return;
  recovering_ = true;
  report_syntax(tokens_[current_].position, "extraneous input " + token_display(current_) + " expecting " +
                                                set_text(expected_tokens_at(state_)));
}

void ExplainingParser::report_syntax(std::int32_t position, std::string message) {
  if (reports_++ < kMaxReports) {
    issues_.report(position, "Syntax error: " + message);
    return;
  }
  issues_.report(position, "Syntax error: More than 100 syntax errors");
  gave_up_ = true;
}

void ExplainingParser::give_up(std::string message) {
  gave_up_ = true;
  issues_.report(kNoPosition, std::move(message));
}

std::string ExplainingParser::token_display(std::size_t index) const {
  return quoted(tokens_[index].type == TokenType::kEof ? "<EOF>" : tokens_[index].text);
}

// ----------------------------------------------------------------------------------------------------------
// sets

/// What can come next inside the rule; kRuleEnd when that may be its end.
TokenSet ExplainingParser::next_tokens(StateId state) {
  TokenSet& known = next_tokens_[state];
  if (known != 0) return known;
  const StateId end = grammar_.rule_stop[static_cast<std::size_t>(grammar_.state(state).rule)];
  std::vector<bool> seen(grammar_.states.size());
  std::vector<StateId> open = {state};
  while (!open.empty()) {
    const StateId id = open.back();
    open.pop_back();
    if (seen[id]) continue;
    seen[id] = true;
    // No rule of this grammar matches nothing, so only the end of the rule itself can be reached.
    if (id == end) {
      known |= kRuleEnd;
      continue;
    }
    for (const Transition& transition : grammar_.state(id).transitions) {
      if (transition.is_epsilon()) {
        open.push_back(transition.target);
      } else {
        known |= transition.tokens;
      }
    }
  }
  return known;
}

TokenSet ExplainingParser::expected_tokens_at(StateId state) {
  TokenSet following = next_tokens(state);
  TokenSet expected = following & ~kRuleEnd;
  const auto returns = return_states();
  for (std::size_t i = returns.size(); i > 0 && (following & kRuleEnd) != 0; --i) {
    following = next_tokens(returns[i - 1]);
    expected |= following & ~kRuleEnd;
  }
  return (following & kRuleEnd) != 0 ? expected | set_of(TokenType::kEof) : expected;
}

TokenSet ExplainingParser::recovery_set() {
  TokenSet set = 0;
  for (const StateId state : return_states()) set |= next_tokens(state);
  return set & ~kRuleEnd;
}

std::vector<StateId> ExplainingParser::return_states() const {
  std::vector<StateId> states;
  for (std::size_t i = 1; i < calls_.size(); ++i) {
    states.push_back(grammar_.state(pieces_[calls_[i].piece].called_from).transitions[0].follow);
  }
  return states;
}

}  // namespace klutch::apiserver::cel::grammar
