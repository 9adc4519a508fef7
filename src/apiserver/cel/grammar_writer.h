// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "apiserver/cel/grammar.h"

// The elements that rules are written with: each adds states to the network as ANTLR's tool would, and the
// steps that the parser it generates takes. Used by grammar.cc alone.

namespace klutch::apiserver::cel::grammar {

inline constexpr std::size_t kRuleCount = static_cast<std::size_t>(Rule::kCount);

/// Writes the network and the steps side by side. Every element leaves the network open at `end_` and the
/// steps at their end, so that elements follow each other just by being called in turn.
class GrammarWriter {
 public:
  virtual ~GrammarWriter() = default;

  Grammar write() && {
    grammar_.rule_start.resize(kRuleCount);
    grammar_.rule_stop.resize(kRuleCount);
    grammar_.entry.resize(kRuleCount);
    for (std::size_t i = 0; i < kRuleCount; ++i) {
      rule_ = static_cast<Rule>(i);
      grammar_.rule_start[i] = add_state(StateKind::kRuleStart);
      grammar_.rule_stop[i] = add_state(StateKind::kRuleStop);
    }
    for (std::size_t i = 0; i < kRuleCount; ++i) {
      rule_ = static_cast<Rule>(i);
      grammar_.entry[i] = next_step();
      end_ = grammar_.rule_start[i];
      write_rule();
      link(end_, grammar_.rule_stop[i]);
      add_step({.kind = Step::Kind::kEnd});
    }
    skip_tails();
    link_rule_ends();
    return std::move(grammar_);
  }

 protected:
  using TT = TokenType;

  StateId add_state(StateKind kind) {
    grammar_.states.push_back({.kind = kind, .rule = rule_});
    return static_cast<StateId>(grammar_.states.size() - 1);
  }
  void add_transition(StateId from, Transition transition) {
    State& state = grammar_.states[from];
    state.epsilon_only = state.epsilon_only && transition.is_epsilon();
    state.transitions.push_back(transition);
  }
  void link(StateId from, StateId to) { add_transition(from, {.target = to}); }
  [[nodiscard]] std::uint16_t next_step() const { return static_cast<std::uint16_t>(grammar_.steps.size()); }
  std::uint16_t add_step(Step step) {
    grammar_.steps.push_back(std::move(step));
    return static_cast<std::uint16_t>(grammar_.steps.size() - 1);
  }
  void sync(StateId state) { add_step({.kind = Step::Kind::kSync, .state = state}); }
  std::uint16_t decide(StateId state, std::size_t alternatives) {
    grammar_.decisions.push_back(state);
    return predict_again(static_cast<std::uint16_t>(grammar_.decisions.size() - 1), alternatives);
  }
  std::uint16_t predict_again(std::uint16_t decision, std::size_t alternatives) {
    return add_step({.kind = Step::Kind::kPredict,
                     .decision = decision,
                     .targets = std::vector<std::uint16_t>(alternatives)});
  }

  void tokens(TokenSet set, Label label = Label::kNone) {
    const StateId left = add_state(StateKind::kBasic);
    const StateId right = add_state(StateKind::kBasic);
    link(end_, left);
    add_transition(left, {.kind = Transition::Kind::kTokens, .target = right, .tokens = set});
    add_step({.kind = Step::Kind::kMatch, .state = left, .label = label, .tokens = set});
    end_ = right;
  }
  void token(TT type, Label label = Label::kNone) { tokens(set_of(type), label); }

  void call(Rule rule, Label label = Label::kNone, std::uint8_t precedence = 0) {
    const StateId left = add_state(StateKind::kBasic);
    const StateId right = add_state(StateKind::kBasic);
    link(end_, left);
    add_transition(left, {.kind = Transition::Kind::kRule,
                          .target = grammar_.rule_start[static_cast<std::size_t>(rule)],
                          .follow = right,
                          .precedence = precedence});
    add_step(
        {.kind = Step::Kind::kCall, .state = left, .label = label, .rule = rule, .precedence = precedence});
    end_ = right;
  }

  void shape(Shape shape) { add_step({.kind = Step::Kind::kShape, .shape = shape}); }

  void precedence(std::uint8_t value) {
    const StateId left = add_state(StateKind::kBasic);
    const StateId right = add_state(StateKind::kBasic);
    link(end_, left);
    add_transition(left, {.kind = Transition::Kind::kPrecedence, .target = right, .precedence = value});
    end_ = right;
  }

  /// (body)?, taken when the next token is in `first`.
  template <class Body>
  void optional(TokenSet first, Body body) {
    const StateId start = add_state(StateKind::kBlockStart);
    const StateId stop = add_state(StateKind::kBlockEnd);
    link(end_, start);
    sync(start);
    const auto jump = add_step({.kind = Step::Kind::kJumpUnless, .tokens = first});
    end_ = start;
    body();
    link(end_, stop);
    link(start, stop);
    grammar_.steps[jump].target = next_step();
    end_ = stop;
  }

