// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/grammar.h"

#include <cstdint>
#include <vector>

#include "apiserver/cel/grammar_writer.h"

namespace klutch::apiserver::cel::grammar {
namespace {

/// The rules of CEL.g4.
class CelGrammar : public GrammarWriter {
 private:
  void write_rule() override {
    switch (rule_) {
      case Rule::kStart:
        call(Rule::kExpr, Label::kFirst);
        token(TT::kEof);
        break;
      case Rule::kExpr: write_expr(); break;
      case Rule::kConditionalOr: write_chain(TT::kLogicalOr, Rule::kConditionalAnd); break;
      case Rule::kConditionalAnd: write_chain(TT::kLogicalAnd, Rule::kRelation); break;
      case Rule::kRelation: write_relation(); break;
      case Rule::kCalc: write_calc(); break;
      case Rule::kUnary: write_unary(); break;
      case Rule::kMember: write_member(); break;
      case Rule::kPrimary: write_primary(); break;
      case Rule::kExprList: write_expr_list(); break;
      case Rule::kListInit: write_list_init(); break;
      case Rule::kFieldInitializerList: write_entries(Rule::kOptField); break;
      case Rule::kOptField:
        optional(set_of(TT::kQuestion), [this] { token(TT::kQuestion, Label::kOptional); });
        call(Rule::kEscapeIdent, Label::kName);
        break;
      case Rule::kMapInitializerList: write_entries(Rule::kOptExpr); break;
      case Rule::kEscapeIdent: write_escape_ident(); break;
      case Rule::kOptExpr:
        optional(set_of(TT::kQuestion), [this] { token(TT::kQuestion, Label::kOptional); });
        call(Rule::kExpr, Label::kFirst);
        break;
      case Rule::kLiteral: write_literal(); break;
      case Rule::kCount: break;
    }
  }

  void write_expr() {
    call(Rule::kConditionalOr, Label::kFirst);
    optional(set_of(TT::kQuestion), [this] {
      token(TT::kQuestion, Label::kOperator);
      call(Rule::kConditionalOr, Label::kSecond);
      token(TT::kColon);
      call(Rule::kExpr, Label::kThird);
    });
  }

  void write_chain(TT separator, Rule term) {
    call(term, Label::kFirst);
    star(set_of(separator), [&] {
      token(separator, Label::kOperator);
      call(term, Label::kSecond);
    });
  }

  void write_relation() {
    call(Rule::kCalc, Label::kFirst);
    star_predicted(true, [this] {
      add_step({.kind = Step::Kind::kPush});
      precedence(1);
      tokens(set_of(TT::kEquals) | set_of(TT::kNotEquals) | set_of(TT::kIn) | set_of(TT::kLess) |
                 set_of(TT::kLessEquals) | set_of(TT::kGreaterEquals) | set_of(TT::kGreater),
             Label::kOperator);
      call(Rule::kRelation, Label::kSecond, 2);
    });
  }

  void write_calc() {
    call(Rule::kUnary, Label::kFirst);
    star_predicted(true, [this] {
      const Loop loop = loop_;
      choice(
          loop.block_start, loop.block_end,
          [this] {
            add_step({.kind = Step::Kind::kPush});
            precedence(2);
            tokens(set_of(TT::kStar) | set_of(TT::kSlash) | set_of(TT::kPercent), Label::kOperator);
            call(Rule::kCalc, Label::kSecond, 3);
          },
          [this] {
            add_step({.kind = Step::Kind::kPush});
            precedence(1);
            tokens(set_of(TT::kPlus) | set_of(TT::kMinus), Label::kOperator);
            call(Rule::kCalc, Label::kSecond, 2);
          });
    });
  }

  void write_unary() {
    choice(
        [this] {
          shape(Shape::kMemberExpr);
          call(Rule::kMember, Label::kFirst);
        },
        [this] {
          shape(Shape::kLogicalNot);
          write_plus_of_nots();
          call(Rule::kMember, Label::kFirst);
        },
        [this] {
          shape(Shape::kNegate);
          write_plus_of_minuses();
          call(Rule::kMember, Label::kFirst);
        });
  }

