// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/parser.h"

#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/ast_builder.h"
#include "apiserver/cel/lexer.h"
#include "apiserver/cel/token.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::size_t kMaxCodePoints = 100'000;
/// How often one rule of the grammar may be inside itself, as cel-go counts.
constexpr int kMaxRuleDepth = 250;

/// How tightly operators bind; each level stands for a rule of the grammar.
enum Level : std::uint8_t { kNoOperator, kOrLevel, kAndLevel, kRelationLevel, kSumLevel, kProductLevel };

Level level_of(TokenType type) {
  switch (type) {
    case TokenType::kLogicalOr: return kOrLevel;
    case TokenType::kLogicalAnd: return kAndLevel;
    case TokenType::kEquals:
    case TokenType::kNotEquals:
    case TokenType::kIn:
    case TokenType::kLess:
    case TokenType::kLessEquals:
    case TokenType::kGreater:
    case TokenType::kGreaterEquals: return kRelationLevel;
    case TokenType::kPlus:
    case TokenType::kMinus: return kSumLevel;
    case TokenType::kStar:
    case TokenType::kSlash:
    case TokenType::kPercent: return kProductLevel;
    default: return kNoOperator;
  }
}

/// An operator-precedence parser with a stack of its own. It gives up, returning false, at the first thing
/// that is not in the grammar; saying what is wrong is the business of the other parser.
class FastParser {
 public:
  FastParser(Ast& ast, AstBuilder& builder) : ast_(ast), builder_(builder) {}

  bool parse() {
    Lexer lexer(ast_.source().text());
    for (Token token = lexer.next();; token = lexer.next()) {
      if (!token.is_hidden()) tokens_.push_back(token);
      if (token.type == TokenType::kEof) break;
    }
    if (!lexer.problems().empty()) return false;
    frames_.push_back({.kind = FrameKind::kTop});
    bool wants_operand = true;
    while (!done_) {
      if (!(wants_operand ? operand(wants_operand) : after_operand(wants_operand))) return false;
    }
    ast_.set_root(operands_.back());
    return true;
  }

 private:
  enum class FrameKind : std::uint8_t {
    kTop,
    kParen,
    kGlobalArguments,
    kMethodArguments,
    kIndex,
    kList,
    kMapKey,
    kMapValue,
    kStruct,
    kThen,
    kElse,
  };

  /// Signs before an operand, which apply to it with all that follows it.
  struct Prefix {
    TokenType sign = TokenType::kEof;
    std::size_t count = 0;
    std::int32_t position = 0;
  };

  struct Frame {
    FrameKind kind;
    Prefix prefix = {};  ///< Of the operand that the frame belongs to.
    std::size_t operand_base = 0;
    std::size_t operator_base = 0;
    Token name = {};
    Token open = {};
    bool leading_dot = false;
    bool optional_index = false;
    std::int32_t position = 0;
    std::vector<bool> optional = {};
    std::string type_name = {};
    std::vector<AstBuilder::StructField> fields = {};
    int expr_depth = 1;
    int relation_depth = 1;
    int calc_depth = 1;
  };

  struct Operator {
    TokenType type;
    Level level;
    std::int32_t position;
  };

  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  [[nodiscard]] bool at(TokenType type) const { return peek().type == type; }
  Token take() {
    const Token token = peek();
    if (next_ + 1 < tokens_.size()) ++next_;
    return token;
  }
  bool accept(TokenType type) {
    if (!at(type)) return false;
    take();
    return true;
  }
  [[nodiscard]] Frame& top() { return frames_.back(); }
  [[nodiscard]] bool has_pending(Level level) const {
    for (std::size_t i = operators_.size(); i > frames_.back().operator_base; --i) {
      if (operators_[i - 1].level == level) return true;
      if (operators_[i - 1].level < level) return false;
    }
    return false;
  }

