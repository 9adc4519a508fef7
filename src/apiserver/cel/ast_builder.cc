// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/ast_builder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "apiserver/cel/go_text.h"
#include "base/strings.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::uint16_t kMaxNesting = 250;

std::shared_ptr<const NodeExtras> optional_extras(std::vector<bool> optional) {
  if (std::ranges::find(optional, true) == optional.end()) return nullptr;
  auto extras = std::make_shared<NodeExtras>();
  extras->optional = std::move(optional);
  return extras;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string normalized_line_breaks(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
      continue;
    }
    out += '\n';
    if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
  }
  return out;
}

char simple_escape(char c) {
  switch (c) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return c;
  }
}

/// Appends what the escape sequence at `text` (after its backslash) stands for; returns its length.
Result<std::size_t> append_escape(std::string& out, std::string_view text, bool is_bytes) {
  const char c = text[0];
  std::size_t digits = 0;
  int base = 16;
  if (c == 'x' || c == 'X') {
    digits = 2;
  } else if (c == 'u' || c == 'U') {
    if (is_bytes) return fail(Code::kInvalid, "unable to unescape string");
    digits = c == 'u' ? 4 : 8;
  } else if (c >= '0' && c <= '3') {
    digits = 3;
    base = 8;
  } else {
    out += simple_escape(c);
    return 1;
  }
  const std::size_t first = base == 8 ? 0 : 1;
  if (text.size() < first + digits) return fail(Code::kInvalid, "unable to unescape string");
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const int digit = hex_digit(text[first + i]);
    if (digit < 0 || digit >= base) return fail(Code::kInvalid, "unable to unescape string");
    value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
  }
  if (is_bytes) {
    out += static_cast<char>(value);
  } else if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return fail(Code::kInvalid, "invalid unicode code point");
  } else {
    append_utf8(out, value);
  }
  return first + digits;
}

}  // namespace

bool is_reserved_identifier(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 21> kWords = {
      "as",  "break", "const",   "continue",  "else", "false",  "for",  "function", "if",   "import", "in",
      "let", "loop",  "package", "namespace", "null", "return", "true", "var",      "void", "while"};
  return std::ranges::find(kWords, name) != kWords.end();
}

