// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "apiserver/cel/compiled_rules.h"
#include "apiserver/cel/go_text.h"
#include "apiserver/cel/validation_rules.h"
#include "apiserver/schema/correlation.h"
#include "json/build.h"

namespace klutch::apiserver {
namespace {

constexpr std::uint64_t kCallLimit = 1'000'000;
constexpr std::int64_t kObjectBudget = 10'000'000;
constexpr std::size_t kMaxMessageBytes = std::size_t{5} * 1024;

/// The way to a value, written out only for errors.
struct Place {
  enum class Step : std::uint8_t { kRoot, kChild, kKey, kIndex };
  const Place* parent = nullptr;
  Step step = Step::kRoot;
  std::string_view name = {};
  std::size_t index = 0;

  [[nodiscard]] FieldPath path() const {
    switch (step) {
      case Step::kRoot: return {};
      case Step::kChild: return parent->path().child(name);
      case Step::kKey: return parent->path().key(name);
      case Step::kIndex: return parent->path().index(index);
    }
    return {};
  }
};

/// What stands for a value in the old object, to find out whether it changed: its own counterpart, or that of
/// the nearest part around it that has one.
struct Ratchet {
  Correlation* current = nullptr;
  Correlation* nearest = nullptr;

  [[nodiscard]] bool is_unchanged() const {
    Correlation* known = current != nullptr ? current : nearest;
    return known != nullptr && known->is_unchanged();
  }
};

class RuleCheck {
 public:
  explicit RuleCheck(std::vector<std::string>* warnings) : warnings_(warnings) {}

  void check(const RuleNode& node, const Place& place, const json::Value& value, const json::Value* old,
             const Ratchet& ratchet) {
    if (value.is_null()) return;
    check_own(node, place, value, old, ratchet);
    for (const auto& branch : node.all_of()) {
      if (is_over()) return;
      check(*branch, place, value, old, {.nearest = ratchet.nearest});
    }
    if (is_over()) return;
    if (value.is_array()) check_elements(node, place, value, old, ratchet);
    if (value.is_object()) check_members(node, place, value, old, ratchet);
  }

  FieldErrors take_errors() { return std::move(errors_); }

 private:
  /// All that one node's rules look at.
  struct Target {
    const RuleNode& node;
    const Place& place;
    const Ratchet& ratchet;
    std::array<std::pair<std::string_view, cel::Value>, 2> plain;
    std::array<std::pair<std::string_view, cel::Value>, 2> optional;
    bool has_old;

    [[nodiscard]] json::Value type() const { return node.schema().type_name(); }
    [[nodiscard]] cel::Activation activation(const ValidationRule& rule) const {
      if (rule.optional_old_self.value_or(false)) return optional;
      return cel::Activation(plain).first(has_old ? 2 : 1);
    }
  };

  [[nodiscard]] bool is_over() const { return budget_ < 0; }

  void check_elements(const RuleNode& node, const Place& place, const json::Value& value,
                      const json::Value* old, const Ratchet& ratchet) {
    if (node.items() == nullptr) return;
    const json::Value none = json::array();
    const KeyedElements olds(old != nullptr && old->is_array() ? *old : none, node.schema());
    for (std::size_t i = 0; i < value.size() && !is_over(); ++i) {
      auto part = ratchet.current == nullptr ? std::nullopt : ratchet.current->element(i);
      check(*node.items(), {.parent = &place, .step = Place::Step::kIndex, .index = i}, value.at(i),
            olds.find(value.at(i)), step(ratchet, part));
    }
  }

  static Ratchet step(const Ratchet& ratchet, std::optional<Correlation>& part) {
    if (ratchet.current == nullptr) return ratchet;
    return {.current = part ? &*part : nullptr, .nearest = ratchet.current};
  }

  void check_members(const RuleNode& node, const Place& place, const json::Value& value,
                     const json::Value* old, const Ratchet& ratchet) {
    for (const auto& [key, content] : value.members()) {
      if (node.additional() != nullptr && !is_over()) {
        check_member(*node.additional(), {.parent = &place, .step = Place::Step::kKey, .name = key}, content,
                     old, ratchet);
      }
    }
    for (const auto& [key, content] : value.members()) {
      const RuleNode* property = node.find_property(key);
      if (property != nullptr && !is_over()) {
        check_member(*property, {.parent = &place, .step = Place::Step::kChild, .name = key}, content, old,
                     ratchet);
      }
    }
  }