  bool operand(bool& wants_operand) {
    const Frame& frame = top();
    const int relation = frame.relation_depth + (has_pending(kRelationLevel) ? 1 : 0);
    const int calc =
        frame.calc_depth + (has_pending(kSumLevel) ? 1 : 0) + (has_pending(kProductLevel) ? 1 : 0);
    if (frame.expr_depth > kMaxRuleDepth || relation > kMaxRuleDepth || calc > kMaxRuleDepth) return false;
    take_signs();
    wants_operand = false;
    const bool leading_dot = at(TokenType::kDot);
    if (leading_dot || at(TokenType::kIdentifier)) return identifier(wants_operand);
    const Token token = take();
    switch (token.type) {
      case TokenType::kMinus:
        // take_signs() leaves a minus only before a number.
        operands_.push_back(builder_.number(take(), true, token.position));
        return true;
      case TokenType::kInt:
      case TokenType::kUint:
      case TokenType::kFloat: operands_.push_back(builder_.number(token, false, token.position)); return true;
      case TokenType::kString: operands_.push_back(builder_.string(token)); return true;
      case TokenType::kBytes: operands_.push_back(builder_.bytes(token)); return true;
      case TokenType::kTrue:
      case TokenType::kFalse:
      case TokenType::kNull: operands_.push_back(builder_.constant(token)); return true;
      case TokenType::kLeftParen:
        open(FrameKind::kParen, token);
        wants_operand = true;
        return true;
      case TokenType::kLeftBracket:
        open(FrameKind::kList, token);
        return first_element(TokenType::kRightBracket, wants_operand);
      case TokenType::kLeftBrace:
        open(FrameKind::kMapKey, token);
        return first_element(TokenType::kRightBrace, wants_operand);
      default: return false;
    }
  }

  /// A run of '!' or of '-'; a single minus before a number belongs to the number.
  void take_signs() {
    prefix_ = {};
    const auto negative_number = [this] {
      const TokenType after = peek(1).type;
      return at(TokenType::kMinus) && (after == TokenType::kInt || after == TokenType::kFloat);
    };
    if (negative_number()) return;
    const TokenType sign = peek().type;
    if (sign != TokenType::kExclamation && sign != TokenType::kMinus) return;
    prefix_ = {.sign = sign, .position = peek().position};
    while (at(sign)) {
      take();
      ++prefix_.count;
    }
    if (sign == TokenType::kExclamation && at(TokenType::kMinus) && !negative_number()) {
      next_ = tokens_.size() - 1;  // "!-x" is not in the grammar: nothing begins with the end
    }
  }

  /// Opens a frame for what stands inside brackets of some kind.
  Frame& open(FrameKind kind, const Token& bracket) {
    Frame frame{.kind = kind, .prefix = prefix_};
    const Frame& outer = top();
    frame.expr_depth = outer.expr_depth + 1;
    frame.relation_depth = outer.relation_depth + 1 + (has_pending(kRelationLevel) ? 1 : 0);
    frame.calc_depth =
        outer.calc_depth + 1 + (has_pending(kSumLevel) ? 1 : 0) + (has_pending(kProductLevel) ? 1 : 0);
    frame.operand_base = operands_.size();
    frame.operator_base = operators_.size();
    frame.open = bracket;
    frames_.push_back(std::move(frame));
    return top();
  }

  /// The first element of a list or map, or its end.
  bool first_element(TokenType closing, bool& wants_operand) {
    if (at(TokenType::kComma) && peek(1).type == closing) take();
    if (at(closing)) return close();
    return begin_element(wants_operand);
  }

  bool begin_element(bool& wants_operand) {
    wants_operand = true;
    top().optional.push_back(accept(TokenType::kQuestion));
    return true;
  }

  bool identifier(bool& wants_operand) {
    const std::int32_t position = peek().position;
    const bool leading_dot = accept(TokenType::kDot);
    if (!at(TokenType::kIdentifier)) return false;
    if (is_type_name()) return structure(leading_dot, wants_operand);
    const Token name = take();
    if (!at(TokenType::kLeftParen)) {
      operands_.push_back(builder_.ident(name, leading_dot, position));
      return true;
    }
    if (is_reserved_identifier(name.text)) return false;  // then nobody looks at the arguments
    Frame& frame = open(FrameKind::kGlobalArguments, take());
    frame.name = name;
    frame.leading_dot = leading_dot;
    frame.position = position;
    return first_argument(wants_operand);
  }

  bool first_argument(bool& wants_operand) {
    if (at(TokenType::kRightParen)) return close();
    wants_operand = true;
    return true;
  }

  /// Whether the name here goes on as a.b.c and then a brace opens.
  [[nodiscard]] bool is_type_name() const {
    std::size_t ahead = 1;
    while (peek(ahead).type == TokenType::kDot && peek(ahead + 1).type == TokenType::kIdentifier) ahead += 2;
    return peek(ahead).type == TokenType::kLeftBrace;
  }

