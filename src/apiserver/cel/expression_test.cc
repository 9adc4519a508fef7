// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/expression.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/cel/schema.h"
#include "apiserver/schema/structural_schema.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/fiber_test.h"
#include "testing/table.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::uint64_t kBudget = 1'000'000;

Type type_named(std::string_view name) {
  static const std::map<std::string_view, Type> kTypes = {
      {"int", Type::integer()},
      {"string", Type::string()},
      {"dyn", Type::dyn()},
      {"timestamp", Type::timestamp()},
      {"list(int)", Type::list(Type::integer())},
      {"map(string, int)", Type::map(Type::string(), Type::integer())},
      {"optional(int)", Type::optional(Type::integer())},
  };
  return kTypes.at(name);
}

/// A row of environments.tsv: a schema with self and oldSelf, or variables with types.
class TestEnvironment {
 public:
  explicit TestEnvironment(std::string_view text) : content_(*json::parse(text)) {
    Environment::Options options;
    if (const json::Value* minor = content_.find("minor"))
      options.kube_minor = static_cast<int>(minor->as_int());
    environment_ = Environment(options);
    if (content_.find("schema") != nullptr) {
      declare_self();
    } else {
      declare_variables();
    }
  }

  json::Value answer(std::string_view text) const {
    json::Value answer = json::object();
    const auto expression = Expression::compile(text, environment_);
    if (!expression) {
      answer.set("compile", expression.error().message());
      return answer;
    }
    answer.set("type", expression->type().text());
    if (expression->mentions("oldSelf")) answer.set("usesOld", true);
    if (const auto plannable = expression->plannable(); !plannable) {
      answer.set("program", plannable.error().message());
      return answer;
    }
    answer.set("min", std::to_string(expression->estimated_cost().min));
    answer.set("max", std::to_string(expression->estimated_cost().max));
    const Evaluation result = expression->evaluate(values_, kBudget);
    answer.set("cost", std::to_string(result.cost));
    if (result.value.is_error()) {
      answer.set("error", result.value.as_text());
    } else {
      answer.set("result", result.value.debug());
    }
    return answer;
  }

 private:
  bool flag(std::string_view name) const {
    const json::Value* value = content_.find(name);
    return value != nullptr && value->as_bool();
  }

  void declare_self() {
    SchemaPool pool;
    const SchemaPtr structural = *parse_schema(*content_.find("schema"), pool);
    const auto schema = Schema::from_structural(*structural, {.resource_root = flag("root")});
    environment_.declare_self(schema, flag("optOld"));
    values_.emplace_back("self", Value::from_json(*content_.find("self"), *schema));
    const json::Value* old = content_.find("oldSelf");
    if (flag("optOld")) {
      values_.emplace_back("oldSelf", old == nullptr ? Value::optional_none()
                                                     : Value::optional_of(Value::from_json(*old, *schema)));
    } else if (old != nullptr) {
      values_.emplace_back("oldSelf", Value::from_json(*old, *schema));
    }
  }

  void declare_variables() {
    if (const json::Value* types = content_.find("types")) {
      for (const auto& [name, type] : types->members())
        environment_.declare(name, type_named(type.as_string()));
    }
    if (const json::Value* values = content_.find("vars")) {
      for (const auto& [name, value] : values->members()) values_.emplace_back(name, Value::from_json(value));
    }
  }

  json::Value content_;
  Environment environment_;
  std::vector<std::pair<std::string_view, Value>> values_;
};

std::string sorted_text(const json::Value& answer) {
  std::map<std::string_view, std::string> members;
  for (const auto& [key, value] : answer.members()) members[key] = json::print(value);
  std::string text;
  for (const auto& [key, value] : members) text.append(key).append(": ").append(value).append("\n");
  return text;
}

TEST(CelExpression, CompilesCostsAndEvaluatesAsCelGoDoes) {
  std::map<std::string, std::unique_ptr<TestEnvironment>> environments;
  for (const auto& row : testing::read_table("src/apiserver/cel/testdata/environments.tsv", 2)) {
    environments[row[0]] = std::make_unique<TestEnvironment>(row[1]);
  }
  for (const auto& row : testing::read_table("src/apiserver/cel/testdata/evaluation.tsv", 3)) {
    const auto expression = json::parse(row[1]);
    const auto expected = json::parse(row[2]);
    EXPECT_EQ(sorted_text(environments.at(row[0])->answer(expression->as_string())), sorted_text(*expected))
        << row[0] << ' ' << row[1];
  }
}