  void write_plus_of_nots() {
    const PlusLoop loop = write_plus(TT::kExclamation);
    const auto match = static_cast<std::uint16_t>(next_step() - 1);
    sync(loop.back);
    add_step({.kind = Step::Kind::kJumpUnless,
              .tokens = set_of(TT::kExclamation),
              .target = static_cast<std::uint16_t>(next_step() + 2)});
    add_step({.kind = Step::Kind::kJump, .target = match});
  }

  void write_plus_of_minuses() {
    const PlusLoop loop = write_plus(TT::kMinus);
    const auto match = static_cast<std::uint16_t>(next_step() - 1);
    add_step({.kind = Step::Kind::kSyncUnchecked, .state = loop.back});
    const auto predict = decide(loop.back, 2);
    grammar_.steps[predict].targets = {match, next_step()};
  }

  void write_member() {
    shape(Shape::kPrimaryExpr);
    call(Rule::kPrimary, Label::kFirst);
    star_predicted(true, [this] {
      const Loop loop = loop_;
      choice(
          loop.block_start, loop.block_end, [this] { write_select(); }, [this] { write_member_call(); },
          [this] { write_index(); });
    });
  }

  void push(Shape shape) { add_step({.kind = Step::Kind::kPush, .shape = shape}); }

  void write_select() {
    push(Shape::kSelect);
    precedence(3);
    token(TT::kDot, Label::kOperator);
    optional(set_of(TT::kQuestion), [this] { token(TT::kQuestion, Label::kOptional); });
    call(Rule::kEscapeIdent, Label::kName);
  }

  void write_member_call() {
    push(Shape::kMemberCall);
    precedence(2);
    token(TT::kDot, Label::kOperator);
    token(TT::kIdentifier, Label::kName);
    token(TT::kLeftParen, Label::kOpen);
    write_arguments();
  }

  void write_arguments() {
    optional(kExprFirst, [this] { call(Rule::kExprList, Label::kArguments); });
    token(TT::kRightParen);
  }

  void write_index() {
    push(Shape::kIndex);
    precedence(1);
    token(TT::kLeftBracket, Label::kOperator);
    optional(set_of(TT::kQuestion), [this] { token(TT::kQuestion, Label::kOptional); });
    call(Rule::kExpr, Label::kSecond);
    token(TT::kRightBracket);
  }

  void leading_dot() {
    optional(set_of(TT::kDot), [this] { token(TT::kDot, Label::kLeadingDot); });
  }

  void write_primary() {
    choice(
        [this] {
          shape(Shape::kIdent);
          leading_dot();
          token(TT::kIdentifier, Label::kName);
        },
        [this] {
          shape(Shape::kGlobalCall);
          leading_dot();
          token(TT::kIdentifier, Label::kName);
          token(TT::kLeftParen, Label::kOperator);
          write_arguments();
        },
        [this] {
          shape(Shape::kNested);
          token(TT::kLeftParen);
          call(Rule::kExpr, Label::kFirst);
          token(TT::kRightParen);
        },
        [this] { write_braced(Shape::kCreateList, TT::kLeftBracket, TT::kRightBracket, Rule::kListInit); },
        [this] {
          write_braced(Shape::kCreateStruct, TT::kLeftBrace, TT::kRightBrace, Rule::kMapInitializerList);
        },
        [this] { write_message(); },
        [this] {
          shape(Shape::kConstantLiteral);
          call(Rule::kLiteral, Label::kFirst);
        });
  }

  void write_braced(Shape kind, TT opening, TT closing, Rule content) {
    shape(kind);
    token(opening, Label::kOperator);
    optional(kOptExprFirst, [&] { call(content, Label::kArguments); });
    optional(set_of(TT::kComma), [this] { token(TT::kComma); });
    token(closing);
  }

