// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "base/strings.h"
#include "kube/api/selector.h"

// The grammar and its corner cases are those of labels.Parse in k8s.io/apimachinery.

namespace klutch::kube {
namespace {

using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;
using Values = std::set<std::string, std::less<>>;

constexpr std::size_t kMaxNameBytes = 63;
constexpr std::size_t kMaxPrefixBytes = 253;

bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_name_text(std::string_view text) noexcept {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

/// RFC 1123, lower case.
bool is_subdomain(std::string_view text) {
  const auto labels = split(text, '.');
  return text.size() <= kMaxPrefixBytes &&
         std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
           return is_name_text(label) && std::none_of(label.begin(), label.end(), [](char c) {
                    return c == '_' || (c >= 'A' && c <= 'Z');
                  });
         });
}

bool is_label_key(std::string_view key) {
  if (const auto parts = split_once(key, "/")) {
    return is_subdomain(parts->first) && parts->second.size() <= kMaxNameBytes && is_name_text(parts->second);
  }
  return key.size() <= kMaxNameBytes && is_name_text(key);
}

bool is_label_value(std::string_view value) noexcept {
  return value.empty() || (value.size() <= kMaxNameBytes && is_name_text(value));
}

/// As strconv.ParseInt(text, 10, 64).
std::optional<std::int64_t> parse_whole_number(std::string_view text) noexcept {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_comparison(Operator op) noexcept {
  return op == Operator::kGreaterThan || op == Operator::kLessThan;
}

/// What is wrong with a requirement, empty if nothing is.
std::string problem_of(const Requirement& requirement) {
  if (!is_label_key(requirement.key)) return quote(requirement.key) + " is no label key";
  for (const auto& value : requirement.values) {
    if (!is_label_value(value)) return quote(value) + " is no label value";
    if (is_comparison(requirement.op) && !parse_whole_number(value)) {
      return quote(value) + " is no integer, which '<' and '>' need";
    }
  }
  return {};
}

enum class TokenKind {
  kEnd,
  kWord,
  kIn,
  kNotIn,
  kComma,
  kOpen,
  kClose,
  kNot,
  kEquals,
  kNotEquals,
  kGreaterThan,
  kLessThan,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text = {};
  std::size_t offset = 0;

  /// `in` and `notin` are operators only after a key.
  [[nodiscard]] bool is_word() const noexcept {
    return kind == TokenKind::kWord || kind == TokenKind::kIn || kind == TokenKind::kNotIn;
  }
};

constexpr std::string_view kWhiteSpace = " \t\r\n";

/// Longer ones first.
constexpr std::array kSymbols = {
    std::pair{std::string_view("=="), TokenKind::kEquals},
    std::pair{std::string_view("!="), TokenKind::kNotEquals},
    std::pair{std::string_view("="), TokenKind::kEquals},
    std::pair{std::string_view("!"), TokenKind::kNot},
    std::pair{std::string_view(">"), TokenKind::kGreaterThan},
    std::pair{std::string_view("<"), TokenKind::kLessThan},
    std::pair{std::string_view("("), TokenKind::kOpen},
    std::pair{std::string_view(")"), TokenKind::kClose},
    std::pair{std::string_view(","), TokenKind::kComma},
};

class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : text_(text) { advance(); }

  Result<std::vector<Requirement>> parse() {
    std::vector<Requirement> requirements;
    if (token_.kind == TokenKind::kEnd) return requirements;
    for (;;) {
      requirements.push_back(TRY(parse_requirement()));
      if (token_.kind == TokenKind::kEnd) return requirements;
      TRY(expect(TokenKind::kComma, "',' or the end"));
    }
  }

 private:
  void advance() {
    const auto start = text_.find_first_not_of(kWhiteSpace, position_);
    if (start == std::string_view::npos) {
      token_ = {TokenKind::kEnd, {}, text_.size()};
      return;
    }
    const auto rest = text_.substr(start);
    for (const auto& [symbol, kind] : kSymbols) {
      if (!rest.starts_with(symbol)) continue;
      token_ = {kind, symbol, start};
      position_ = start + symbol.size();
      return;
    }
    const auto word = rest.substr(0, rest.find_first_of(" \t\r\n=!(),><"));
    const auto kind = word == "in" ? TokenKind::kIn : word == "notin" ? TokenKind::kNotIn : TokenKind::kWord;
    token_ = {kind, word, start};
    position_ = start + word.size();
  }

  Token take() {
    const Token token = token_;
    advance();
    return token;
  }

  tl::unexpected<Error> unexpected(const Token& token, std::string_view expected) const {
    return fail(Code::kInvalid,
                "the label selector " + quote(text_) + " has " +
                    (token.kind == TokenKind::kEnd ? std::string("its end") : quote(token.text)) +
                    " at offset " + std::to_string(token.offset) + ", where " + std::string(expected) +
                    " is expected");
  }

  Result<> expect(TokenKind kind, std::string_view expected) {
    const Token token = take();
    if (token.kind != kind) return unexpected(token, expected);
    return {};
  }

  Result<Requirement> parse_requirement() {
    const auto offset = token_.offset;
    Requirement requirement;
    const bool negated = token_.kind == TokenKind::kNot;
    if (negated) advance();
    const Token key = take();
    if (!key.is_word()) return unexpected(key, negated ? "a key" : "a key or '!'");
    requirement.key = key.text;
    if (negated) {
      requirement.op = Operator::kDoesNotExist;
    } else if (token_.kind != TokenKind::kEnd && token_.kind != TokenKind::kComma) {
      requirement.op = TRY(parse_operator());
      const auto values = TRY(parse_values(requirement.op));
      requirement.values.assign(values.begin(), values.end());
    }
    if (const auto problem = problem_of(requirement); !problem.empty()) {
      return fail(Code::kInvalid, "the label selector " + quote(text_) + " is wrong at offset " +
                                      std::to_string(offset) + ": " + problem);
    }
    return requirement;
  }

  Result<Operator> parse_operator() {
    const Token token = take();
    switch (token.kind) {
      case TokenKind::kIn: return Operator::kIn;
      case TokenKind::kNotIn: return Operator::kNotIn;
      case TokenKind::kEquals: return Operator::kEquals;
      case TokenKind::kNotEquals: return Operator::kNotEquals;
      case TokenKind::kGreaterThan: return Operator::kGreaterThan;
      case TokenKind::kLessThan: return Operator::kLessThan;
      default: break;
    }
    return unexpected(token, "'=', '!=', 'in', 'notin', '<', '>', ',' or the end");
  }

  Result<Values> parse_values(Operator op) {
    if (op == Operator::kIn || op == Operator::kNotIn) return parse_set();
    if (token_.kind == TokenKind::kEnd || token_.kind == TokenKind::kComma) return Values{""};
    const Token value = take();
    if (!value.is_word()) return unexpected(value, "a value");
    return Values{std::string(value.text)};
  }

  /// "(a,b)". An empty piece is the empty value, but of two commas at the end one is too many.
  Result<Values> parse_set() {
    TRY(expect(TokenKind::kOpen, "'('"));
    Values values;
    if (token_.kind == TokenKind::kClose) {
      advance();
      return Values{""};
    }
    for (;;) {
      const Token token = take();
      if (token.is_word()) {
        values.emplace(token.text);
        if (token_.kind == TokenKind::kComma) continue;
        TRY(expect(TokenKind::kClose, "',' or ')'"));
        return values;
      }
      if (token.kind != TokenKind::kComma) return unexpected(token, "a value or ','");
      if (values.empty()) values.emplace();
      if (token_.kind == TokenKind::kClose) {
        advance();
        values.emplace();
        return values;
      }
      if (token_.kind == TokenKind::kComma) {
        advance();
        values.emplace();
      }
    }
  }

  std::string_view text_;
  std::size_t position_ = 0;
  Token token_;
};

std::vector<Requirement> normalized(std::vector<Requirement> requirements) {
  std::sort(requirements.begin(), requirements.end());
  requirements.erase(std::unique(requirements.begin(), requirements.end()), requirements.end());
  return requirements;
}

std::string_view text_between(Operator op) noexcept {
  switch (op) {
    case Operator::kEquals: return "=";
    case Operator::kNotEquals: return "!=";
    case Operator::kIn: return " in ";
    case Operator::kNotIn: return " notin ";
    case Operator::kGreaterThan: return ">";
    case Operator::kLessThan: return "<";
    case Operator::kExists:
    case Operator::kDoesNotExist: break;
  }
  return "";
}

std::string to_text(const Requirement& requirement) {
  std::string text = requirement.op == Operator::kDoesNotExist ? "!" : "";
  text.append(requirement.key).append(text_between(requirement.op));
  const bool set = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
  if (set) text += '(';
  text += join(requirement.values, ",");
  if (set) text += ')';
  return text;
}

bool satisfies(const Requirement& requirement, const json::Value* labels) noexcept {
  const auto value = labels == nullptr ? std::nullopt : labels->find_string(requirement.key);
  const auto listed = [&] {
    return std::find(requirement.values.begin(), requirement.values.end(), *value) !=
           requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::kEquals:
    case Operator::kIn: return value && listed();
    case Operator::kNotEquals:
    case Operator::kNotIn: return !value || !listed();
    case Operator::kExists: return value.has_value();
    case Operator::kDoesNotExist: return !value.has_value();
    case Operator::kGreaterThan:
    case Operator::kLessThan: break;
  }
  if (!value || requirement.values.size() != 1) return false;
  const auto number = parse_whole_number(*value);
  const auto limit = parse_whole_number(requirement.values.front());
  if (!number || !limit) return false;
  return requirement.op == Operator::kGreaterThan ? *number > *limit : *number < *limit;
}

std::optional<Operator> parse_expression_operator(std::string_view text) noexcept {
  if (text == "In") return Operator::kIn;
  if (text == "NotIn") return Operator::kNotIn;
  if (text == "Exists") return Operator::kExists;
  if (text == "DoesNotExist") return Operator::kDoesNotExist;
  return std::nullopt;
}

Result<std::vector<std::string>> read_expression_values(const json::Value& expression) {
  std::vector<std::string> values;
  const auto* list = expression.find("values");
  if (list == nullptr || list->is_null()) return values;
  if (!list->is_array()) return fail(Code::kInvalid, "values is no list");
  for (const auto& value : list->elements()) {
    if (!value.is_string()) return fail(Code::kInvalid, "values has an entry that is no string");
    values.emplace_back(value.as_string());
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

Result<Requirement> read_expression(const json::Value& expression) {
  if (!expression.is_object()) return fail(Code::kInvalid, "an object is expected");
  const auto name = expression.find_string("operator").value_or("");
  const auto op = parse_expression_operator(name);
  if (!op) {
    return fail(Code::kInvalid, "operator " + quote(name) + " is none of In, NotIn, Exists, DoesNotExist");
  }
  Requirement requirement{.key = std::string(expression.find_string("key").value_or("")), .op = *op};
  requirement.values = TRY(read_expression_values(expression));
  const bool takes_values = *op == Operator::kIn || *op == Operator::kNotIn;
  if (takes_values == requirement.values.empty()) {
    return fail(Code::kInvalid,
                "operator " + std::string(name) + (takes_values ? " needs values" : " takes no values"));
  }
  if (const auto problem = problem_of(requirement); !problem.empty()) return fail(Code::kInvalid, problem);
  return requirement;
}

Result<> read_match_labels(const json::Value& labels, std::vector<Requirement>& requirements) {
  if (labels.is_null()) return {};
  if (!labels.is_object()) return fail(Code::kInvalid, "matchLabels is no object");
  for (const auto& [key, value] : labels.members()) {
    if (!value.is_string()) return fail(Code::kInvalid, "matchLabels[" + quote(key) + "] is no string");
    Requirement requirement{
        .key = std::string(key), .op = Operator::kEquals, .values = {std::string(value.as_string())}};
    const auto problem = problem_of(requirement);
    if (!problem.empty()) return fail(Code::kInvalid, "matchLabels[" + quote(key) + "]: " + problem);
    requirements.push_back(std::move(requirement));
  }
  return {};
}

Result<> read_match_expressions(const json::Value& expressions, std::vector<Requirement>& requirements) {
  if (expressions.is_null()) return {};
  if (!expressions.is_array()) return fail(Code::kInvalid, "matchExpressions is no list");
  std::size_t index = 0;
  for (const auto& expression : expressions.elements()) {
    const auto path = "matchExpressions[" + std::to_string(index++) + "]";
    requirements.push_back(TRY(read_expression(expression).map_error(context(path))));
  }
  return {};
}

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return fail(Code::kTooLarge, "the label selector has " + std::to_string(text.size()) +
                                     " bytes, more than " + std::to_string(kMaxBytes));
  }
  LabelSelector selector;
  selector.requirements_ = normalized(TRY(SelectorParser(text).parse()));
  return selector;
}

Result<LabelSelector> LabelSelector::from_json(const json::Value& selector) {
  LabelSelector result;
  if (selector.is_null()) return result;
  if (!selector.is_object()) return fail(Code::kInvalid, "a label selector is no object");
  std::vector<Requirement> requirements;
  if (const auto* labels = selector.find("matchLabels")) TRY(read_match_labels(*labels, requirements));
  if (const auto* expressions = selector.find("matchExpressions")) {
    TRY(read_match_expressions(*expressions, requirements));
  }
  result.requirements_ = normalized(std::move(requirements));
  return result;
}

LabelSelector LabelSelector::from_labels(const json::Value& labels) {
  LabelSelector selector;
  if (!labels.is_object()) return selector;
  std::vector<Requirement> requirements;
  for (const auto& [key, value] : labels.members()) {
    if (!value.is_string()) continue;
    requirements.push_back(
        {.key = std::string(key), .op = Operator::kEquals, .values = {std::string(value.as_string())}});
  }
  selector.requirements_ = normalized(std::move(requirements));
  return selector;
}

LabelSelector LabelSelector::exactly(std::string_view key, std::string_view value) {
  LabelSelector selector;
  selector.requirements_.push_back(
      {.key = std::string(key), .op = Operator::kEquals, .values = {std::string(value)}});
  return selector;
}

LabelSelector LabelSelector::nothing() {
  // A contradiction rather than a flag: it has a text, so a server that is sent it selects nothing either.
  LabelSelector selector;
  selector.requirements_ = {{.key = "nothing", .op = Operator::kExists},
                            {.key = "nothing", .op = Operator::kDoesNotExist}};
  return selector;
}

bool LabelSelector::matches_labels(const json::Value* labels) const noexcept {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [labels](const Requirement& requirement) { return satisfies(requirement, labels); });
}

bool LabelSelector::matches(const json::Value& object) const noexcept {
  const auto* metadata = object.find_object("metadata");
  return matches_labels(metadata == nullptr ? nullptr : metadata->find_object("labels"));
}

std::string LabelSelector::to_string() const {
  std::vector<std::string> texts;
  texts.reserve(requirements_.size());
  for (const auto& requirement : requirements_) texts.push_back(to_text(requirement));
  return join(texts, ",");
}

}  // namespace klutch::kube