TEST(CelExpression, StopsWhenItCostsTooMuch) {
  const auto expression =
      *Expression::compile("[1,2,3,4,5,6,7,8,9,10].all(x, [1,2,3].all(y, x + y > 0))", Environment());
  const Evaluation answer = expression.evaluate({}, 50);
  EXPECT_TRUE(answer.is_cancelled);
  EXPECT_EQ(answer.value.as_text(), "operation cancelled: actual cost limit exceeded");
  EXPECT_LT(answer.cost, 100U);
}

TEST(CelExpression, IsBoundedWhereTheBudgetIsNot) {
  struct Row {
    std::string_view reason;
    std::string expression;
  };
  std::string doubled = "[[0]]";
  for (int i = 0; i < 40; ++i) doubled += ".map(x, x + x)";
  std::string nested = "[0]";
  for (int i = 0; i < 160; ++i) nested = "[1].map(x, " + nested + ")";
  std::string deep_value = "[dyn(0)]";
  for (int i = 0; i < 140; ++i) deep_value += ".map(x, dyn([x]))";
  const std::vector<Row> rows = {
      {"lists that double are copied, though the copy costs 1", doubled + ".size() > 0"},
      {"values do not nest without end", deep_value + ".size() > 0"},
      {"texts that multiply",
       "lists.range(1000).map(i, 'aaaaaaaaaa').join().replace('a', 'aaaaaaaaaaaaaaaa')"
       ".replace('a', 'aaaaaaaaaaaaaaaa').replace('a', 'aaaaaaaaaaaaaaaa').size() > 0"},
      {"ranges", "lists.range(1000000000).size() > 0"},
  };
  for (const Row& row : rows) {
    const auto expression = Expression::compile(row.expression, Environment());
    ASSERT_TRUE(expression) << row.reason << expression.error().message();
    const Evaluation answer = expression->evaluate({}, kBudget);
    EXPECT_TRUE(answer.value.is_error()) << row.reason;
    EXPECT_TRUE(answer.value.as_text().starts_with("operation cancelled: ")) << answer.value.debug();
  }
}

std::string times(std::size_t count, std::string_view part) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

FIBER_TEST(CelExpression, FitsAFibersStackHoweverItIsNested) {
  struct Row {
    std::string_view reason;
    std::string expression;
    std::string_view result;
  };
  const std::vector<Row> rows = {
      {"parentheses", times(240, "(") + "1" + times(240, ")"), "1"},
      {"operators that need their left side first", "0" + times(240, " + 1"), "240"},
      {"operators that are balanced", "true" + times(5000, " && true"), "true"},
      {"conditions inside conditions", times(200, "true ? (") + "1" + times(200, ") : 2"), "1"},
      {"selections", "dyn({'a': 1})" + times(240, "[?'a']") + ".hasValue()", "false"},
      {"loops inside loops", times(20, "[1].map(x, ") + "x" + times(20, ")") + ".size()", "1"},
      {"methods", "' a '" + times(240, ".trim()"), "\"a\""},
      {"lists in lists", times(100, "[") + "1" + times(100, "]") + " == [] || true", "true"},
  };
  for (const Row& row : rows) {
    const auto expression = Expression::compile(row.expression, Environment());
    ASSERT_TRUE(expression) << row.reason << ": " << expression.error().message().substr(0, 200);
    EXPECT_EQ(expression->evaluate({}, kBudget).value.debug(), row.result) << row.reason;
  }
}

TEST(CelExpression, KeepsItsSchemaAlive) {
  SchemaPool pool;
  auto schema = Schema::from_structural(
      **parse_schema(
          json::object({{"type", "object"},
                        {"properties", json::object({{"a", json::object({{"type", "integer"}})}})}}),
          pool),
      {});
  std::optional<Expression> expression;
  {
    Environment environment;
    environment.declare_self(schema);
    expression = *Expression::compile("self.a == 1", environment);
  }
  const json::Value object = json::object({{"a", 1}});
  const std::pair<std::string_view, Value> self = {"self", Value::from_json(object, *schema)};
  EXPECT_TRUE(expression->evaluate(std::span(&self, 1), kBudget).value.is_bool(true));
}

}  // namespace
}  // namespace klutch::apiserver::cel