  void check_member(const RuleNode& node, const Place& place, const json::Value& value,
                    const json::Value* old, const Ratchet& ratchet) {
    const json::Value* old_value = old != nullptr && old->is_object() ? old->find(place.name) : nullptr;
    // apiVersion and kind of the root are not compared: both objects were converted to one version.
    const bool is_version =
        ratchet.nearest == nullptr && (place.name == "apiVersion" || place.name == "kind");
    if (is_version && ratchet.current != nullptr) {
      check(node, place, value, old_value, {});
      return;
    }
    auto part = ratchet.current == nullptr ? std::nullopt : ratchet.current->member(place.name);
    check(node, place, value, old_value, step(ratchet, part));
  }

  void check_own(const RuleNode& node, const Place& place, const json::Value& value, const json::Value* old,
                 const Ratchet& ratchet) {
    if (node.rules().empty()) return;
    const json::Value type = node.schema().type_name();
    if (node.node() == nullptr) {
      add(FieldError::invalid(place.path(), type,
                              "rule compiler initialization error: failed to convert to declType for CEL "
                              "validation rules"));
      return;
    }
    if (budget_ == 0) {
      out_of_budget(place.path(), type);
      return;
    }
    if (old != nullptr && old->is_null()) old = nullptr;
    const cel::Value self = cel::Value::from_json(value, *node.node());
    const cel::Value old_self = old == nullptr ? cel::Value() : cel::Value::from_json(*old, *node.node());
    const Target target{.node = node,
                        .place = place,
                        .ratchet = ratchet,
                        .plain = {{{"self", self}, {"oldSelf", old_self}}},
                        .optional = {{{"self", self},
                                      {"oldSelf", old == nullptr ? cel::Value::optional_none()
                                                                 : cel::Value::optional_of(old_self)}}},
                        .has_old = old != nullptr};
    for (std::size_t i = 0; i < node.rules().size() && !is_over(); ++i) {
      check_rule(target, node.rules()[i], node.compiled()[i]);
    }
  }

  void add(FieldError error) { errors_.push_back(std::move(error)); }

  void out_of_budget(const FieldPath& path, const json::Value& type) {
    add(FieldError::invalid(
        path, type,
        "validation failed due to running out of cost budget, no further validation rules will be run"));
    budget_ = -1;
  }

  void check_rule(const Target& target, const ValidationRule& rule, const CompiledRule& compiled) {
    if (!compiled.rule_error.empty()) {
      add(FieldError::invalid(target.place.path(), target.type(),
                              "rule compile error: " + compiled.rule_error));
      return;
    }
    if (!compiled.rule) return;
    if (compiled.uses_old_self && !target.has_old && !rule.optional_old_self.value_or(false)) return;
    const cel::Evaluation answer = compiled.rule->evaluate(target.activation(rule), kCallLimit);
    if (answer.cost > static_cast<std::uint64_t>(budget_)) {
      out_of_budget(target.place.path(), target.type());
      return;
    }
    budget_ -= static_cast<std::int64_t>(answer.cost);
    if (answer.value.is_error()) {
      failed_evaluation(target, rule, answer);
    } else if (!answer.value.is_bool(true)) {
      broken(target, rule, compiled);
    }
  }

  static std::string shown_text(const ValidationRule& rule) {
    return std::string(cel::go_trim_space(rule.message.empty() ? rule.rule : rule.message));
  }

  void failed_evaluation(const Target& target, const ValidationRule& rule, const cel::Evaluation& answer) {
    const std::string error(answer.value.as_text());
    std::string detail;
    if (error.starts_with("no such overload")) {
      detail =
          "'" + error +
          "': call arguments did not match a supported operator, function or macro signature for rule: " +
          shown_text(rule);
    } else if (answer.is_cancelled) {
      detail = "'" + error +
               "': no further validation rules will be run due to call cost exceeds limit for rule: " +
               shown_text(rule);
      budget_ = -1;
    } else {
      detail = error + " evaluating rule: " + shown_text(rule);
    }
    add(FieldError::invalid(target.place.path(), target.type(), detail));
  }

