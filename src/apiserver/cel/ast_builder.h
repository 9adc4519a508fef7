// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/cel/ast.h"
#include "apiserver/cel/macros.h"
#include "apiserver/cel/source.h"
#include "apiserver/cel/token.h"
#include "base/result.h"

// Makes nodes of the syntax tree out of what a parser recognised: reads literals, expands macros, balances
// chains of && and ||, and reports what the grammar cannot see (reserved words, numbers out of range, wrong
// arguments of macros). Both parsers use it. Internal.

namespace klutch::apiserver::cel {

class AstBuilder {
 public:
  AstBuilder(Ast& ast, Issues& issues, const MacroOptions& macros)
      : ast_(ast), issues_(issues), macros_(macros) {}

  /// A node for what could not be understood; somebody else reported it.
  NodeId unspecified(std::int32_t position);
  /// The literal that stands for an operand which is not there.
  NodeId placeholder(std::int32_t position);
  NodeId report(std::int32_t position, std::string message);

  /// `negative`: a minus sign stood before the number, at `position`.
  NodeId number(const Token& token, bool negative, std::int32_t position);
  NodeId string(const Token& token);
  NodeId bytes(const Token& token);
  /// true, false or null.
  NodeId constant(const Token& token);
  /// `position` is that of the leading dot, if there is one.
  NodeId ident(const Token& name, bool leading_dot, std::int32_t position);
  NodeId select(NodeId operand, const Token& dot, const Token& field, bool optional);
  NodeId index(NodeId operand, const Token& bracket, NodeId key, bool optional);
  NodeId global_call(const Token& name, bool leading_dot, std::int32_t position, const Token& paren,
                     std::vector<NodeId> arguments);
  NodeId method_call(NodeId target, std::string_view name, const Token& paren, std::vector<NodeId> arguments);
  /// The function of an operator, such as function::kAdd.
  NodeId operation(std::string_view function, std::int32_t position, std::vector<NodeId> operands);
  /// A chain of && or || as a balanced tree: operators[i] stands between terms[i] and terms[i + 1].
  NodeId logical(std::string_view function, std::span<const NodeId> terms,
                 std::span<const std::int32_t> operators);
  NodeId list(const Token& bracket, std::vector<NodeId> elements, std::vector<bool> optional);
  NodeId map(const Token& brace, std::vector<NodeId> keys_and_values, std::vector<bool> optional);

  /// The name must be an identifier without backquotes.
  struct StructField {
    Token colon;
    Token name;
    bool optional = false;
    NodeId value = kNoNode;
  };
  NodeId structure(std::string name, const Token& brace, std::vector<StructField> fields);

 private:
  /// Whether an operation counts towards the limit on nesting.
  enum class Nesting : std::uint8_t { kCounted, kFree };

  NodeId add(Node node, Nesting nesting = Nesting::kFree);
  NodeId literal(std::int32_t position, Value value);
  NodeId call_or_macro(std::int32_t position, std::string_view function, bool is_method,
                       std::vector<NodeId> children, Nesting nesting);
  NodeId text_literal(const Token& token, std::string_view text, bool is_bytes);
  NodeId balance(std::string_view function, std::span<const NodeId> terms,
                 std::span<const std::int32_t> operators);
  /// Remembers how deep the operations below `id` are nested, and reports when that is too deep.
  void set_depth(NodeId id, std::span<const NodeId> children, Nesting nesting);

  Ast& ast_;
  Issues& issues_;
  const MacroOptions& macros_;
  std::vector<std::uint16_t> depths_;  // by node
  bool too_deep_ = false;
};

/// The content of a string or bytes literal with its quotes, prefix r included but prefix b not; the error is
/// the text to report.
Result<std::string> unescape_literal(std::string_view literal, bool is_bytes);

/// Whether `name` is a word that may become syntax; the grammar takes it as an identifier.
bool is_reserved_identifier(std::string_view name) noexcept;

/// The operator function a token stands for between two operands; empty when there is none.
std::string_view binary_function(TokenType type) noexcept;

}  // namespace klutch::apiserver::cel