Result<std::string> unescape_literal(std::string_view literal, bool is_bytes) {
  std::string text = normalized_line_breaks(literal);
  std::string_view rest = text;
  const bool is_raw = rest.starts_with('r') || rest.starts_with('R');
  if (is_raw) rest.remove_prefix(1);
  const bool is_long = rest.size() >= 6 && rest[0] == rest[1] && rest[1] == rest[2];
  const std::size_t quotes = is_long ? 3 : 1;
  rest = rest.substr(quotes, rest.size() - 2 * quotes);
  if (is_raw || rest.find('\\') == std::string_view::npos) return std::string(rest);
  std::string out;
  while (!rest.empty()) {
    if (rest[0] != '\\') {
      out += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    if (rest.size() == 1)
      return fail(Code::kInvalid, "unable to unescape string, found '\\' as last character");
    rest.remove_prefix(1 + TRY(append_escape(out, rest.substr(1), is_bytes)));
  }
  return out;
}

std::string_view binary_function(TokenType type) noexcept {
  switch (type) {
    case TokenType::kEquals: return function::kEquals;
    case TokenType::kNotEquals: return function::kNotEquals;
    case TokenType::kIn: return function::kIn;
    case TokenType::kLess: return function::kLess;
    case TokenType::kLessEquals: return function::kLessEquals;
    case TokenType::kGreater: return function::kGreater;
    case TokenType::kGreaterEquals: return function::kGreaterEquals;
    case TokenType::kPlus: return function::kAdd;
    case TokenType::kMinus: return function::kSubtract;
    case TokenType::kStar: return function::kMultiply;
    case TokenType::kSlash: return function::kDivide;
    case TokenType::kPercent: return function::kModulo;
    default: return {};
  }
}

std::string qualified_name(const Ast& ast, NodeId id) {
  std::vector<std::string_view> parts;
  for (;; id = ast.node(id).children[0]) {
    const Node& node = ast.node(id);
    if (node.kind != NodeKind::kIdent && (node.kind != NodeKind::kSelect || node.test_only)) return {};
    parts.push_back(node.name);
    if (node.kind == NodeKind::kIdent) break;
  }
  std::ranges::reverse(parts);
  return join(parts, ".");
}

void AstBuilder::set_depth(NodeId id, std::span<const NodeId> children, Nesting nesting) {
  std::uint16_t depth = 0;
  for (const NodeId child : children) {
    if (child < depths_.size()) depth = std::max(depth, depths_[child]);
  }
  if (nesting == Nesting::kCounted && ++depth > kMaxNesting && !too_deep_) {
    too_deep_ = true;
    issues_.report(kNoPosition, "max recursion depth exceeded");
  }
  if (depths_.size() <= id) depths_.resize(id + 1);
  depths_[id] = depth;
}

NodeId AstBuilder::add(Node node, Nesting nesting) {
  const NodeId id = ast_.add(std::move(node));
  set_depth(id, ast_.node(id).children, nesting);
  return id;
}

NodeId AstBuilder::unspecified(std::int32_t position) {
  return add({.kind = NodeKind::kUnspecified, .position = position});
}

NodeId AstBuilder::placeholder(std::int32_t position) {
  return literal(position, Value::string("<<error>>"));
}

NodeId AstBuilder::report(std::int32_t position, std::string message) {
  issues_.report(position, std::move(message));
  return unspecified(position);
}

NodeId AstBuilder::literal(std::int32_t position, Value value) {
  return add({.kind = NodeKind::kLiteral, .position = position, .literal = std::move(value)});
}

NodeId AstBuilder::number(const Token& token, bool negative, std::int32_t position) {
  std::string text(token.text);
  if (token.type == TokenType::kFloat) {
    const auto value = go_parse_double(text);
    if (!value) return report(position, "invalid double literal");
    return literal(position, Value::real(negative ? -*value : *value));
  }
  const bool is_uint = token.type == TokenType::kUint;
  if (is_uint) text.pop_back();
  const bool is_hex = text.starts_with("0x");
  if (is_hex) text.erase(0, 2);
  if (negative) text.insert(0, "-");
  const int base = is_hex ? 16 : 10;
  const char* end = text.data() + text.size();
  if (is_uint) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), end, value, base);
    if (parsed.ec != std::errc() || parsed.ptr != end) return report(position, "invalid uint literal");
    return literal(position, Value::uinteger(value));
  }
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), end, value, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return report(position, "invalid int literal");
  return literal(position, Value::integer(value));
}

NodeId AstBuilder::text_literal(const Token& token, std::string_view text, bool is_bytes) {
  auto content = unescape_literal(text, is_bytes);
  if (!content) {
    issues_.report(token.position, content.error().message());
    content = std::string(text);
  }
  return literal(token.position, is_bytes ? Value::bytes(*content) : Value::string(*content));
}

NodeId AstBuilder::string(const Token& token) {
  return text_literal(token, token.text, false);
}

NodeId AstBuilder::bytes(const Token& token) {
  return text_literal(token, token.text.substr(1), true);
}

NodeId AstBuilder::constant(const Token& token) {
  if (token.type == TokenType::kNull) return literal(token.position, Value());
  return literal(token.position, Value::boolean(token.type == TokenType::kTrue));
}

NodeId AstBuilder::ident(const Token& name, bool leading_dot, std::int32_t position) {
  if (is_reserved_identifier(name.text)) {
    return report(position, "reserved identifier: " + std::string(name.text));
  }
  const std::string_view text =
      leading_dot ? ast_.keep('.' + std::string(name.text)) : ast_.keep(std::string(name.text));
  return add({.kind = NodeKind::kIdent, .position = name.position, .name = text});
}

NodeId AstBuilder::select(NodeId operand, const Token& dot, const Token& field, bool optional) {
  std::string_view name = ast_.keep(std::string(field.text));
  if (field.type == TokenType::kEscapedIdentifier) {
    issues_.report(field.position, "unsupported syntax: '`'");
    name = {};
  }
  if (!optional) {
    return add({.kind = NodeKind::kSelect, .position = dot.position, .name = name, .children = {operand}},
               Nesting::kCounted);
  }
  const NodeId key = literal(field.position, Value::string(name));
  return add({.kind = NodeKind::kCall,
              .position = dot.position,
              .name = function::kOptionalSelect,
              .children = {operand, key}},
             Nesting::kCounted);
}

