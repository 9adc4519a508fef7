// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/prediction.h"

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <set>
#include <tuple>

namespace klutch::apiserver::cel::grammar {

/// Configurations in order of arrival; those that differ only in their stacks are merged.
class Predictor::ConfigSet {
 public:
  explicit ConfigSet(bool full) : full_(full) {}

  void add(Predictor& predictor, const Config& config) {
    const auto key = std::tuple(config.state, config.alternative, config.precedence);
    const auto [place, is_new] = index_.try_emplace(key, configs_.size());
    if (is_new) {
      configs_.push_back(config);
      return;
    }
    Config& existing = configs_[place->second];
    existing.stack = predictor.merge(existing.stack, config.stack, !full_);
    existing.left_rule = existing.left_rule || config.left_rule;
    existing.suppressed = existing.suppressed || config.suppressed;
  }

  [[nodiscard]] const std::vector<Config>& configs() const { return configs_; }
  [[nodiscard]] bool empty() const { return configs_.empty(); }

  /// The alternative of all configurations, or 0.
  [[nodiscard]] std::size_t unique_alternative() const {
    for (const Config& config : configs_) {
      if (config.alternative != configs_[0].alternative) return 0;
    }
    return configs_.empty() ? 0 : configs_[0].alternative;
  }

  /// For each state and stack, the alternatives that are there, as bits.
  [[nodiscard]] std::vector<std::uint32_t> alternatives_by_stack() const {
    std::map<std::pair<StateId, const Stack*>, std::uint32_t> sets;
    for (const Config& config : configs_) sets[{config.state, config.stack}] |= 1U << config.alternative;
    std::vector<std::uint32_t> result;
    for (const auto& [key, set] : sets) result.push_back(set);
    return result;
  }

  [[nodiscard]] bool has_state_with_one_alternative() const {
    std::map<StateId, std::uint32_t> sets;
    for (const Config& config : configs_) sets[config.state] |= 1U << config.alternative;
    return std::ranges::any_of(sets, [](const auto& entry) { return std::popcount(entry.second) == 1; });
  }

  [[nodiscard]] bool all_finished(const Grammar& grammar) const {
    return std::ranges::all_of(
        configs_, [&](const Config& c) { return grammar.state(c.state).kind == StateKind::kRuleStop; });
  }
  [[nodiscard]] bool any_finished(const Grammar& grammar) const {
    return std::ranges::any_of(
        configs_, [&](const Config& c) { return grammar.state(c.state).kind == StateKind::kRuleStop; });
  }