  bool structure(bool leading_dot, bool& wants_operand) {
    std::string name = leading_dot ? "." : "";
    while (!at(TokenType::kLeftBrace)) name += take().text;
    Frame& frame = open(FrameKind::kStruct, take());
    frame.type_name = std::move(name);
    if (at(TokenType::kComma) && peek(1).type == TokenType::kRightBrace) take();
    if (at(TokenType::kRightBrace)) return close();
    return begin_field(wants_operand);
  }

  bool begin_field(bool& wants_operand) {
    AstBuilder::StructField field;
    field.optional = accept(TokenType::kQuestion);
    if (!at(TokenType::kIdentifier)) return false;
    field.name = take();
    if (!at(TokenType::kColon)) return false;
    field.colon = take();
    top().fields.push_back(field);
    wants_operand = true;
    return true;
  }

  bool after_operand(bool& wants_operand) {
    if (at(TokenType::kDot)) return member(wants_operand);
    if (at(TokenType::kLeftBracket)) {
      Frame& frame = open(FrameKind::kIndex, take());
      frame.optional_index = accept(TokenType::kQuestion);
      wants_operand = true;
      return true;
    }
    apply_signs();
    const Level level = level_of(peek().type);
    if (level != kNoOperator) {
      const bool is_chain = level == kOrLevel || level == kAndLevel;
      reduce(is_chain ? static_cast<Level>(level + 1) : level);
      const Token token = take();
      operators_.push_back({token.type, level, token.position});
      wants_operand = true;
      return true;
    }
    if (at(TokenType::kQuestion)) return begin_conditional(wants_operand);
    reduce(kOrLevel);
    return end_of_expression(wants_operand);
  }

  bool member(bool& wants_operand) {
    const Token dot = take();
    const bool optional = accept(TokenType::kQuestion);
    if (!at(TokenType::kIdentifier) && !at(TokenType::kEscapedIdentifier)) return false;
    const Token field = take();
    if (!optional && field.type == TokenType::kIdentifier && at(TokenType::kLeftParen)) {
      Frame& frame = open(FrameKind::kMethodArguments, take());
      frame.name = field;
      return first_argument(wants_operand);
    }
    operands_.back() = builder_.select(operands_.back(), dot, field, optional);
    return true;
  }

  void apply_signs() {
    if (prefix_.count % 2 == 1) {
      const bool is_not = prefix_.sign == TokenType::kExclamation;
      operands_.back() = builder_.operation(is_not ? function::kNot : function::kNegate, prefix_.position,
                                            {operands_.back()});
    }
    prefix_ = {};
  }

  /// Builds what the operators of this frame that bind at least as tightly as `level` stand for.
  void reduce(Level level) {
    while (operators_.size() > top().operator_base && operators_.back().level >= level) {
      const Operator last = operators_.back();
      if (last.level <= kAndLevel) {
        reduce_chain(last.level);
        continue;
      }
      operators_.pop_back();
      const NodeId right = operands_.back();
      operands_.pop_back();
      operands_.back() =
          builder_.operation(binary_function(last.type), last.position, {operands_.back(), right});
    }
  }

  void reduce_chain(Level level) {
    std::size_t first = operators_.size();
    while (first > top().operator_base && operators_[first - 1].level == level) --first;
    std::vector<std::int32_t> positions;
    for (std::size_t i = first; i < operators_.size(); ++i) positions.push_back(operators_[i].position);
    operators_.resize(first);
    const std::size_t terms = positions.size() + 1;
    const std::span<const NodeId> operands(operands_.data() + operands_.size() - terms, terms);
    const NodeId chain =
        builder_.logical(level == kAndLevel ? function::kAnd : function::kOr, operands, positions);
    operands_.resize(operands_.size() - terms);
    operands_.push_back(chain);
  }

  bool begin_conditional(bool& wants_operand) {
    if (top().kind == FrameKind::kThen) return false;  // needs parentheses there
    reduce(kOrLevel);
    Frame frame{.kind = FrameKind::kThen};
    frame.expr_depth = top().expr_depth;
    frame.relation_depth = top().relation_depth;
    frame.calc_depth = top().calc_depth;
    frame.operand_base = operands_.size();
    frame.operator_base = operators_.size();
    frame.open = take();
    frames_.push_back(std::move(frame));
    wants_operand = true;
    return true;
  }