  void broken(const Target& target, const ValidationRule& rule, const CompiledRule& compiled) {
    FieldPath path = target.place.path();
    if (!compiled.field_path.empty()) path = path.child(compiled.field_path);
    const std::string usual = rule.message.empty() ? "failed rule: " + shown_text(rule) : shown_text(rule);
    FieldError error = error_for(rule, path, target.type(), usual);
    if (compiled.message) {
      auto message = evaluate_message(target, rule, *compiled.message);
      if (message && is_over()) {
        error = FieldError::invalid(path, target.type(), *message);
      } else if (message) {
        error = error_for(rule, path, target.type(), *message);
      }
    }
    if (!compiled.uses_old_self && target.ratchet.is_unchanged()) {
      if (warnings_ != nullptr) warnings_->push_back(error.to_string());
    } else {
      add(std::move(error));
    }
  }

  static FieldError error_for(const ValidationRule& rule, const FieldPath& path, const json::Value& type,
                              std::string_view detail) {
    if (rule.reason == "FieldValueForbidden") return FieldError::forbidden(path, detail);
    if (rule.reason == "FieldValueRequired") return FieldError::required(path, detail);
    if (rule.reason == "FieldValueDuplicate") return FieldError::duplicate(path, type);
    return FieldError::invalid(path, type, detail);
  }

  /// Nothing when the usual message has to do. When the budget does not last, it is over and says why.
  std::optional<std::string> evaluate_message(const Target& target, const ValidationRule& rule,
                                              const cel::Expression& expression) {
    const cel::Evaluation answer = expression.evaluate(target.activation(rule), kCallLimit);
    if (answer.cost > static_cast<std::uint64_t>(budget_)) {
      budget_ = -1;
      return "messageExpression evaluation failed due to running out of cost budget, no further validation "
             "rules "
             "will be run";
    }
    if (answer.is_cancelled) {
      budget_ = -1;
      return "no further validation rules will be run due to call cost exceeds limit for "
             "messageExpression: " +
             json_quoted(rule.message_expression);
    }
    budget_ -= static_cast<std::int64_t>(answer.cost);
    if (answer.value.kind() != cel::Kind::kString) return std::nullopt;
    const std::string_view message = cel::go_trim_space(answer.value.as_text());
    if (message.empty() || message.size() > kMaxMessageBytes ||
        message.find('\n') != std::string_view::npos) {
      return std::nullopt;
    }
    return std::string(message);
  }

  static std::string json_quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

  std::int64_t budget_ = kObjectBudget;
  FieldErrors errors_;
  std::vector<std::string>* warnings_;
};

}  // namespace

FieldErrors check_rules(const CompiledRules& rules, const json::Value& object, const json::Value* old,
                        std::vector<std::string>* warnings) {
  if (rules.empty()) return {};
  RuleCheck check(warnings);
  if (old == nullptr) {
    check.check(*rules.root(), {}, object, nullptr, {});
  } else {
    Correlation correlation(object, *old, rules.root()->schema());
    check.check(*rules.root(), {}, object, old, {.current = &correlation});
  }
  return check.take_errors();
}

std::optional<FieldError> reason_not_to_check_rules(const FieldErrors& errors) {
  const bool is_blocked = std::ranges::any_of(errors, [](const FieldError& error) {
    switch (error.type) {
      case FieldErrorType::kNotSupported:
      case FieldErrorType::kRequired:
      case FieldErrorType::kTooLong:
      case FieldErrorType::kTooMany:
      case FieldErrorType::kTypeInvalid: return true;
      default: return false;
    }
  });
  if (!is_blocked) return std::nullopt;
  return FieldError::invalid(
      FieldPath(), json::Value(),
      "some validation rules were not checked because the object was invalid; correct the "
      "existing errors to complete validation");
}

}  // namespace klutch::apiserver