 private:
  bool full_;
  std::vector<Config> configs_;
  std::map<std::tuple<StateId, std::size_t, int>, std::size_t> index_;
};

/// What stays the same while configurations are followed over edges that take no token.
struct Predictor::Walk {
  ConfigSet& out;
  bool collect_predicates;
  bool full;
  bool eof_as_epsilon;
  std::set<std::tuple<StateId, std::size_t, const Stack*, int, bool>> busy = {};
};

const Predictor::Stack* Predictor::intern(std::vector<Stack::Entry> entries) {
  const auto [place, is_new] = interned_.try_emplace(entries, nullptr);
  if (is_new) {
    stacks_.push_back({.entries = std::move(entries)});
    place->second = &stacks_.back();
  }
  return place->second;
}

const Predictor::Stack* Predictor::empty_stack() {
  return intern({{kEmptyState, nullptr}});
}

const Predictor::Stack* Predictor::merge(const Stack* a, const Stack* b, bool root_is_wildcard) {
  if (a == b) return a;
  if (root_is_wildcard) {
    if (is_empty(a)) return a;
    if (is_empty(b)) return b;
  }
  std::vector<Stack::Entry> merged;
  auto left = a->entries.begin();
  auto right = b->entries.begin();
  while (left != a->entries.end() && right != b->entries.end()) {
    if (left->return_state < right->return_state) {
      merged.push_back(*left++);
    } else if (right->return_state < left->return_state) {
      merged.push_back(*right++);
    } else {
      const Stack* parent =
          left->parent == right->parent ? left->parent : merge(left->parent, right->parent, root_is_wildcard);
      merged.push_back({left->return_state, parent});
      ++left;
      ++right;
    }
  }
  merged.insert(merged.end(), left, a->entries.end());
  merged.insert(merged.end(), right, b->entries.end());
  return intern(std::move(merged));
}

struct Predictor::Known {
  ConfigSet configs;
  std::size_t unique = 0;  // alternative that is left
  bool conflict = false;   // looking further cannot help without the calls
  std::array<std::size_t, 64> next;
};

Predictor::Predictor(const Grammar& grammar) : grammar_(grammar) {}
Predictor::~Predictor() = default;

Prediction Predictor::predict(const PredictionPoint& point, TokenSource& tokens) {
  decision_ = point.decision;
  precedence_ = point.precedence;
  std::size_t current = start(point);
  for (std::size_t ahead = 0;; ++ahead) {
    const TokenType token = tokens.type_at(ahead);
    const std::size_t next = advance(current, token);
    if (next == kDeadEnd) {
      return {.alternative = finished_alternative(grammar_, known_[current].configs), .failed_at = ahead};
    }
    if (known_[next].unique != 0) return {.alternative = known_[next].unique};
    if (known_[next].conflict) return predict_with_calls(point, tokens);
    current = next;
    if (token == TokenType::kEof) --ahead;  // the end stays where it is
  }
}

std::size_t Predictor::start(const PredictionPoint& point) {
  const bool filters = grammar_.state(point.decision).is_precedence_decision;
  const auto [place, is_new] = known_starts_.try_emplace({point.decision, filters ? point.precedence : 0}, 0);
  if (is_new) {
    const ConfigSet configs = start_configs(empty_stack(), false);
    place->second = know(filters ? precedence_filter(configs) : configs);
  }
  return place->second;
}

std::size_t Predictor::know(const ConfigSet& configs) {
  std::vector<std::uint64_t> key = {decision_};
  for (const Config& config : configs.configs()) {
    key.push_back(std::uint64_t{config.state} << 32 | config.alternative << 16 |
                  static_cast<std::uint64_t>(config.precedence + 1) << 8 | (config.left_rule ? 2U : 0U) |
                  (config.suppressed ? 1U : 0U));
    key.push_back(reinterpret_cast<std::uintptr_t>(config.stack));
  }
  const auto [place, is_new] = known_by_configs_.try_emplace(std::move(key), known_.size());
  if (!is_new) return place->second;
  Known known{.configs = configs, .unique = configs.unique_alternative(), .next = {}};
  known.next.fill(kNotTried);
  const auto sets = configs.alternatives_by_stack();
  known.conflict = configs.all_finished(grammar_) ||
                   (std::ranges::any_of(sets, [](std::uint32_t set) { return std::popcount(set) > 1; }) &&
                    !configs.has_state_with_one_alternative());
  known_.push_back(std::move(known));
  return known_.size() - 1;
}

std::size_t Predictor::advance(std::size_t from, TokenType token) {
  ++effort_;
  const auto edge = static_cast<std::size_t>(token);
  if (known_[from].next.at(edge) == kNotTried) {
    const auto next = reach(known_[from].configs, token, false);
    const std::size_t to = next ? know(*next) : kDeadEnd;
    known_[from].next.at(edge) = to;
  }
  return known_[from].next.at(edge);
}

Prediction Predictor::predict_with_calls(const PredictionPoint& point, TokenSource& tokens) {
  const Stack* stack = empty_stack();
  for (const StateId return_state : point.calls) stack = intern({{return_state, stack}});
  ConfigSet previous = start_configs(stack, true);
  for (std::size_t ahead = 0;; ++ahead) {
    const TokenType token = tokens.type_at(ahead);
    auto next = reach(previous, token, true);
    if (!next) return {.alternative = finished_alternative(grammar_, previous), .failed_at = ahead};
    if (const auto unique = next->unique_alternative(); unique != 0) return {.alternative = unique};
    std::uint32_t lowest = 0;
    for (const std::uint32_t set : next->alternatives_by_stack()) lowest |= set & (~set + 1);
    if (std::popcount(lowest) == 1)
      return {.alternative = static_cast<std::size_t>(std::countr_zero(lowest))};
    previous = *std::move(next);
    if (token == TokenType::kEof) --ahead;
  }
}

Predictor::ConfigSet Predictor::start_configs(const Stack* stack, bool full) {
  ConfigSet configs(full);
  const auto& transitions = grammar_.state(decision_).transitions;
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    Walk walk{.out = configs, .collect_predicates = true, .full = full, .eof_as_epsilon = false};
    close({.state = transitions[i].target, .alternative = i + 1, .stack = stack}, walk);
  }
  return configs;
}