  struct Loop {
    StateId entry, block_start, block_end, loop_end, back;
  };
  Loop open_star() {
    const Loop loop{add_state(StateKind::kStarLoopEntry), add_state(StateKind::kStarBlockStart),
                    add_state(StateKind::kBlockEnd), add_state(StateKind::kLoopEnd),
                    add_state(StateKind::kStarLoopBack)};
    grammar_.states[loop.block_start].block_end = loop.block_end;
    link(end_, loop.entry);
    link(loop.entry, loop.block_start);
    link(loop.entry, loop.loop_end);
    link(loop.block_end, loop.back);
    link(loop.back, loop.entry);
    end_ = loop.block_start;
    return loop;
  }

  /// (body)*, gone round again when the next token is in `first`.
  template <class Body>
  void star(TokenSet first, Body body) {
    const Loop loop = open_star();
    sync(loop.entry);
    const auto jump = add_step({.kind = Step::Kind::kJumpUnless, .tokens = first});
    body();
    link(end_, loop.block_end);
    sync(loop.back);
    add_step({.kind = Step::Kind::kJump, .target = jump});
    grammar_.steps[jump].target = next_step();
    end_ = loop.loop_end;
  }

  /// (body)*, gone round again when looking ahead says so.
  template <class Body>
  void star_predicted(bool left_recursive, Body body) {
    const Loop loop = open_star();
    grammar_.states[loop.entry].is_precedence_decision = left_recursive;
    sync(loop.entry);
    const auto predict = decide(loop.entry, 2);
    grammar_.steps[predict].targets[0] = next_step();
    loop_ = loop;
    body();
    if (end_ != loop.block_end) link(end_, loop.block_end);
    sync(loop.back);
    add_step({.kind = Step::Kind::kJump, .target = predict});
    grammar_.steps[predict].targets[1] = next_step();
    end_ = loop.loop_end;
  }

  /// (alternative | ...), chosen by looking ahead. `start` and `stop` may belong to a loop around it.
  template <class... Alternatives>
  void choice(StateId start, StateId stop, Alternatives... alternatives) {
    sync(start);
    const auto predict = decide(start, sizeof...(alternatives));
    std::vector<std::uint16_t> ends;
    std::size_t index = 0;
    const auto write = [&](auto alternative) {
      grammar_.steps[predict].targets[index++] = next_step();
      end_ = start;
      alternative();
      link(end_, stop);
      ends.push_back(add_step({.kind = Step::Kind::kJump}));
    };
    (write(alternatives), ...);
    for (const auto end : ends) grammar_.steps[end].target = next_step();
    end_ = stop;
  }
  template <class... Alternatives>
  void choice(Alternatives... alternatives) {
    const StateId start = add_state(StateKind::kBlockStart);
    const StateId stop = add_state(StateKind::kBlockEnd);
    link(end_, start);
    choice(start, stop, alternatives...);
  }

  struct PlusLoop {
    StateId start, back, loop_end;
  };
  PlusLoop write_plus(TT type) {
    const StateId start = add_state(StateKind::kPlusBlockStart);
    const StateId stop = add_state(StateKind::kBlockEnd);
    const StateId back = add_state(StateKind::kPlusLoopBack);
    const StateId loop_end = add_state(StateKind::kLoopEnd);
    link(end_, start);
    sync(start);
    end_ = start;
    token(type, Label::kOperator);
    link(end_, stop);
    link(stop, back);
    link(back, start);
    link(back, loop_end);
    end_ = loop_end;
    return {start, back, loop_end};
  }

  /// The elements of rule_.
  virtual void write_rule() = 0;

 private:
  /// ANTLR leads the last element of an alternative straight to the end of the block. That matters because
  /// calls that return to one state count as equal.
  void skip_tails() {
    for (State& state : grammar_.states) {
      if (state.kind != StateKind::kBasic || state.transitions.size() != 1) continue;
      Transition& last = state.transitions[0];
      StateId& next = last.kind == Transition::Kind::kRule ? last.follow : last.target;
      const State& after = grammar_.states[next];
      if (after.kind != StateKind::kBasic || after.transitions.size() != 1) continue;
      const Transition& tail = after.transitions[0];
      const StateKind target = grammar_.states[tail.target].kind;
      const bool ends_block = target == StateKind::kBlockEnd || target == StateKind::kPlusLoopBack ||
                              target == StateKind::kStarLoopBack;
      if (tail.kind == Transition::Kind::kEpsilon && ends_block) next = tail.target;
    }
  }

  /// From the end of each rule to everywhere it can return to.
  void link_rule_ends() {
    const std::size_t count = grammar_.states.size();
    for (std::size_t i = 0; i < count; ++i) {
      for (const Transition& transition : std::vector(grammar_.states[i].transitions)) {
        if (transition.kind != Transition::Kind::kRule) continue;
        const Rule callee = grammar_.states[transition.target].rule;
        add_transition(
            grammar_.rule_stop[static_cast<std::size_t>(callee)],
            {.target = transition.follow,
             .leaves_recursion = Grammar::is_left_recursive(callee) && transition.precedence == 0});
      }
    }
  }

 protected:
  Grammar grammar_;
  Rule rule_ = Rule::kStart;
  StateId end_ = 0;
  Loop loop_{};
};

}  // namespace klutch::apiserver::cel::grammar
