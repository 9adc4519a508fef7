// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/conform.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using json::Value;

const MessageFacts& message(std::string_view name) {
  return *BuiltinFacts::get().find_message(name);
}

std::vector<std::string> texts_of(const Value& list) {
  std::vector<std::string> out;
  for (const Value& text : list.elements()) out.emplace_back(text.as_string());
  return out;
}

void expect_recorded(const Value& row) {
  const auto* facts =
      BuiltinFacts::get().message_of(*row.find_string("apiVersion"), *row.find_string("kind"));
  if (facts == nullptr) return;  // a kind that is not built in here
  const auto conformed = conform(*row.find("in"), *facts);
  if (const auto error = row.find_string("error")) {
    ASSERT_FALSE(conformed) << *error;
    EXPECT_EQ(conformed.error().message(), *error);
    EXPECT_EQ(conformed.error().code(), Code::kBadRequest);
    return;
  }
  ASSERT_TRUE(conformed) << conformed.error().message();
  Value object = conformed->object;
  object.erase("apiVersion");
  object.erase("kind");
  EXPECT_EQ(object, *row.find("out"));
  const auto* unknown = row.find("unknown");
  EXPECT_EQ(conformed->unknown_fields, unknown == nullptr ? std::vector<std::string>() : texts_of(*unknown));
}

/// The recordings are random objects of all kinds, one value of most changed, read strictly, written to
/// protobuf, read again and printed by k8s.io/api v0.34.4.
TEST(Conform, EqualsWhatKubernetesMakesOfRecordedObjects) {
  const char* other = std::getenv("KLUTCH_RECORDED_OBJECTS");
  std::ifstream file(other != nullptr ? other
                                      : std::string(std::getenv("KLUTCH_SOURCE_DIR")) +
                                            "/src/apiserver/builtin/testdata/conform.jsonl");
  ASSERT_TRUE(file.is_open());
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    SCOPED_TRACE("row " + std::to_string(rows) + ": " + line);
    expect_recorded(json::parse(line).value());
  }
  EXPECT_GE(rows, 100);
}

TEST(Conform, KeepsApiVersionAndKindAndIsAFixedPoint) {
  const Value sent = json::parse(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","labels":{}},
      "stringData":null,"data":{"k":"YQ=="},"type":""})")
                         .value();
  const auto once = *conform(sent, message("core.v1.Secret"));
  EXPECT_EQ(json::print(once.object),
            R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"},"data":{"k":"YQ=="}})");
  EXPECT_EQ(conform(once.object, message("core.v1.Secret"))->object, once.object);
}

TEST(Conform, FieldsInAnotherCaseAreUnknown) {
  const Value sent = json::object({{"metadata", json::object({{"Name", "a"}})}, {"Data", json::object()}});
  const auto read = *conform(sent, message("core.v1.ConfigMap"));
  EXPECT_EQ(read.unknown_fields, (std::vector<std::string>{"metadata.Name", "Data"}));
}

TEST(Conform, TellsOfAtMostAHundredUnknownFields) {
  Value sent = json::object();
  for (int i = 0; i < 300; ++i) sent.set("x" + std::to_string(i), 1);
  EXPECT_EQ(conform(sent, message("core.v1.ConfigMap"))->unknown_fields.size(), 100U);
}

Value nested_schema(int levels) {
  Value schema = json::object({{"type", "object"}});
  for (int i = 0; i < levels; ++i) {
    Value outer = json::object();
    outer["properties"].set("a", std::move(schema));
    schema = std::move(outer);
  }
  return schema;
}

/// Requests run on fibers, whose stacks are small.
FIBER_TEST(Conform, FitsAFiberAndRefusesWhatIsNestedTooDeeply) {
  const auto& schema = message("apiextensions.v1.JSONSchemaProps");
  EXPECT_TRUE(conform(nested_schema(kMaxConformDepth), schema));
  const auto read = conform(nested_schema(1000), schema);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(), "exceeded max depth");
}

TEST(Conform, ReadsBase64AsGoDoes) {
  const struct {
    const char* reason;
    const char* sent;
    const char* stored;  // null: refused
    const char* error;
  } rows[] = {
      {"plain", "YWI=", "YWI=", nullptr},
      {"line breaks are skipped", "YW\nI=\r\n", "YWI=", nullptr},
      {"stray bits are lost", "YWJ=", "YWI=", nullptr},
      {"no padding", "YWI", nullptr, "illegal base64 data at input byte 0"},
      {"a foreign character", "YW-=", nullptr, "illegal base64 data at input byte 2"},
      {"something after the padding", "YWI=YWI=", nullptr, "illegal base64 data at input byte 4"},
      {"padding too early", "Y===", nullptr, "illegal base64 data at input byte 1"},
      {"half of the padding", "YQ=", nullptr, "illegal base64 data at input byte 3"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    const Value sent = json::object({{"data", json::object({{"k", row.sent}})}});
    const auto read = conform(sent, message("core.v1.Secret"));
    ASSERT_EQ(read.has_value(), row.stored != nullptr);
    if (read) {
      EXPECT_EQ(read->object.find("data")->find_string("k"), row.stored);
    } else {
      EXPECT_EQ(read.error().message(), row.error);
    }
  }
}

}  // namespace
}  // namespace klutch::apiserver