/// Of the loop of a left-recursive rule: drops what binds too loosely, and ways out of the loop that come
/// back to where going round gets as well.
Predictor::ConfigSet Predictor::precedence_filter(const ConfigSet& configs) {
  std::map<StateId, const Stack*> of_first;
  ConfigSet filtered(false);
  for (Config config : configs.configs()) {
    if (config.alternative != 1) continue;
    if (config.precedence != kNoPrecedence && config.precedence < precedence_) continue;
    of_first[config.state] = config.stack;
    config.precedence = kNoPrecedence;
    filtered.add(*this, config);
  }
  for (const Config& config : configs.configs()) {
    if (config.alternative == 1) continue;
    if (!config.suppressed) {
      const auto found = of_first.find(config.state);
      if (found != of_first.end() && found->second == config.stack) continue;
    }
    filtered.add(*this, config);
  }
  return filtered;
}

std::optional<Predictor::ConfigSet> Predictor::reach(const ConfigSet& configs, TokenType token, bool full) {
  ConfigSet direct(full);
  std::vector<Config> finished;
  for (const Config& config : configs.configs()) {
    const State& state = grammar_.state(config.state);
    if (state.kind == StateKind::kRuleStop) {
      if (full || token == TokenType::kEof) finished.push_back(config);
      continue;
    }
    for (const Transition& transition : state.transitions) {
      if (transition.is_epsilon() || (transition.tokens & set_of(token)) == 0) continue;
      Config moved = config;
      moved.state = transition.target;
      direct.add(*this, moved);
    }
  }
  ConfigSet reached(full);
  if (finished.empty() && token != TokenType::kEof && direct.unique_alternative() != 0) {
    reached = direct;
  } else {
    Walk walk{.out = reached,
              .collect_predicates = false,
              .full = full,
              .eof_as_epsilon = token == TokenType::kEof};
    for (const Config& config : direct.configs()) close(config, walk);
  }
  if (token == TokenType::kEof) reached = only_finished(reached);
  if (!finished.empty() && (!full || !reached.any_finished(grammar_))) {
    for (const Config& config : finished) reached.add(*this, config);
  }
  if (reached.empty()) return std::nullopt;
  return reached;
}

Predictor::ConfigSet Predictor::only_finished(const ConfigSet& configs) {
  if (configs.all_finished(grammar_)) return configs;
  ConfigSet finished(false);
  for (const Config& config : configs.configs()) {
    if (grammar_.state(config.state).kind == StateKind::kRuleStop) finished.add(*this, config);
  }
  return finished;
}

/// Follows edges that take no token, in the order in which calls would, but without calls: with the whole
/// stack of rules at hand the way up can be long.
void Predictor::close(const Config& first, Walk& walk) {
  std::vector<Step> steps = {{first, 0}};
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    ++effort_;
    const Config& config = step.config;
    if (grammar_.state(config.state).kind != StateKind::kRuleStop) {
      follow_edges(step, walk, steps);
      continue;
    }
    if (is_empty(config.stack) && walk.full) {
      walk.out.add(*this, config);
      continue;
    }
    for (const Stack::Entry& entry : config.stack->entries) {
      if (entry.return_state != kEmptyState) {
        Config returned = config;
        returned.state = entry.return_state;
        returned.stack = entry.parent;
        returned.suppressed = false;
        steps.push_back({returned, step.depth});
      } else if (walk.full) {
        Config ended = config;
        ended.stack = empty_stack();
        walk.out.add(*this, ended);
      } else {
        follow_edges(step, walk, steps);
      }
    }
  }
}

