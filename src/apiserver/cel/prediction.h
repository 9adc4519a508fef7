// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "apiserver/cel/grammar.h"

// Chooses among the alternatives of a decision as ANTLR's adaptive prediction does: first without knowing who
// called the rule, then, in case of conflict, with the whole stack of calls. What matters here is where it
// finds that nothing fits any more. Keeps its own stacks; used for one prediction. Internal.

namespace klutch::apiserver::cel::grammar {

/// The tokens ahead, as far as prediction looks.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// The type of the token `ahead` places after the current one; kEof from the end on.
  virtual TokenType type_at(std::size_t ahead) = 0;
};

struct Prediction {
  std::size_t alternative = 0;  ///< From 1; 0 when nothing fits.
  std::size_t failed_at = 0;    ///< With 0: how many tokens ahead the first one is that does not fit.
};

/// Where a prediction is asked for.
struct PredictionPoint {
  StateId decision = 0;
  int precedence = 0;                 ///< Of the current rule.
  const std::vector<StateId>& calls;  ///< Where the active rules return to, outermost first.
};

/// Remembers what it found without looking at calls, so one serves a whole text.
class Predictor {
 public:
  explicit Predictor(const Grammar& grammar);
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;
  ~Predictor();

  Prediction predict(const PredictionPoint& point, TokenSource& tokens);

  /// How much was done so far; a text that asks for too much is not worth it.
  [[nodiscard]] std::size_t effort() const noexcept { return effort_; }

 private:
  /// A stack of return states, or several that differ (a graph, as in ANTLR). Interned: equal ones are one
  /// object.
  struct Stack {
    struct Entry {
      StateId return_state;
      const Stack* parent;
      friend auto operator<=>(const Entry&, const Entry&) = default;
    };
    std::vector<Entry> entries;  // sorted; an empty stack is an entry with kEmptyState
  };
  static constexpr StateId kEmptyState = UINT16_MAX;
  static constexpr int kNoPrecedence = -1;

  struct Config {
    StateId state = 0;
    std::size_t alternative = 0;
    const Stack* stack = nullptr;
    int precedence = kNoPrecedence;  // of a predicate that was passed
    bool left_rule = false;          // went on after the end of the rule that decides
    bool suppressed = false;         // exempt from the precedence filter
  };

  class ConfigSet;
  struct Walk;
  struct Step {
    Config config;
    int depth;  // calls of rules since the decision; negative after leaving its rule
  };

  [[nodiscard]] const Stack* intern(std::vector<Stack::Entry> entries);
  [[nodiscard]] const Stack* empty_stack();
  [[nodiscard]] const Stack* merge(const Stack* a, const Stack* b, bool root_is_wildcard);
  [[nodiscard]] static bool is_empty(const Stack* stack) {
    return stack->entries.size() == 1 && stack->entries[0].return_state == kEmptyState;
  }
  [[nodiscard]] static bool has_empty_path(const Stack* stack) {
    return stack->entries.back().return_state == kEmptyState;
  }

  /// What is known after some tokens: a state of the automaton that grows as it is used.
  struct Known;

  std::size_t know(const ConfigSet& configs);
  std::size_t start(const PredictionPoint& point);
  /// The state after `token`, or kDeadEnd.
  std::size_t advance(std::size_t from, TokenType token);
  ConfigSet start_configs(const Stack* stack, bool full);
  ConfigSet precedence_filter(const ConfigSet& configs);
  std::optional<ConfigSet> reach(const ConfigSet& configs, TokenType token, bool full);
  ConfigSet only_finished(const ConfigSet& configs);
  void close(const Config& first, Walk& walk);
  void follow_edges(const Step& step, Walk& walk, std::vector<Step>& steps);
  std::optional<Step> follow_edge(const Step& step, const Transition& transition, Walk& walk);
  [[nodiscard]] bool can_drop_loop_entry(const Config& config) const;
  [[nodiscard]] bool returns_to_loop(StateId return_state, StateId loop, StateId block_end) const;
  Prediction predict_with_calls(const PredictionPoint& point, TokenSource& tokens);
  [[nodiscard]] static std::size_t finished_alternative(const Grammar& grammar, const ConfigSet& configs);

  static constexpr std::size_t kDeadEnd = static_cast<std::size_t>(-1);
  static constexpr std::size_t kNotTried = static_cast<std::size_t>(-2);

  const Grammar& grammar_;
  StateId decision_ = 0;
  int precedence_ = 0;
  std::size_t effort_ = 0;
  std::map<std::vector<Stack::Entry>, const Stack*> interned_;
  std::deque<Stack> stacks_;
  std::deque<Known> known_;
  std::map<std::vector<std::uint64_t>, std::size_t> known_by_configs_;
  std::map<std::pair<StateId, int>, std::size_t> known_starts_;
};

}  // namespace klutch::apiserver::cel::grammar
