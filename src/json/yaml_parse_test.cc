// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include <functional>
#include <map>
#include <string>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "json/yaml.h"
#include "testing/table.h"

namespace klutch::json {
namespace {

constexpr DuplicateKeys kReject = DuplicateKeys::kReject;

/// Texts that are read otherwise than by sigs.k8s.io/yaml, and why.
const std::map<std::string, std::string> kDeviations = {
    {R"("\'")", "an escape that YAML does not have; goyaml takes it, libyaml does not"},
    {R"("\/")", "the escape of JSON, which goyaml's older scanner does not know"},
    {"[a?b]", "goyaml's older scanner ends plain text at a question mark in flow style"},
    {"[x?]", "as above"},
    {"{path: /x?y=1, port: 80}", "as above; such URLs are common"},
    {"%YAML 1.2\n---\na: 1\n", "goyaml refuses the version that everybody writes"},
};

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// The value as Go prints it, keys sorted.
std::string outcome(const Result<Value>& result) {
  return result ? canonical(parse(print(*result)).value()) : "error";
}

struct Row {
  std::string label;
  std::string text;
  std::string expected;
  bool has_duplicates;
};

std::vector<Row> go_table() {
  std::vector<Row> rows;
  for (const auto& cells : testing::read_table("src/json/testdata/yaml_parse.tsv", 4)) {
    const std::string text(parse(cells[1]).value().as_string());
    if (kDeviations.contains(text)) continue;
    const std::string expected = cells[2] == "error" ? cells[2] : canonical(parse(cells[2]).value());
    rows.push_back({cells[0] + ": " + cells[1], text, expected, cells[3] == "strict"});
  }
  return rows;
}

Error error_of(std::string_view text, const YamlOptions& options = {}) {
  auto result = parse_yaml_documents(text, options);
  if (result) return {Code::kInternal, "unexpectedly read"};
  return result.error();
}

TEST(YamlParse, ReadsWhatKubernetesToolsRead) {
  const std::vector<Row> rows = go_table();
  EXPECT_GT(rows.size(), 700U);
  for (const Row& row : rows) {
    const auto result = parse_yaml(row.text);
    EXPECT_EQ(outcome(result), row.expected) << row.label << (result ? "" : "\n" + result.error().message());
    EXPECT_TRUE(result || is(result.error(), Code::kBadRequest)) << row.label;
  }
}

TEST(YamlParse, ReadsScalarsAlikeWhereverTheyStand) {
  std::size_t compared = 0;
  for (const Row& row : go_table()) {
    const auto alone = parse_yaml(row.text);
    const bool only_alone = row.text.find_first_of("\n#:") != std::string::npos ||
                            row.text.starts_with("---") || row.text.starts_with("...") ||
                            row.text.find("\\ud8") != std::string::npos;  // taken as JSON
    if (only_alone || !alone || alone->is_array() || alone->is_object()) continue;
    const auto member = parse_yaml("a: " + row.text + "\n");
    const auto element = parse_yaml("- - " + row.text + "\n  - x\n");
    ASSERT_TRUE(member && element) << row.label;
    EXPECT_EQ(*member->find("a"), *alone) << row.label;
    EXPECT_EQ(element->at(0).at(0), *alone) << row.label;
    ++compared;
  }
  EXPECT_GT(compared, 200U);
}

TEST(YamlParse, ReadsMoreThanTheToolsWhereThatIsHarmless) {
  EXPECT_EQ(outcome(parse_yaml("{path: /x?y=1, port: 80}")), R"({"path":"/x?y=1","port":80})");
  EXPECT_EQ(outcome(parse_yaml("%YAML 1.2\n---\na: 1\n")), R"({"a":1})");
  EXPECT_EQ(outcome(parse_yaml(R"(a: "\/")")), R"({"a":"/"})");
  EXPECT_EQ(outcome(parse_yaml(R"("\'")")), "error");
}

TEST(YamlParse, RejectsDuplicateKeysExactlyWhereTheToolsDo) {
  for (const Row& row : go_table()) {
    if (row.expected == "error") continue;
    // A key that overrides what a merge key brought is what merge keys are for.
    if (row.label.starts_with("merge keys")) continue;
    const auto result = parse_yaml(row.text, {.duplicate_keys = kReject});
    EXPECT_EQ(result.has_value(), !row.has_duplicates) << row.label;
  }
}

TEST(YamlParse, KeepsWholeNumbersExact) {
  const Value value = parse_yaml("[9223372036854775807, 18446744073709551615, -9223372036854775808]").value();
  EXPECT_EQ(value.at(0).as_int(), INT64_MAX);
  EXPECT_EQ(value.at(1).as_uint(), UINT64_MAX);
  EXPECT_EQ(value.at(2).as_int(), INT64_MIN);
}

TEST(YamlParse, TakesNumbersWithEndlessExponentsForTextOrZero) {
  EXPECT_EQ(outcome(parse_yaml("1e9223372036854775807")), R"("1e9223372036854775807")");
  EXPECT_EQ(outcome(parse_yaml("1e-9223372036854775808")), "0");
  EXPECT_EQ(outcome(parse_yaml("1e99999999999999999999")), R"("1e99999999999999999999")");
}

TEST(YamlParse, ReportsDuplicateKeysWithPathAndLineAndKeepsTheLast) {
  const auto documents =
      parse_yaml_documents("a: 1\nb:\n- x: 1\n- {x: 1, y/z: 2,\n   y/z: 3}\na: 2\n---\n1: a\n'1': b\n");
  ASSERT_TRUE(documents.has_value());
  ASSERT_EQ(documents->size(), 2U);
  const auto& first = documents->at(0).duplicate_keys;
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].path, "/b/1/y~1z");
  EXPECT_EQ(first[0].line, 5U);
  EXPECT_EQ(first[1].path, "/a");
  EXPECT_EQ(first[1].line, 6U);
  EXPECT_EQ(documents->at(0).value.find_int("a"), 2);
  ASSERT_EQ(documents->at(1).duplicate_keys.size(), 1U);
  EXPECT_EQ(documents->at(1).duplicate_keys[0].line, 9U);
}

TEST(YamlParse, ReportsDuplicateKeysOfJsonWithTheirLine) {
  const auto documents = parse_yaml_documents("{\"a\": 1,\n\"a\": 2}");
  ASSERT_TRUE(documents.has_value());
  ASSERT_EQ(documents->front().duplicate_keys.size(), 1U);
  EXPECT_EQ(documents->front().duplicate_keys[0].line, 2U);
  EXPECT_EQ(parse_yaml("{\"a\": 1,\n\"a\": 2}", {.duplicate_keys = kReject}).error().code(),
            Code::kBadRequest);
}

TEST(YamlParse, DoesNotTakeOverridesOfMergedKeysForDuplicates) {
  const std::string text = "base: &x {a: 1, b: 2}\nc:\n  <<: *x\n  a: 3\n";
  EXPECT_EQ(outcome(parse_yaml(text, {.duplicate_keys = kReject})),
            R"({"base":{"a":1,"b":2},"c":{"a":3,"b":2}})");
  EXPECT_EQ(error_of(text + "  a: 4\n", {.duplicate_keys = kReject}).code(), Code::kBadRequest);
  EXPECT_EQ(error_of("<<: {a: 1}\nb: 1\nb: 2\n", {.duplicate_keys = kReject}).code(), Code::kBadRequest);
  EXPECT_EQ(error_of("b: 1\n<<: {a: 1}\nb: 2\n", {.duplicate_keys = kReject}).code(), Code::kBadRequest);
}

TEST(YamlParse, LimitsTheNumberOfReportedDuplicates) {
  const auto documents = parse_yaml_documents("x: 1\n" + repeated("x: 1\n", 500));
  ASSERT_TRUE(documents.has_value());
  EXPECT_EQ(documents->front().duplicate_keys.size(), YamlDocument::kMaxDuplicates);
}

TEST(YamlParse, NamesLineAndColumnOfMistakes) {
  struct Case {
    std::string text;
    std::string place;
    std::string reason;
  };
  const Case cases[] = {
      {"a: 1\nb: [1\nc: 2\n", "line 3, column 2", "a sequence that is not closed"},
      {"a:\n\tb: 1\n", "line 2, column 1", "a tab as indentation"},
      {"a: 1\nb: \"x\n", "line 3, column 1", "a quote that is not closed"},
      {"a: 1\nb\nc: 2\n", "line 3, column 1", "a missing colon"},
      {"a: 1\nb: .inf\n", "line 2, column 4", "what JSON cannot hold"},
      {"a: 1\nb: !!int x\n", "line 2, column 4", "a tag that does not fit"},
      {"a: 1\nb: *x\n", "line 2, column 4", "an unknown anchor"},
      {"a: 1\n[b]: 2\n", "line 2, column 1", "a sequence as key"},
      {"a: 1\n~: 2\n", "line 2, column 1", "null as key"},
      {"a: 1\nb: \xff\n", "line 2, column 4", "bytes that are not UTF-8"},
      {"a: 1\nb: \x01\n", "line 2, column 4", "a control character"},
      {"a: 1\n---\nb: 1\nc: [\n", "line 5, column 1", "a mistake in the second document"},
      {"a: 1\n<<: 2\n", "line 2, column 5", "a merge key without mapping"},
  };
  for (const auto& [text, place, reason] : cases) {
    const Error error = error_of(text);
    EXPECT_EQ(error.code(), Code::kBadRequest) << reason;
    EXPECT_NE(error.message().find(place), std::string::npos) << reason << ": " << error.message();
  }
}

TEST(YamlParse, RefusesBinaryDataThatIsNotText) {
  EXPECT_EQ(error_of("!!binary //8=").code(), Code::kBadRequest);
}

TEST(YamlParse, ExpectsOneDocumentUnlessAskedForAStream) {
  EXPECT_EQ(outcome(parse_yaml("# c\n---\n# d\n---\na: 1\n---\n")), R"({"a":1})");
  EXPECT_EQ(outcome(parse_yaml("")), "null");
  EXPECT_EQ(outcome(parse_yaml({})), "null");
  EXPECT_EQ(outcome(parse_yaml("# only a comment")), "null");
  EXPECT_EQ(parse_yaml("a: 1\n---\nb: 2\n").error().code(), Code::kBadRequest);
}

TEST(YamlParse, ReadsStreamsLeavingOutEmptyDocuments) {
  const auto documents = parse_yaml_documents(
      "# head\n---\na: 1\n---\n---\n# nothing\n---\nnull\n--- # c\n\n- 2\n...\n---\n\"x\"\n--- {b: 3}\n");
  ASSERT_TRUE(documents.has_value());
  ASSERT_EQ(documents->size(), 4U);
  EXPECT_EQ(print(documents->at(0).value), R"({"a":1})");
  EXPECT_EQ(documents->at(0).line, 3U);
  EXPECT_EQ(print(documents->at(1).value), "[2]");
  EXPECT_EQ(documents->at(1).line, 11U);
  EXPECT_EQ(print(documents->at(2).value), R"("x")");
  EXPECT_EQ(print(documents->at(3).value), R"({"b":3})");
  EXPECT_TRUE(parse_yaml_documents("---\n---\n").value().empty());
  EXPECT_TRUE(parse_yaml_documents("").value().empty());
}

TEST(YamlParse, TakesJsonWithWhatYamlWouldRefuse) {
  const auto documents = parse_yaml_documents("\n\n{\"a\": \"\\ud83d\\ude00\x7f\"}\n");
  ASSERT_TRUE(documents.has_value());
  EXPECT_EQ(documents->front().value.find_string("a"), "\xf0\x9f\x98\x80\x7f");
  EXPECT_EQ(documents->front().line, 3U);
}

TEST(YamlParse, LimitsBytesLevelsAndDocuments) {
  struct Case {
    std::string text;
    YamlOptions options;
    std::string reason;
  };
  const auto nested_block = [](std::size_t levels) { return repeated("- ", levels) + "x\n"; };
  const auto nested_flow = [](std::size_t levels) { return repeated("[", levels) + repeated("]", levels); };
  const Case fits[] = {
      {"a: 1", {.max_bytes = 4}, "bytes"},
      {nested_block(256), {}, "levels in block style"},
      {nested_flow(256), {}, "levels in flow style"},
      {repeated("{a: ", 256) + repeated("}", 256), {}, "levels of mappings"},
      {"a: &x [[1]]\nb: [*x]\n", {.max_depth = 4}, "levels that an alias brings"},
      {repeated("---\na\n", 3), {.max_documents = 3}, "documents"},
      {repeated("---\n", 50) + "a", {.max_documents = 1}, "empty documents do not count"},
  };
  for (const auto& [text, options, reason] : fits) EXPECT_TRUE(parse_yaml_documents(text, options)) << reason;
  const Case too_large[] = {
      {"a: 12", {.max_bytes = 4}, "bytes"},
      {nested_block(257), {}, "levels in block style"},
      {nested_flow(257), {}, "levels in flow style"},
      {repeated("{a: ", 257) + repeated("}", 257), {}, "levels of mappings"},
      {"a: &x [[1]]\nb: [*x]\n", {.max_depth = 3}, "levels that an alias brings"},
      {repeated("---\na\n", 4), {.max_documents = 3}, "documents"},
  };
  for (const auto& [text, options, reason] : too_large) {
    EXPECT_EQ(error_of(text, options).code(), Code::kTooLarge) << reason;
  }
}

/// "a: &a [x, x, ...]", then each line repeats the one before `width` times.
std::string laughs(std::size_t lines, std::size_t width, const std::string& separator = "") {
  std::string text = "- &a0 [" + repeated("lol, ", width) + "]\n";
  for (std::size_t line = 1; line < lines; ++line) {
    text += "- &a" + std::to_string(line) + " [" + repeated("*a" + std::to_string(line - 1) + ", ", width) +
            "]\n" + separator;
  }
  return text;
}

TEST(YamlParse, StopsTextsThatGrowWithoutBound) {
  EXPECT_TRUE(parse_yaml(laughs(3, 9)));
  EXPECT_EQ(error_of(laughs(9, 9)).code(), Code::kTooLarge);
  EXPECT_EQ(error_of(laughs(100, 2)).code(), Code::kTooLarge);

  std::string merges = "- &a0 {" + repeated("k: v, ", 1) + "x: y}\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    merges += "- &a" + std::to_string(i) + " {<<: " + before + ", l: " + before + ", r: " + before + "}\n";
  }
  EXPECT_EQ(error_of(merges).code(), Code::kTooLarge);

  const std::string long_text = "- &a " + repeated("x", 1'000'000) + "\n";
  EXPECT_TRUE(parse_yaml(long_text + repeated("- *a\n", 4)));
  EXPECT_EQ(error_of(long_text + repeated("- *a\n", 10)).code(), Code::kTooLarge);

  const std::string nested_anchors = [] {
    std::string text;
    for (int i = 0; i < 250; ++i) text += "[&a" + std::to_string(i) + " ";
    return text + "[" + repeated("x, ", 1000) + "]" + repeated("]", 250);
  }();
  EXPECT_EQ(error_of(nested_anchors).code(), Code::kTooLarge);
}

TEST(YamlParse, CountsAliasesAcrossAllDocumentsOfAStream) {
  const std::string document = "---\n- &a [1, 2, 3, 4]\n- *a\n";  // 10 nodes: the kept copy and the alias
  EXPECT_TRUE(parse_yaml_documents(repeated(document, 10), {.max_alias_nodes = 100}));
  EXPECT_EQ(error_of(repeated(document, 11), {.max_alias_nodes = 100}).code(), Code::kTooLarge);
}

TEST(YamlParse, StopsAtTheFirstLevelTooDeepWithoutReadingOn) {
  const Error flow = error_of(repeated("[", 1'000'000));
  EXPECT_EQ(flow.code(), Code::kTooLarge);
  EXPECT_NE(flow.message().find("line 1, column 257:"), std::string::npos) << flow.message();
  const Error block = error_of(repeated("- ", 1'000'000));
  EXPECT_NE(block.message().find("line 1, column 513:"), std::string::npos) << block.message();
}

TEST(YamlParse, StopsTextsWhoseReadingWouldTakeTimeBeyondProportion) {
  std::string directives;
  for (int i = 0; i < 64; ++i) directives += "%TAG !a" + std::to_string(i) + "! x\n";
  EXPECT_TRUE(parse_yaml(directives + "---\na\n"));
  EXPECT_EQ(error_of(directives + "%TAG !b! x\n---\na\n").code(), Code::kTooLarge);
  EXPECT_TRUE(parse_yaml("a: \"" + repeated("see %TAG ", 1'000) + "\"\n"));

  // 64 million steps: events times levels of flow style. As JSON the same text is no trouble.
  const std::string deep = repeated("[", 250) + repeated("1,", 300'000) + "1" + repeated("]", 250);
  EXPECT_EQ(error_of(deep + " # no JSON").code(), Code::kTooLarge);
  EXPECT_TRUE(parse_yaml(deep));
}

/// Runs `work` on a stack as small as that of a fiber.
void on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{256} << 10), 0);
  pthread_t thread{};
  const auto run = [](void* function) -> void* {
    (*static_cast<std::function<void()>*>(function))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(YamlParse, FitsTheStackOfAFiberAtAnyNesting) {
  on_small_stack([] {
    for (const char* opening :
         {"[", "{", "[{a: ", "- ", "? ", "- - a: ", "{\"a\":[", "\"a\": {", "[\n", "!!x &a [", "a: !x {? "}) {
      const std::string text = repeated(opening, 100'000);
      EXPECT_FALSE(parse_yaml(text)) << opening;
      // Without the cap of JSON, nothing but the heap grows with nesting.
      EXPECT_FALSE(parse_yaml(repeated(opening, 1'000), {.max_depth = 200})) << opening;
    }
    const std::string deepest = repeated("- ", 256) + "x\n";
    const auto value = parse_yaml(deepest);
    ASSERT_TRUE(value.has_value());
    EXPECT_EQ(print_yaml(*value), deepest);
    EXPECT_TRUE(parse_yaml(repeated("[", 256) + repeated("]", 256)));
    EXPECT_TRUE(parse_yaml(repeated("- ", 5'000) + "x\n", {.max_depth = 5'000}));
  });
}

}  // namespace
}  // namespace klutch::json
