// SPDX-License-Identifier: Apache-2.0
// Makes a syntax tree of what the explaining parser left behind, as far as there is something, because
// reading it can report further mistakes.
#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/ast_builder.h"
#include "apiserver/cel/explaining_parser.h"
#include "apiserver/cel/parser.h"

namespace klutch::apiserver::cel {
namespace {

using grammar::ExplainingParser;
using grammar::Label;
using grammar::Piece;
using grammar::Rule;
using grammar::Shape;

class TreeReader {
 public:
  TreeReader(const ExplainingParser& parser, AstBuilder& builder)
      : parser_(parser), builder_(builder), results_(parser.pieces().size(), kNoNode) {}

  NodeId read() {
    const std::uint32_t root = unnest(piece(0).find(Label::kFirst));
    if (root == Piece::kNone) return builder_.unspecified(kMissingPosition);
    std::vector<Visit> open = {{root, operands(root), 0}};
    while (!open.empty()) {
      Visit& visit = open.back();
      if (visit.next < visit.operands.size()) {
        const std::uint32_t operand = visit.operands[visit.next++];
        if (operand != Piece::kNone) open.push_back({operand, operands(operand), 0});
        continue;
      }
      results_[visit.piece] = build(visit.piece);
      open.pop_back();
    }
    return results_[root];
  }

 private:
  struct Visit {
    std::uint32_t piece;
    std::vector<std::uint32_t> operands;
    std::size_t next;
  };

  [[nodiscard]] const Piece& piece(std::uint32_t index) const { return parser_.pieces()[index]; }
  [[nodiscard]] const Token& token(std::uint32_t index) const { return parser_.token(index); }
  [[nodiscard]] std::int32_t start_of(const Piece& at) const {
    return token(static_cast<std::uint32_t>(at.first_token)).position;
  }

  /// Down the left side, past pieces that only stand for their single part.
  [[nodiscard]] std::uint32_t unnest(std::uint32_t index) const {
    while (index != Piece::kNone) {
      const Piece& at = piece(index);
      const bool passes = [&] {
        switch (at.rule) {
          case Rule::kExpr:
          case Rule::kConditionalOr:
          case Rule::kConditionalAnd:
          case Rule::kRelation:
          case Rule::kCalc: return at.find(Label::kOperator) == Piece::kNone;
          default:
            return at.shape == Shape::kMemberExpr || at.shape == Shape::kPrimaryExpr ||
                   at.shape == Shape::kNested || at.shape == Shape::kConstantLiteral;
        }
      }();
      if (!passes) return index;
      index = at.find(Label::kFirst);
    }
    return index;
  }

  /// The pieces whose nodes `index` is made of, in order.
  [[nodiscard]] std::vector<std::uint32_t> operands(std::uint32_t index) const {
    const Piece& at = piece(index);
    std::vector<std::uint32_t> parts;
    const auto add = [&](std::uint32_t part) { parts.push_back(unnest(part)); };
    switch (at.rule) {
      case Rule::kExpr:
        for (const Label label : {Label::kFirst, Label::kSecond, Label::kThird}) add(at.find(label));
        return parts;
      case Rule::kConditionalOr:
      case Rule::kConditionalAnd:
        add(at.find(Label::kFirst));
        for (std::size_t i = 0; i < at.count(Label::kOperator) && i < at.count(Label::kSecond); ++i) {
          add(at.find(Label::kSecond, i));
        }
        return parts;
      case Rule::kRelation:
      case Rule::kCalc:
        add(at.find(Label::kFirst));
        add(at.find(Label::kSecond));
        return parts;
      default: break;
    }
    add_primary_operands(at, parts);
    return parts;
  }

  void add_primary_operands(const Piece& at, std::vector<std::uint32_t>& parts) const {
    switch (at.shape) {
      case Shape::kLogicalNot:
      case Shape::kNegate:
      case Shape::kSelect: parts.push_back(unnest(at.find(Label::kFirst))); break;
      case Shape::kIndex:
        parts.push_back(unnest(at.find(Label::kFirst)));
        if (at.find(Label::kOperator) != Piece::kNone) parts.push_back(unnest(at.find(Label::kSecond)));
        break;
      case Shape::kMemberCall: parts.push_back(unnest(at.find(Label::kFirst))); [[fallthrough]];
      case Shape::kGlobalCall:
        if (!has(at, Label::kName)) break;
        if (at.shape == Shape::kGlobalCall && is_reserved_identifier(token_of(at, Label::kName).text)) break;
        for (const std::uint32_t argument : list_of(at.find(Label::kArguments)))
          parts.push_back(unnest(argument));
        break;
      case Shape::kCreateList:
        for (const std::uint32_t element : list_of(at.find(Label::kArguments))) {
          parts.push_back(unnest(piece(element).find(Label::kFirst)));
        }
        break;
      case Shape::kCreateStruct:
        for (const Entry& entry : entries_of(at.find(Label::kArguments))) {
          parts.push_back(unnest(piece(entry.key).find(Label::kFirst)));
          parts.push_back(unnest(entry.value));
        }
        break;
      case Shape::kCreateMessage:
        for (const Entry& entry : entries_of(at.find(Label::kArguments))) {
          if (has_field_name(entry)) parts.push_back(unnest(entry.value));
        }
        break;
      default: break;
    }
  }