  void write_message() {
    shape(Shape::kCreateMessage);
    leading_dot();
    token(TT::kIdentifier, Label::kName);
    star(set_of(TT::kDot), [this] {
      token(TT::kDot);
      token(TT::kIdentifier, Label::kName);
    });
    token(TT::kLeftBrace, Label::kOperator);
    optional(set_of(TT::kQuestion) | set_of(TT::kIdentifier) | set_of(TT::kEscapedIdentifier),
             [this] { call(Rule::kFieldInitializerList, Label::kArguments); });
    optional(set_of(TT::kComma), [this] { token(TT::kComma); });
    token(TT::kRightBrace);
  }

  void write_expr_list() {
    call(Rule::kExpr, Label::kFirst);
    star(set_of(TT::kComma), [this] {
      token(TT::kComma);
      call(Rule::kExpr, Label::kFirst);
    });
  }

  void write_list_init() {
    call(Rule::kOptExpr, Label::kFirst);
    star_predicted(false, [this] {
      token(TT::kComma);
      call(Rule::kOptExpr, Label::kFirst);
    });
  }

  void write_entries(Rule key) {
    const auto entry = [this, key] {
      call(key, Label::kFirst);
      token(TT::kColon, Label::kColon);
      call(Rule::kExpr, Label::kSecond);
    };
    entry();
    star_predicted(false, [&] {
      token(TT::kComma);
      entry();
    });
  }

  /// A choice that the next token alone decides.
  void write_escape_ident() {
    const StateId start = add_state(StateKind::kBlockStart);
    const StateId stop = add_state(StateKind::kBlockEnd);
    link(end_, start);
    sync(start);
    std::vector<std::uint16_t> ends;
    for (const TT type : {TT::kIdentifier, TT::kEscapedIdentifier}) {
      const auto jump = add_step({.kind = Step::Kind::kJumpUnless, .tokens = set_of(type)});
      end_ = start;
      token(type, Label::kName);
      link(end_, stop);
      ends.push_back(add_step({.kind = Step::Kind::kJump}));
      grammar_.steps[jump].target = next_step();
    }
    add_step({.kind = Step::Kind::kNoViable});
    for (const auto end : ends) grammar_.steps[end].target = next_step();
    end_ = stop;
  }

  void write_literal() {
    const auto plain = [this](Shape kind, TT type) {
      return [this, kind, type] {
        shape(kind);
        token(type, Label::kToken);
      };
    };
    const auto signed_number = [this](Shape kind, TT type) {
      return [this, kind, type] {
        shape(kind);
        optional(set_of(TT::kMinus), [this] { token(TT::kMinus, Label::kSign); });
        token(type, Label::kToken);
      };
    };
    choice(signed_number(Shape::kInt, TT::kInt), plain(Shape::kUint, TT::kUint),
           signed_number(Shape::kDouble, TT::kFloat), plain(Shape::kString, TT::kString),
           plain(Shape::kBytes, TT::kBytes), plain(Shape::kConstant, TT::kTrue),
           plain(Shape::kConstant, TT::kFalse), plain(Shape::kConstant, TT::kNull));
  }

  static constexpr TokenSet kExprFirst =
      set_of(TT::kLeftBracket) | set_of(TT::kLeftBrace) | set_of(TT::kLeftParen) | set_of(TT::kDot) |
      set_of(TT::kMinus) | set_of(TT::kExclamation) | set_of(TT::kTrue) | set_of(TT::kFalse) |
      set_of(TT::kNull) | set_of(TT::kFloat) | set_of(TT::kInt) | set_of(TT::kUint) | set_of(TT::kString) |
      set_of(TT::kBytes) | set_of(TT::kIdentifier);
  static constexpr TokenSet kOptExprFirst = kExprFirst | set_of(TT::kQuestion);
};

}  // namespace

const Grammar& cel_grammar() {
  static const Grammar kGrammar = CelGrammar().write();
  return kGrammar;
}

}  // namespace klutch::apiserver::cel::grammar
