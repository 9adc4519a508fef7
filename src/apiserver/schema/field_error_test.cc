// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/field_error.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"
#include "json/build.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

const FieldPath kSpec("spec");

TEST(FieldPath, IsWrittenAsKubernetesWritesIt) {
  EXPECT_EQ(kSpec.child("containers").index(0).child("name").to_string(), "spec.containers[0].name");
  EXPECT_EQ(FieldPath("metadata").child("annotations").key("k").to_string(), "metadata.annotations[k]");
  EXPECT_EQ(FieldPath().to_string(), "<nil>");
  EXPECT_EQ(FieldPath().child("a").to_string(), "a");
  EXPECT_EQ(FieldPath().index(3).child("b").to_string(), "[3].b");
  EXPECT_EQ(kSpec.child("").to_string(), "spec[]");
}

TEST(FieldError, EachTypeHasItsReasonAndText) {
  struct Row {
    FieldError error;
    std::string_view reason;
    std::string_view text;
  };
  const std::vector<std::string> supported = {"a", "b\""};
  const Row rows[] = {
      {FieldError::required(kSpec), "FieldValueRequired", "spec: Required value"},
      {FieldError::required(kSpec, "why"), "FieldValueRequired", "spec: Required value: why"},
      {FieldError::invalid(kSpec, -5, "why"), "FieldValueInvalid", "spec: Invalid value: -5: why"},
      {FieldError::invalid(kSpec, nullptr, ""), "FieldValueInvalid", "spec: Invalid value: null"},
      {FieldError::invalid_json(kSpec, "<", "why"), "FieldValueInvalid",
       "spec: Invalid value: \"\\u003c\": why"},
      {FieldError::invalid_text(kSpec, "{..}", "why"), "FieldValueInvalid", "spec: Invalid value: {..}: why"},
      {FieldError::type_invalid(kSpec, "x", "why"), "FieldValueTypeInvalid",
       "spec: Invalid value: \"x\": why"},
      {FieldError::not_supported(kSpec, "x", supported), "FieldValueNotSupported",
       "spec: Unsupported value: \"x\": supported values: \"a\", \"b\\\"\""},
      {FieldError::duplicate(kSpec, json::object({{"b", 1}, {"a", 2}})), "FieldValueDuplicate",
       "spec: Duplicate value: {\"a\":2,\"b\":1}"},
      {FieldError::not_found(kSpec, "x"), "FieldValueNotFound", "spec: Not found: \"x\""},
      {FieldError::forbidden(kSpec, "why"), "FieldValueForbidden", "spec: Forbidden: why"},
      {FieldError::too_long(kSpec, 1), "FieldValueTooLong", "spec: Too long: may not be more than 1 byte"},
      {FieldError::too_long(kSpec, 2), "FieldValueTooLong", "spec: Too long: may not be more than 2 bytes"},
      {FieldError::too_long(kSpec, -1), "FieldValueTooLong", "spec: Too long: value is too long"},
      {FieldError::too_many(kSpec, 3, 1), "FieldValueTooMany", "spec: Too many: 3: must have at most 1 item"},
      {FieldError::too_many(kSpec, -1, 2), "FieldValueTooMany", "spec: Too many: must have at most 2 items"},
      {FieldError::internal(kSpec, "why"), "InternalError", "spec: Internal error: why"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(reason_of(row.error.type), row.reason);
    EXPECT_EQ(row.error.to_string(), row.text);
  }
}

TEST(FieldError, ValuesArePrintedAsGoPrintsThem) {
  expect_answers_of("src/apiserver/schema/testdata/value.tsv");
}

FIBER_TEST(FieldError, TheDeepestValuesCanBePrintedOnAFibersStack) {
  json::Value deep = 1;
  for (int i = 0; i < 128; ++i) deep = json::object({{"a", json::array({std::move(deep)})}});
  EXPECT_GT(FieldError::invalid(kSpec, deep, "d").body.size(), 128U);
}

TEST(FieldErrors, OneStandsAloneAndEqualOnesAreNamedOnce) {
  const FieldError a = FieldError::required(kSpec.child("a"));
  const FieldError b = FieldError::required(kSpec.child("b"));
  EXPECT_EQ(to_string(FieldErrors{}), "");
  EXPECT_EQ(to_string(FieldErrors{a, a}), "spec.a: Required value");
  EXPECT_EQ(to_string(FieldErrors{a, b, a}), "[spec.a: Required value, spec.b: Required value]");
}

TEST(InvalidError, CarriesAStatusWithOneCauseForEachError) {
  const FieldErrors errors = {FieldError::invalid(kSpec.child("size"), -5, "too small"),
                              FieldError::required(kSpec)};
  const Error error = invalid_error({"ex.io", "Widget"}, "B_bad", errors);
  EXPECT_EQ(error.code(), Code::kInvalid);
  EXPECT_EQ(
      error.message(),
      "Widget.ex.io \"B_bad\" is invalid: [spec.size: Invalid value: -5: too small, spec: Required value]");
  const auto* status = error.detail<kube::Status>();
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(status->http_status, 422);
  EXPECT_EQ(status->reason, "Invalid");
  EXPECT_EQ(status->message, error.message());
  EXPECT_EQ(status->kind, "Widget");
  EXPECT_EQ(status->group, "ex.io");
  ASSERT_EQ(status->causes.size(), 2U);
  EXPECT_EQ(status->causes[0],
            (kube::StatusCause{"FieldValueInvalid", "Invalid value: -5: too small", "spec.size"}));
}

}  // namespace
}  // namespace klutch::apiserver