  bool end_of_expression(bool& wants_operand) {
    if (top().kind == FrameKind::kThen) {
      if (!accept(TokenType::kColon)) return false;
      top().kind = FrameKind::kElse;
      ++top().expr_depth;
      wants_operand = true;
      return true;
    }
    while (top().kind == FrameKind::kElse) {
      const std::int32_t position = top().open.position;
      std::vector<NodeId> parts(operands_.end() - 3, operands_.end());
      operands_.resize(operands_.size() - 3);
      operands_.push_back(builder_.operation(function::kConditional, position, std::move(parts)));
      frames_.pop_back();
    }
    return end_of_frame_part(wants_operand);
  }

  bool end_of_frame_part(bool& wants_operand) {
    Frame& frame = top();
    switch (frame.kind) {
      case FrameKind::kTop: done_ = true; return at(TokenType::kEof);
      case FrameKind::kParen: return at(TokenType::kRightParen) && close();
      case FrameKind::kIndex: return at(TokenType::kRightBracket) && close();
      case FrameKind::kGlobalArguments:
      case FrameKind::kMethodArguments:
        if (accept(TokenType::kComma)) {
          wants_operand = true;
          return true;
        }
        return at(TokenType::kRightParen) && close();
      case FrameKind::kList: return next_element(TokenType::kRightBracket, wants_operand);
      case FrameKind::kMapKey:
        frame.kind = FrameKind::kMapValue;
        wants_operand = true;
        return accept(TokenType::kColon);
      case FrameKind::kMapValue:
        frame.kind = FrameKind::kMapKey;
        return next_element(TokenType::kRightBrace, wants_operand);
      case FrameKind::kStruct:
        frame.fields.back().value = operands_.back();
        operands_.pop_back();
        if (accept(TokenType::kComma) && !at(TokenType::kRightBrace)) return begin_field(wants_operand);
        return at(TokenType::kRightBrace) && close();
      default: return false;
    }
  }

  bool next_element(TokenType closing, bool& wants_operand) {
    if (accept(TokenType::kComma) && !at(closing)) return begin_element(wants_operand);
    return at(closing) && close();
  }

  /// Takes the closing bracket and puts what the frame stands for among the operands.
  bool close() {
    take();
    Frame frame = std::move(top());
    frames_.pop_back();
    prefix_ = frame.prefix;
    std::vector<NodeId> parts(operands_.begin() + static_cast<std::ptrdiff_t>(frame.operand_base),
                              operands_.end());
    operands_.resize(frame.operand_base);
    switch (frame.kind) {
      case FrameKind::kParen: operands_.push_back(parts[0]); break;
      case FrameKind::kGlobalArguments:
        operands_.push_back(builder_.global_call(frame.name, frame.leading_dot, frame.position, frame.open,
                                                 std::move(parts)));
        break;
      case FrameKind::kMethodArguments:
        operands_.back() =
            builder_.method_call(operands_.back(), frame.name.text, frame.open, std::move(parts));
        break;
      case FrameKind::kIndex:
        operands_.back() = builder_.index(operands_.back(), frame.open, parts[0], frame.optional_index);
        break;
      case FrameKind::kList:
        operands_.push_back(builder_.list(frame.open, std::move(parts), std::move(frame.optional)));
        break;
      case FrameKind::kMapKey:
        operands_.push_back(builder_.map(frame.open, std::move(parts), std::move(frame.optional)));
        break;
      default:
        operands_.push_back(
            builder_.structure(std::move(frame.type_name), frame.open, std::move(frame.fields)));
        break;
    }
    return true;
  }

  Ast& ast_;
  AstBuilder& builder_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::vector<Frame> frames_;
  std::vector<NodeId> operands_;
  std::vector<Operator> operators_;
  Prefix prefix_;
  bool done_ = false;
};

}  // namespace

bool parse_fast(Ast& ast, const MacroOptions& macros, Issues& issues) {
  Issues found;
  AstBuilder builder(ast, found, macros);
  if (!FastParser(ast, builder).parse()) return false;
  issues = std::move(found);
  return true;
}

std::unique_ptr<Ast> parse_expression(std::string_view text, const MacroOptions& macros, Issues& issues) {
  auto ast = std::make_unique<Ast>(text);
  if (ast->source().size() > kMaxCodePoints) {
    issues.report(kNoPosition,
                  "expression code point size exceeds limit: size: " + std::to_string(ast->source().size()) +
                      ", limit " + std::to_string(kMaxCodePoints));
    return ast;
  }
  if (parse_fast(*ast, macros, issues)) return ast;
  ast = std::make_unique<Ast>(text);
  parse_with_explanations(*ast, macros, issues);
  return ast;
}

}  // namespace klutch::apiserver::cel
