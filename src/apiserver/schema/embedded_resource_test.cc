// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/embedded_resource.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

TEST(EmbeddedResource, IsCoercedAndRefusedAsByKubernetes) {
  expect_answers_of("src/apiserver/schema/testdata/embedded.tsv");
}

TEST(EmbeddedResource, NeedsApiVersionAndKindButNoMetadata) {
  SchemaPool pool;
  const SchemaPtr schema = parse_schema(json::parse(R"({"type":"object","properties":{"r":{"type":"object",
    "x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}})")
                                            .value(),
                                        pool)
                               .value();
  const auto errors = [&](std::string_view object) {
    return to_string(validate_embedded_resources({}, json::parse(object).value(), schema.get()));
  };
  EXPECT_EQ(errors(R"({"r":{}})"), "[r.apiVersion: Required value, r.kind: Required value]");
  EXPECT_EQ(errors(R"({"r":{"apiVersion":"v1","kind":"Secret"}})"), "");
  EXPECT_EQ(errors(R"({})"), "");
}

}  // namespace
}  // namespace klutch::apiserver