void Predictor::follow_edges(const Step& step, Walk& walk, std::vector<Step>& steps) {
  const State& state = grammar_.state(step.config.state);
  if (!state.epsilon_only) walk.out.add(*this, step.config);
  const std::size_t first = steps.size();
  for (std::size_t i = 0; i < state.transitions.size(); ++i) {
    if (i == 0 && can_drop_loop_entry(step.config)) continue;
    if (const auto next = follow_edge(step, state.transitions[i], walk)) steps.push_back(*next);
  }
  std::reverse(steps.begin() + static_cast<std::ptrdiff_t>(first), steps.end());
}

std::optional<Predictor::Step> Predictor::follow_edge(const Step& step, const Transition& transition,
                                                      Walk& walk) {
  const State& state = grammar_.state(step.config.state);
  Step next = step;
  Config& config = next.config;
  config.state = transition.target;
  switch (transition.kind) {
    case Transition::Kind::kTokens:
      if (!walk.eof_as_epsilon || (transition.tokens & set_of(TokenType::kEof)) == 0) return std::nullopt;
      break;
    case Transition::Kind::kRule: config.stack = intern({{transition.follow, step.config.stack}}); break;
    case Transition::Kind::kPrecedence:
      if (!walk.collect_predicates || step.depth != 0) break;
      if (walk.full && transition.precedence < precedence_) return std::nullopt;
      if (!walk.full) config.precedence = transition.precedence;
      break;
    case Transition::Kind::kEpsilon: break;
  }
  const auto is_new = [&] {
    return walk.busy
        .emplace(config.state, config.alternative, config.stack, config.precedence, config.suppressed)
        .second;
  };
  if (state.kind == StateKind::kRuleStop) {
    // Falls off the end of the rule that decides: anybody may have called it.
    const State& decision = grammar_.state(decision_);
    if (decision.is_precedence_decision && transition.leaves_recursion && state.rule == decision.rule) {
      config.suppressed = true;
    }
    config.left_rule = true;
    --next.depth;
    return is_new() ? std::optional(next) : std::nullopt;
  }
  if (!transition.is_epsilon() && !is_new()) return std::nullopt;
  if (transition.kind == Transition::Kind::kRule && next.depth >= 0) ++next.depth;
  return next;
}

bool Predictor::can_drop_loop_entry(const Config& config) const {
  const State& state = grammar_.state(config.state);
  if (state.kind != StateKind::kStarLoopEntry || !state.is_precedence_decision) return false;
  if (has_empty_path(config.stack)) return false;
  const auto& entries = config.stack->entries;
  const StateId block_end = grammar_.state(state.transitions[0].target).block_end;
  return std::ranges::all_of(entries, [&](const Stack::Entry& entry) {
    return grammar_.state(entry.return_state).rule == state.rule &&
           returns_to_loop(entry.return_state, config.state, block_end);
  });
}

bool Predictor::returns_to_loop(StateId return_state, StateId loop, StateId block_end) const {
  const State& state = grammar_.state(return_state);
  if (state.transitions.size() != 1 || !state.transitions[0].is_epsilon()) return false;
  const StateId target = state.transitions[0].target;
  if (state.kind == StateKind::kBlockEnd && target == loop) return true;
  if (return_state == block_end || target == block_end) return true;
  const State& after = grammar_.state(target);
  return after.kind == StateKind::kBlockEnd && after.transitions.size() == 1 &&
         after.transitions[0].is_epsilon() && after.transitions[0].target == loop;
}

std::size_t Predictor::finished_alternative(const Grammar& grammar, const ConfigSet& configs) {
  std::size_t lowest = 0;
  for (const Config& config : configs.configs()) {
    const bool at_end =
        grammar.state(config.state).kind == StateKind::kRuleStop && has_empty_path(config.stack);
    if (!config.left_rule && !at_end) continue;
    if (lowest == 0 || config.alternative < lowest) lowest = config.alternative;
  }
  return lowest;
}

}  // namespace klutch::apiserver::cel::grammar
