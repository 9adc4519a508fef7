// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "json/print.h"
#include "kube/api/selector.h"

// The grammar and its corner cases are those of fields.ParseSelector in k8s.io/apimachinery.

namespace klutch::kube {
namespace {

using FieldRequirement = FieldSelector::Requirement;

/// The pieces between commas that no backslash escapes.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ',') {
      terms.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  terms.push_back(text.substr(start));
  return terms;
}

Result<std::string> unescape(std::string_view value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == ',' || c == '=') return fail(Code::kInvalid, std::string("'") + c + "' needs a backslash");
    if (c == '\\') {
      ++i;
      const bool known = i < value.size() && (value[i] == '\\' || value[i] == ',' || value[i] == '=');
      if (!known) return fail(Code::kInvalid, "a backslash escapes only ',', '=' and itself");
    }
    text += value[i];
  }
  return text;
}

std::string escape(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == ',' || c == '=') text += '\\';
    text += c;
  }
  return text;
}

Result<FieldRequirement> parse_term(std::string_view term) {
  const auto equals = term.find('=');
  if (equals == std::string_view::npos) return fail(Code::kInvalid, "'=' or '!=' is expected");
  const bool negated = equals > 0 && term[equals - 1] == '!';
  auto value = term.substr(equals + 1);
  if (!negated && value.starts_with('=')) value.remove_prefix(1);
  FieldRequirement requirement;
  requirement.field = term.substr(0, negated ? equals - 1 : equals);
  requirement.equal = !negated;
  requirement.value = TRY(unescape(value));
  return requirement;
}

std::string value_at(const json::Value& object, std::string_view path) {
  const json::Value* value = &object;
  for (const auto step : split(path, '.')) {
    value = value->find(step);
    if (value == nullptr) return {};
  }
  if (value->is_string()) return std::string(value->as_string());
  return value->is_bool() || value->is_number() ? json::print(*value) : std::string();
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return fail(Code::kTooLarge, "the field selector has " + std::to_string(text.size()) +
                                     " bytes, more than " + std::to_string(kMaxBytes));
  }
  FieldSelector selector;
  auto& requirements = selector.requirements_;
  for (const auto term : split_terms(text)) {
    if (term.empty()) continue;
    auto requirement = parse_term(term);
    if (!requirement) {
      return fail(requirement.error().with_context("the field selector " + quote(text) +
                                                   " is wrong at offset " +
                                                   std::to_string(term.data() - text.data())));
    }
    // As in Kubernetes, "=" says nothing.
    if (requirement->field.empty() && requirement->value.empty()) continue;
    requirements.push_back(*std::move(requirement));
  }
  std::sort(requirements.begin(), requirements.end());
  requirements.erase(std::unique(requirements.begin(), requirements.end()), requirements.end());
  return selector;
}

FieldSelector FieldSelector::exactly(std::string_view field, std::string_view value) {
  FieldSelector selector;
  selector.requirements_.push_back({std::string(field), true, std::string(value)});
  return selector;
}

bool FieldSelector::matches(const std::function<std::string(std::string_view field)>& value_of) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    return (value_of(requirement.field) == requirement.value) == requirement.equal;
  });
}

bool FieldSelector::matches(const json::Value& object) const {
  return matches([&object](std::string_view field) { return value_at(object, field); });
}

std::optional<std::string_view> FieldSelector::required_value(std::string_view field) const noexcept {
  for (const auto& requirement : requirements_) {
    if (requirement.equal && requirement.field == field) return requirement.value;
  }
  return std::nullopt;
}

std::string FieldSelector::to_string() const {
  std::vector<std::string> terms;
  terms.reserve(requirements_.size());
  for (const auto& [field, equal, value] : requirements_) {
    terms.push_back(field + (equal ? "=" : "!=") + escape(value));
  }
  return join(terms, ",");
}

}  // namespace klutch::kube
