// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/parser.h"

#include <rapidcheck/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "apiserver/cel/ast_builder.h"
#include "base/strings.h"
#include "json/parse.h"
#include "testing/table.h"

namespace klutch::apiserver::cel {
namespace {

std::string mistakes_in(std::string_view text) {
  Issues issues;
  const auto ast = parse_expression(text, {}, issues);
  return issues.display(ast->source());
}

/// The tree as one text: f(x, y), x.f for fields, and so on, with positions.
std::string tree_text(const Ast& ast, NodeId id) {
  const Node& node = ast.node(id);
  std::string text = std::to_string(node.position) + ':' + std::to_string(static_cast<int>(node.kind));
  text += node.is_method ? "." : "";
  text += node.test_only ? "?" : "";
  text += std::string(node.name) + node.literal.debug();
  if (node.extras != nullptr) {
    const NodeExtras& extras = *node.extras;
    text +=
        std::string(extras.variable) + std::string(extras.second_variable) + std::string(extras.accumulator);
    for (const bool optional : extras.optional) text += optional ? '?' : '-';
    for (const std::string_view field : extras.fields) text += '<' + std::string(field) + '>';
  }
  text += '(';
  for (const NodeId child : node.children) text += tree_text(ast, child) + ',';
  return text + ')';
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(CelParser, AgreesWithCelGoOnEveryMistake) {
  for (const auto& row : testing::read_table("src/apiserver/cel/testdata/syntax.tsv", 2)) {
    const auto expression = json::parse(row[0]);
    const auto message = json::parse(row[1]);
    EXPECT_EQ(mistakes_in(expression->as_string()), message->as_string()) << row[0];
  }
}

TEST(CelParser, LimitsNestingWhereCelGoDoes) {
  struct Row {
    std::string_view reason;
    std::string opening;
    std::string inner;
    std::string closing;
    std::size_t deepest;
    std::string_view message;
  };
  constexpr std::string_view kRules = "ERROR: <input>:-1:0: expression recursion limit exceeded: 250";
  constexpr std::string_view kTree = "ERROR: <input>:-1:0: max recursion depth exceeded";
  const std::vector<Row> rows = {
      {"parentheses enter every rule once", "(", "a", ")", 249, kRules},
      {"an operand on the right of a sum enters its rule twice", "(1+", "1", ")", 124, kRules},
      {"and once more behind a product", "(1+2*", "1", ")", 83, kRules},
      {"conditionals nest on their right side", "a?b:", "c", "", 249, kRules},
      {"selections do not nest in the grammar but in the tree", "", "a", ".b", 250, kTree},
      {"neither do sums", "1+", "1", "", 250, kTree},
  };
  for (const Row& row : rows) {
    const auto text = [&](std::size_t n) {
      return repeated(row.opening, n) + row.inner + repeated(row.closing, n);
    };
    EXPECT_EQ(mistakes_in(text(row.deepest)), "") << row.reason;
    EXPECT_EQ(mistakes_in(text(row.deepest + 1)), row.message) << row.reason;
  }
  EXPECT_EQ(mistakes_in(repeated("a&&", 5000) + "a"), "") << "chains are balanced";
  EXPECT_EQ(mistakes_in(repeated("!", 5000) + "a"), "") << "signs are counted";
}

TEST(CelParser, LimitsTheSizeOfAText) {
  EXPECT_EQ(mistakes_in(repeated("é", 100'001)),
            "ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100001, limit 100000");
}

TEST(CelParser, LimitsWhatMacrosMake) {
  EXPECT_NE(mistakes_in("a" + repeated(".optMap(x, x)", 60)).find("too large after expanding macros"),
            std::string::npos);
}

/// The tree without positions and types of literals: -(a.b) is "-_(b(a))".
std::string shape_of(const Ast& ast, NodeId id) {
  const Node& node = ast.node(id);
  std::string text = node.kind == NodeKind::kLiteral ? node.literal.debug() : std::string(node.name);
  if (node.children.empty()) return text;
  text += '(';
  for (const NodeId child : node.children) text += shape_of(ast, child) + ' ';
  return text + ')';
}

std::string shape_of(std::string_view text) {
  Issues issues;
  const auto ast = parse_expression(text, {}, issues);
  EXPECT_TRUE(issues.empty()) << text;
  return shape_of(*ast, ast->root());
}

TEST(CelParser, OperatorsBindAsInTheLanguageDefinition) {
  struct Row {
    std::string_view reason;
    std::string_view text;
    std::string_view same_as;
  };
  constexpr std::array kRows = {
      Row{"products bind more tightly than sums", "a + b * c - d", "(a + (b * c)) - d"},
      Row{"operators of one level group to the left", "a - b - c", "(a - b) - c"},
      Row{"relations too", "a == b != c", "(a == b) != c"},
      Row{"and before or", "a || b && c", "a || (b && c)"},
      Row{"conditionals last, to the right", "a || b ? c : d ? e : f", "(a || b) ? c : (d ? e : f)"},
      Row{"signs apply to a member with its selections", "-a.b[c]", "-(a.b[c])"},
      Row{"a minus belongs to the number after it", "-1.f()", "(-1).f()"},
      Row{"pairs of signs cancel", "!!!a", "!((a))"},
      Row{"long chains are balanced", "a && b && c && d", "(a && b) && (c && d)"},
  };
  for (const Row& row : kRows) EXPECT_EQ(shape_of(row.text), shape_of(row.same_as)) << row.reason;
}

TEST(CelParser, LiteralsAreReadExactly) {
  EXPECT_EQ(*unescape_literal(R"("a\n\t\"\x41\u00e9\U0001F600\101")", false),
            "a\n\t\"A\xC3\xA9\xF0\x9F\x98\x80"
            "A");
  EXPECT_EQ(*unescape_literal(R"("\xff\377")", true), "\xff\xff") << "bytes are bytes";
  EXPECT_EQ(*unescape_literal(R"("\xff")", false), "\xC3\xBF") << "a string holds the code point";
  EXPECT_EQ(*unescape_literal("r'\\n'", false), "\\n");
  EXPECT_EQ(*unescape_literal("'''a'b''c'''", false), "a'b''c");
  EXPECT_EQ(*unescape_literal("'''a\r\nb\rc'''", false), "a\nb\nc");
}

/// A random expression without mistakes.
std::string valid_expression(int depth) {
  const auto pick = [](const std::vector<std::string>& from) { return *rc::gen::elementOf(from); };
  const auto inner = [depth] { return valid_expression(depth - 1); };
  if (depth == 0) {
    return pick(
        {"a", ".b", "1", "-1", "0x1F", "2u", "1.5e3", "'s'", "b'x'", "r'\\d'", "true", "null", "[]", "{}"});
  }
  switch (*rc::gen::inRange(0, 12)) {
    case 0: return inner() + pick({" + ", " - ", "*", "/", "%"}) + inner();
    case 1: return inner() + pick({"==", "!=", "<", "<=", ">", ">=", " in "}) + inner();
    case 2: return inner() + pick({"&&", "||"}) + inner() + pick({" && ", " || "}) + inner();
    case 3: return "(" + inner() + ") ? (" + inner() + ") : " + inner();
    case 4: return pick({"!", "!!", "-", "--"}) + "(" + inner() + ")";
    case 5: return "(" + inner() + ")" + pick({".f", ".?f", ".f()", ".g(a, b)"});
    case 6: return "(" + inner() + ")[" + pick({"", "?"}) + inner() + "]";
    case 7: return "[" + inner() + ", ?" + inner() + pick({"]", ",]"});
    case 8: return "{" + inner() + ": " + inner() + ", ?a: " + inner() + "}";
    case 9: return pick({"f", ".g", "h"}) + "(" + inner() + ")";
    case 10: return "A.b{c: " + inner() + ", ?d: " + inner() + "}";
    default:
      return "(" + inner() + ")" + pick({".all(x, ", ".exists(x, y, ", ".map(x, ", ".transformMap(k, v, "}) +
             inner() + ")";
  }
}

RC_GTEST_PROP(CelParserProperty, BothParsersReadRightExpressionsAlike, ()) {
  const std::string text = valid_expression(*rc::gen::inRange(0, 4));
  Ast fast(text);
  Issues issues;
  RC_ASSERT(parse_fast(fast, {}, issues));
  Ast slow(text);
  parse_with_explanations(slow, {}, issues);
  RC_ASSERT(issues.display(fast.source()) == "");
  RC_ASSERT(tree_text(fast, fast.root()) == tree_text(slow, slow.root()));
}

RC_GTEST_PROP(CelParserProperty, BrokenExpressionsAreExplainedOrTaken, ()) {
  std::string text = valid_expression(*rc::gen::inRange(0, 3));
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
  text.insert(at, *rc::gen::elementOf(
                      std::vector<std::string>{"(", ")", "]", ",", "?", "&", "'", "1", ".", "if", "+"}));
  Ast fast(text);
  Issues fast_issues;
  const bool taken = parse_fast(fast, {}, fast_issues);
  Ast slow(text);
  Issues slow_issues;
  parse_with_explanations(slow, {}, slow_issues);
  RC_CLASSIFY(taken);
  if (taken) {
    RC_ASSERT(fast_issues.display(fast.source()) == slow_issues.display(slow.source()));
  } else {
    RC_ASSERT(!slow_issues.empty());
  }
}

}  // namespace
}  // namespace klutch::apiserver::cel