  [[nodiscard]] std::vector<std::uint32_t> list_of(std::uint32_t index) const {
    std::vector<std::uint32_t> list;
    if (index == Piece::kNone) return list;
    for (std::size_t i = 0; i < piece(index).count(Label::kFirst); ++i) {
      list.push_back(piece(index).find(Label::kFirst, i));
    }
    return list;
  }

  struct Entry {
    std::uint32_t key;
    std::uint32_t value;
    std::uint32_t colon;
  };
  /// Of a map or message; those from the first incomplete one on are lost.
  [[nodiscard]] std::vector<Entry> entries_of(std::uint32_t index) const {
    std::vector<Entry> entries;
    if (index == Piece::kNone) return entries;
    const Piece& at = piece(index);
    for (std::size_t i = 0; i < at.count(Label::kColon); ++i) {
      const Entry entry{at.find(Label::kFirst, i), at.find(Label::kSecond, i), at.find(Label::kColon, i)};
      if (entry.key == Piece::kNone || entry.value == Piece::kNone) break;
      entries.push_back(entry);
    }
    return entries;
  }

  [[nodiscard]] bool has_field_name(const Entry& entry) const {
    const std::uint32_t ident = piece(entry.key).find(Label::kName);
    return ident != Piece::kNone && token_of(piece(ident), Label::kName).type == TokenType::kIdentifier;
  }

  [[nodiscard]] NodeId result(std::uint32_t index) {
    const std::uint32_t inner = unnest(index);
    if (inner == Piece::kNone || results_[inner] == kNoNode) return builder_.unspecified(kMissingPosition);
    return results_[inner];
  }
  [[nodiscard]] NodeId result(const Piece& at, Label label, std::size_t nth = 0) {
    return result(at.find(label, nth));
  }
  [[nodiscard]] Token token_of(const Piece& at, Label label, std::size_t nth = 0) const {
    const std::uint32_t index = at.find(label, nth);
    return index == Piece::kNone ? Token{.position = kNoPosition} : token(index);
  }
  [[nodiscard]] static bool has(const Piece& at, Label label) { return at.find(label) != Piece::kNone; }

  NodeId build(std::uint32_t index) {
    const Piece& at = piece(index);
    switch (at.rule) {
      case Rule::kExpr:
        return builder_.operation(
            function::kConditional, token_of(at, Label::kOperator).position,
            {result(at, Label::kFirst), result(at, Label::kSecond), result(at, Label::kThird)});
      case Rule::kConditionalOr: return build_chain(at, function::kOr, "unexpected character, wanted '||'");
      case Rule::kConditionalAnd: return build_chain(at, function::kAnd, "unexpected character, wanted '&&'");
      case Rule::kRelation:
      case Rule::kCalc: {
        const Token op = token_of(at, Label::kOperator);
        const NodeId left = result(at, Label::kFirst);
        return builder_.operation(binary_function(op.type), op.position, {left, result(at, Label::kSecond)});
      }
      default: return build_member(at);
    }
  }

  NodeId build_chain(const Piece& at, std::string_view function, std::string_view complaint) {
    std::vector<NodeId> terms = {result(at, Label::kFirst)};
    std::vector<std::int32_t> operators;
    for (std::size_t i = 0; i < at.count(Label::kOperator); ++i) {
      if (i >= at.count(Label::kSecond)) return builder_.report(start_of(at), std::string(complaint));
      terms.push_back(result(at, Label::kSecond, i));
      operators.push_back(token_of(at, Label::kOperator, i).position);
    }
    return builder_.logical(function, terms, operators);
  }

  NodeId build_member(const Piece& at) {
    switch (at.shape) {
      case Shape::kLogicalNot:
      case Shape::kNegate: {
        const NodeId operand = result(at, Label::kFirst);
        if (at.count(Label::kOperator) % 2 == 0) return operand;
        return builder_.operation(at.shape == Shape::kNegate ? function::kNegate : function::kNot,
                                  token_of(at, Label::kOperator).position, {operand});
      }
      case Shape::kSelect: return build_select(at);
      case Shape::kMemberCall:
        if (!has(at, Label::kName)) return builder_.unspecified(start_of(at));
        return builder_.method_call(result(at, Label::kFirst), token_of(at, Label::kName).text,
                                    token_of(at, Label::kOpen), arguments(at));
      case Shape::kIndex:
        if (!has(at, Label::kOperator)) return builder_.unspecified(start_of(at));
        return builder_.index(result(at, Label::kFirst), token_of(at, Label::kOperator),
                              result(at, Label::kSecond), has(at, Label::kOptional));
      default: return build_primary(at);
    }
  }

