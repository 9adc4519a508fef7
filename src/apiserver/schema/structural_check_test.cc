// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/structural_check.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

TEST(ValidateStructural, SaysWhatKubernetesSays) {
  expect_answers_of("src/apiserver/schema/testdata/structural.tsv");
}

TEST(ValidateStructural, TypesInAlternativesAreAllowedOnlyForIntOrString) {
  const auto errors = [](std::string_view text) {
    return to_string(validate_structural(FieldPath("s"), json::parse(text).value()));
  };
  EXPECT_EQ(errors(R"({"type":"object","properties":{"a":{"x-kubernetes-int-or-string":true,
                       "anyOf":[{"type":"integer"},{"type":"string"}]}}})"),
            "");
  EXPECT_EQ(errors(R"({"type":"object","properties":{"a":{"x-kubernetes-int-or-string":true,
                       "anyOf":[{"type":"string"},{"type":"integer"}]}}})"),
            "[s.properties[a].anyOf[0].type: Forbidden: must be empty to be structural, "
            "s.properties[a].anyOf[1].type: Forbidden: must be empty to be structural]");
}

}  // namespace
}  // namespace klutch::apiserver