NodeId AstBuilder::index(NodeId operand, const Token& bracket, NodeId key, bool optional) {
  return call_or_macro(bracket.position, optional ? function::kOptionalIndex : function::kIndex, false,
                       {operand, key}, Nesting::kCounted);
}

NodeId AstBuilder::global_call(const Token& name, bool leading_dot, std::int32_t position, const Token& paren,
                               std::vector<NodeId> arguments) {
  if (is_reserved_identifier(name.text)) {
    return report(position, "reserved identifier: " + std::string(name.text));
  }
  const std::string_view text =
      leading_dot ? ast_.keep('.' + std::string(name.text)) : ast_.keep(std::string(name.text));
  return call_or_macro(paren.position, text, false, std::move(arguments), Nesting::kFree);
}

NodeId AstBuilder::method_call(NodeId target, std::string_view name, const Token& paren,
                               std::vector<NodeId> arguments) {
  arguments.insert(arguments.begin(), target);
  return call_or_macro(paren.position, ast_.keep(std::string(name)), true, std::move(arguments),
                       Nesting::kCounted);
}

NodeId AstBuilder::operation(std::string_view function, std::int32_t position, std::vector<NodeId> operands) {
  const Nesting nesting = operands.size() > 1 ? Nesting::kCounted : Nesting::kFree;
  return call_or_macro(position, function, false, std::move(operands), nesting);
}

NodeId AstBuilder::call_or_macro(std::int32_t position, std::string_view function, bool is_method,
                                 std::vector<NodeId> children, Nesting nesting) {
  MacroExpansion macro = expand_macro(ast_, macros_, position, function, is_method, children);
  NodeId id = macro.node;
  switch (macro.outcome) {
    case MacroExpansion::Outcome::kNoMacro:
      return add({.kind = NodeKind::kCall,
                  .is_method = is_method,
                  .position = position,
                  .name = function,
                  .children = std::move(children)},
                 nesting);
    case MacroExpansion::Outcome::kFailed: id = report(macro.position, std::move(macro.message)); break;
    case MacroExpansion::Outcome::kExpanded: break;
  }
  set_depth(id, children, nesting);
  return id;
}

NodeId AstBuilder::logical(std::string_view function, std::span<const NodeId> terms,
                           std::span<const std::int32_t> operators) {
  return operators.empty() ? terms[0] : balance(function, terms, operators);
}

// Recursion is as deep as the logarithm of the number of terms.
NodeId AstBuilder::balance(std::string_view function, std::span<const NodeId> terms,
                           std::span<const std::int32_t> operators) {
  const std::size_t middle = operators.size() / 2;
  const NodeId left =
      middle == 0 ? terms[0] : balance(function, terms.first(middle + 1), operators.first(middle));
  const auto rest = operators.subspan(middle + 1);
  const NodeId right = rest.empty() ? terms[middle + 1] : balance(function, terms.subspan(middle + 1), rest);
  return add(
      {.kind = NodeKind::kCall, .position = operators[middle], .name = function, .children = {left, right}});
}

NodeId AstBuilder::list(const Token& bracket, std::vector<NodeId> elements, std::vector<bool> optional) {
  return add({.kind = NodeKind::kList,
              .position = bracket.position,
              .children = std::move(elements),
              .extras = optional_extras(std::move(optional))});
}

NodeId AstBuilder::map(const Token& brace, std::vector<NodeId> keys_and_values, std::vector<bool> optional) {
  return add({.kind = NodeKind::kMap,
              .position = brace.position,
              .children = std::move(keys_and_values),
              .extras = optional_extras(std::move(optional))});
}

NodeId AstBuilder::structure(std::string name, const Token& brace, std::vector<StructField> fields) {
  Node node{.kind = NodeKind::kStruct, .position = brace.position, .name = ast_.keep(std::move(name))};
  auto extras = std::make_shared<NodeExtras>();
  for (const StructField& field : fields) {
    extras->fields.push_back(ast_.keep(std::string(field.name.text)));
    extras->field_positions.push_back(field.colon.position);
    extras->optional.push_back(field.optional);
    node.children.push_back(field.value);
  }
  node.extras = std::move(extras);
  return add(std::move(node));
}

}  // namespace klutch::apiserver::cel