  std::vector<NodeId> arguments(const Piece& at) {
    std::vector<NodeId> nodes;
    for (const std::uint32_t argument : list_of(at.find(Label::kArguments)))
      nodes.push_back(result(argument));
    return nodes;
  }

  NodeId build_select(const Piece& at) {
    const std::uint32_t name = at.find(Label::kName);
    if (name == Piece::kNone || !has(at, Label::kOperator)) return builder_.unspecified(start_of(at));
    Token field = token_of(piece(name), Label::kName);
    field.position = start_of(piece(name));
    if (!has(piece(name), Label::kName)) {
      builder_.report(field.position, "unsupported ident kind");
    }
    return builder_.select(result(at, Label::kFirst), token_of(at, Label::kOperator), field,
                           has(at, Label::kOptional));
  }

  NodeId build_primary(const Piece& at) {
    if (at.rule == Rule::kUnary) return builder_.placeholder(start_of(at));
    const bool leading_dot = has(at, Label::kLeadingDot);
    switch (at.shape) {
      case Shape::kIdent:
        if (!has(at, Label::kName)) return builder_.unspecified(start_of(at));
        return builder_.ident(token_of(at, Label::kName), leading_dot, start_of(at));
      case Shape::kGlobalCall:
        if (!has(at, Label::kName)) return builder_.unspecified(start_of(at));
        return builder_.global_call(token_of(at, Label::kName), leading_dot, start_of(at),
                                    token_of(at, Label::kOperator), arguments(at));
      case Shape::kCreateList: return build_list(at);
      case Shape::kCreateStruct: return build_map(at);
      case Shape::kCreateMessage: return build_message(at, leading_dot);
      case Shape::kInt:
      case Shape::kUint:
      case Shape::kDouble:
        if (!has(at, Label::kToken)) break;
        return builder_.number(token_of(at, Label::kToken), has(at, Label::kSign), start_of(at));
      case Shape::kString: return builder_.string(token_of(at, Label::kToken));
      case Shape::kBytes: return builder_.bytes(token_of(at, Label::kToken));
      case Shape::kConstant: return builder_.constant(token_of(at, Label::kToken));
      default: break;
    }
    return builder_.unspecified(kMissingPosition);
  }

  NodeId build_list(const Piece& at) {
    std::vector<NodeId> elements;
    std::vector<bool> optional;
    for (const std::uint32_t element : list_of(at.find(Label::kArguments))) {
      elements.push_back(result(piece(element), Label::kFirst));
      optional.push_back(has(piece(element), Label::kOptional));
    }
    return builder_.list(token_of(at, Label::kOperator), std::move(elements), std::move(optional));
  }

  NodeId build_map(const Piece& at) {
    std::vector<NodeId> parts;
    std::vector<bool> optional;
    for (const Entry& entry : entries_of(at.find(Label::kArguments))) {
      parts.push_back(result(piece(entry.key), Label::kFirst));
      parts.push_back(result(entry.value));
      optional.push_back(has(piece(entry.key), Label::kOptional));
    }
    return builder_.map(token_of(at, Label::kOperator), std::move(parts), std::move(optional));
  }

  NodeId build_message(const Piece& at, bool leading_dot) {
    std::string name = leading_dot ? "." : "";
    for (std::size_t i = 0; i < at.count(Label::kName); ++i) {
      if (i > 0) name += '.';
      name += token_of(at, Label::kName, i).text;
    }
    std::vector<AstBuilder::StructField> fields;
    const std::uint32_t list = at.find(Label::kArguments);
    for (const Entry& entry : entries_of(list)) {
      const std::uint32_t ident = piece(entry.key).find(Label::kName);
      if (!has_field_name(entry)) {
        const bool escaped = ident != Piece::kNone && has(piece(ident), Label::kName);
        builder_.report(start_of(piece(list)),
                        escaped ? "unsupported syntax: '`'" : "unsupported ident kind");
        continue;
      }
      fields.push_back({.colon = token(entry.colon),
                        .name = token_of(piece(ident), Label::kName),
                        .optional = has(piece(entry.key), Label::kOptional),
                        .value = result(entry.value)});
    }
    return builder_.structure(std::move(name), token_of(at, Label::kOperator), std::move(fields));
  }

  const ExplainingParser& parser_;
  AstBuilder& builder_;
  std::vector<NodeId> results_;
};

}  // namespace

void parse_with_explanations(Ast& ast, const MacroOptions& macros, Issues& issues) {
  ExplainingParser parser(ast.source(), issues);
  if (!parser.parse()) return;
  AstBuilder builder(ast, issues, macros);
  ast.set_root(TreeReader(parser, builder).read());
}

}  // namespace klutch::apiserver::cel
