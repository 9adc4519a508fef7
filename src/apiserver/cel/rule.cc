// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/rule.h"

#include <utility>

#include "apiserver/cel/environment.h"
#include "apiserver/cel/go_text.h"
#include "apiserver/schema/field_error.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kOldSelf = "oldSelf";

void compile_message(const ValidationRule& rule, const cel::Environment& environment,
                     CompiledRule& compiled) {
  auto message = cel::Expression::compile(rule.message_expression, environment);
  if (!message) {
    compiled.message_error = "messageExpression compilation failed: " + message.error().message();
  } else if (!message->type().is(cel::TypeKind::kString)) {
    compiled.message_error = "messageExpression must evaluate to a string";
  } else if (const auto plannable = message->plannable(); !plannable) {
    compiled.message_error = "messageExpression instantiation failed: " + plannable.error().message();
  } else {
    compiled.message = *std::move(message);
  }
}

cel::Environment environment_of(const std::shared_ptr<const cel::Schema>& node, const ValidationRule& rule,
                                int kube_minor) {
  cel::Environment environment(cel::Environment::Options{.kube_minor = kube_minor});
  environment.declare_self(node, rule.optional_old_self.value_or(false));
  return environment;
}

/// Takes a path apart: '.', '[', ']' and what stands between them; what is quoted is one token.
std::optional<std::string_view> next_token(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  std::size_t length = 1;
  if (rest.front() == '\'') {
    while (length < rest.size() && (rest[length] != '\'' || rest[length - 1] == '\\')) ++length;
    length = std::min(length + 1, rest.size());
  } else if (std::string_view(".[]").find(rest.front()) == std::string_view::npos) {
    length = std::min(rest.find_first_of(".[]"), rest.size());
  }
  const std::string_view token = rest.substr(0, length);
  rest.remove_prefix(length);
  return token;
}

Result<std::string> unescape_single_quotes(std::string_view text) {
  static constexpr std::string_view kLetters = "abfnrtv'\\";
  static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v'\\";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size() || text[i + 1] == '\n') {
      out += text[i];
      continue;
    }
    const std::size_t letter = kLetters.find(text[++i]);
    if (letter == std::string_view::npos) return fail(Code::kInvalid, "invalid escape char");
    out += kMeanings[letter];
  }
  return out;
}

class FieldPathWalk {
 public:
  explicit FieldPathWalk(const StructuralSchema& schema) : schema_(&schema) {}

  Result<void> step(const std::string& name) {
    if (!schema_->properties.empty()) {
      path_ = path_.child(name);
      schema_ = schema_->find_property(name);
    } else if (schema_->additional() != nullptr) {
      path_ = path_.key(name);
      schema_ = schema_->additional();
    } else {
      schema_ = nullptr;
    }
    if (schema_ == nullptr) return fail(Code::kInvalid, "does not refer to a valid field");
    return {};
  }

  [[nodiscard]] const FieldPath& path() const { return path_; }

 private:
  const StructuralSchema* schema_;
  FieldPath path_;
};

}  // namespace

Result<std::string> resolve_field_path(std::string_view path, const StructuralSchema& schema) {
  FieldPathWalk walk(schema);
  while (const auto token = next_token(path)) {
    if (*token != "." && *token != "[") {
      return fail(Code::kInvalid, "expected [ or . but got: " + std::string(*token));
    }
    const auto name = next_token(path);
    if (!name) return fail(Code::kInvalid, "unexpected end of JSON path");
    if (*token == ".") {
      TRY(walk.step(std::string(*name)));
      continue;
    }
    if (name->size() < 2 || !name->starts_with('\'') || !name->ends_with('\'')) {
      return fail(Code::kInvalid, "expected single quoted string but got " + std::string(*name));
    }
    const std::string unescaped = TRY(unescape_single_quotes(name->substr(1, name->size() - 2)));
    TRY(walk.step(unescaped));
    if (next_token(path) != "]") return fail(Code::kInvalid, "expected ]");
  }
  return walk.path().to_string();
}

CompiledRule compile_rule(const ValidationRule& rule, const std::shared_ptr<const cel::Schema>& node,
                          const StructuralSchema& schema, KubeMinors minors) {
  CompiledRule compiled;
  if (cel::go_trim_space(rule.rule).empty()) return compiled;
  const cel::Environment environment = environment_of(node, rule, minors.rule);
  auto expression = cel::Expression::compile(rule.rule, environment);
  if (!expression) {
    compiled.rule_error = "compilation failed: " + expression.error().message();
    return compiled;
  }
  if (!expression->type().is(cel::TypeKind::kBool)) {
    compiled.rule_error = "cel expression must evaluate to a bool";
    return compiled;
  }
  compiled.uses_old_self = expression->mentions(kOldSelf);
  if (const auto plannable = expression->plannable(); !plannable) {
    compiled.rule_error = "program instantiation failed: " + plannable.error().message();
    return compiled;
  }
  compiled.rule = *std::move(expression);
  if (!rule.message_expression.empty()) {
    compile_message(rule, environment_of(node, rule, minors.message), compiled);
    if (!compiled.message_error.empty()) return compiled;
  }
  if (!rule.field_path.empty()) {
    if (auto path = resolve_field_path(rule.field_path, schema)) compiled.field_path = *std::move(path);
  }
  return compiled;
}

}  // namespace klutch::apiserver
