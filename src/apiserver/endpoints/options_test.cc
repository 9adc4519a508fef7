// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/options.h"

#include <gtest/gtest.h>

#include "apiserver/endpoints/endpoints_testing.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

TEST(WriteOptions, HaveTheDefaultsOfKubernetes) {
  const auto options = read_create_options({}, http::Headers{{"User-Agent", "kubectl/v1.32 (linux)"}});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->field_manager, "kubectl");
  EXPECT_EQ(options->field_validation, FieldValidation::kWarn);
  EXPECT_FALSE(options->dry_run);
  EXPECT_FALSE(options->force);
}

TEST(WriteOptions, AreReadFromTheQuery) {
  const http::Query query{
      {"fieldManager", "m"}, {"fieldValidation", "Strict"}, {"dryRun", "All"}, {"force", "true"}};
  const auto options = read_patch_options(query, {}, PatchType::kApply);
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->field_manager, "m");
  EXPECT_EQ(options->field_validation, FieldValidation::kStrict);
  EXPECT_TRUE(options->dry_run);
  EXPECT_TRUE(options->force);
  EXPECT_FALSE(read_patch_options({{"fieldManager", "m"}, {"force", "0"}}, {}, PatchType::kApply)->force);
  EXPECT_EQ(read_update_options({{"fieldValidation", "Ignore"}}, {})->field_validation,
            FieldValidation::kIgnore);
}

TEST(WriteOptions, OfNoAllowedValueAreRefusedInTheWordsOfKubernetes) {
  struct Case {
    const char* reason;
    Result<WriteOptions> options;
    std::string kind;
    std::string message;
    std::string cause;
    std::string field;
  };
  const Case cases[] = {
      {"dry run of something else", read_create_options({{"dryRun", "Some"}}, {}), "CreateOptions",
       R"(CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All")",
       "FieldValueNotSupported", "dryRun"},
      {"an empty dry run is no dry run and no real one", read_update_options({{"dryRun", ""}}, {}),
       "UpdateOptions",
       R"(UpdateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: [""]: supported values: "All")",
       "FieldValueNotSupported", "dryRun"},
      {"validation", read_update_options({{"fieldValidation", "strict"}}, {}), "UpdateOptions",
       R"(UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "strict": supported )"
       R"(values: "", "Ignore", "Strict", "Warn")",
       "FieldValueNotSupported", "fieldValidation"},
      {"long manager", read_create_options({{"fieldManager", std::string(129, 'm')}}, {}), "CreateOptions",
       R"(CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes)",
       "FieldValueTooLong", "fieldManager"},
      {"manager with control characters", read_create_options({{"fieldManager", "a\x01"}}, {}),
       "CreateOptions",
       R"(CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\x01": invalid character )"
       R"(U+0001 (at position 1))",
       "FieldValueInvalid", "fieldManager"},
      {"apply without manager", read_patch_options({}, {}, PatchType::kApply), "PatchOptions",
       R"(PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch)",
       "FieldValueRequired", "fieldManager"},
      {"force without apply", read_patch_options({{"force", "false"}}, {}, PatchType::kMerge), "PatchOptions",
       R"(PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch)",
       "FieldValueForbidden", "force"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    ASSERT_FALSE(c.options.has_value());
    EXPECT_EQ(c.options.error().code(), Code::kInvalid);
    const auto* status = c.options.error().detail<kube::Status>();
    ASSERT_NE(status, nullptr);
    EXPECT_EQ(status->http_status, 422);
    EXPECT_EQ(status->message, c.message);
    EXPECT_EQ(status->kind, c.kind);
    EXPECT_EQ(status->group, "meta.k8s.io");
    EXPECT_EQ(status->name, "");
    ASSERT_EQ(status->causes.size(), 1U);
    EXPECT_EQ(status->causes.front().reason, c.cause);
    EXPECT_EQ(status->causes.front().field, c.field);
  }
}

TEST(FieldManager, IsWhatTheClientCallsItselfWithoutWhatDoesNotPrint) {
  EXPECT_EQ(default_field_manager(http::Headers{{"User-Agent", "a\tb/1"}}), "ab");
  EXPECT_EQ(default_field_manager({}), "");
  // 127 bytes and a character of two do not fit.
  std::string agent(127, 'x');
  agent += "é/1";
  EXPECT_EQ(default_field_manager(http::Headers{{"User-Agent", agent}}), std::string(127, 'x'));
}

TEST(DeleteOptions, ComeFromTheBodyFirstThenFromTheQuery) {
  const std::string_view body = R"({"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Foreground",
      "preconditions":{"uid":"u"},"gracePeriodSeconds":5})";
  const http::Query query{{"propagationPolicy", "Orphan"},
                          {"orphanDependents", "true"},
                          {"dryRun", "All"},
                          {"resourceVersion", "7"},
                          {"gracePeriodSeconds", "9"}};
  const auto options = read_delete_options(query, {}, body);
  ASSERT_TRUE(options.has_value()) << options.error().message();
  EXPECT_EQ(options->propagation, DeleteOptions::Propagation::kForeground);
  EXPECT_EQ(options->uid, "u");
  EXPECT_EQ(options->resource_version, "7");
  EXPECT_EQ(options->grace_period_seconds, 5);
  EXPECT_TRUE(options->dry_run);

  const auto none = read_delete_options({}, {}, "");
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(none->propagation, DeleteOptions::Propagation::kDefault);
  EXPECT_FALSE(none->uid || none->resource_version || none->grace_period_seconds || none->dry_run);
}

TEST(DeleteOptions, KnowTheOldWayToOrphan) {
  EXPECT_EQ(read_delete_options({{"orphanDependents", "true"}}, {}, "")->propagation,
            DeleteOptions::Propagation::kOrphan);
  EXPECT_EQ(read_delete_options({}, {}, R"({"orphanDependents":false})")->propagation,
            DeleteOptions::Propagation::kBackground);
}

TEST(DeleteOptions, AreReadFromYamlAndProtobufForEveryKind) {
  const auto yaml = read_delete_options({}, http::Headers{{"Content-Type", "application/yaml"}},
                                        "propagationPolicy: Orphan\n");
  ASSERT_TRUE(yaml.has_value());
  EXPECT_EQ(yaml->propagation, DeleteOptions::Propagation::kOrphan);
  // Unknown{typeMeta{v1, DeleteOptions}, raw: DeleteOptions{propagationPolicy(4): "Orphan"}}
  const std::string bytes(
      "k8s\0\x0a\x13\x0a\x02v1\x12\x0d"
      "DeleteOptions\x12\x08\x22\x06Orphan\x1a\x00\x22\x00",
      4 + 21 + 10 + 4);
  const auto protobuf =
      read_delete_options({}, http::Headers{{"Content-Type", "application/vnd.kubernetes.protobuf"}}, bytes);
  ASSERT_TRUE(protobuf.has_value()) << protobuf.error().message();
  EXPECT_EQ(protobuf->propagation, DeleteOptions::Propagation::kOrphan);
}

TEST(DeleteOptions, ThatContradictOrCannotBeReadAreRefused) {
  struct Case {
    const char* reason;
    Result<DeleteOptions> options;
    Code code;
    std::string message;
  };
  const Case cases[] = {
      {"two policies",
       read_delete_options({}, {}, R"({"propagationPolicy":"Orphan","orphanDependents":true})"),
       Code::kInvalid,
       R"(DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": )"
       "orphanDependents and deletionPropagation cannot be both set"},
      {"unknown policy", read_delete_options({{"propagationPolicy", "x"}}, {}, ""), Code::kInvalid,
       R"(DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "x": supported )"
       R"(values: "Foreground", "Background", "Orphan", "nil")"},
      {"unknown dry run", read_delete_options({}, {}, R"({"dryRun":["None"]})"), Code::kInvalid,
       R"(DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["None"]: supported values: )"
       R"("All")"},
      {"grace that is no number", read_delete_options({{"gracePeriodSeconds", "x"}}, {}, ""),
       Code::kBadRequest, R"(strconv.ParseInt: parsing "x": invalid syntax)"},
      {"grace that is too large",
       read_delete_options({{"gracePeriodSeconds", "9223372036854775808"}}, {}, ""), Code::kBadRequest,
       R"(strconv.ParseInt: parsing "9223372036854775808": value out of range)"},
      {"grace of another type", read_delete_options({}, {}, R"({"gracePeriodSeconds":"1"})"),
       Code::kBadRequest,
       "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"},
      {"another kind", read_delete_options({}, {}, R"({"kind":"Widget"})"), Code::kBadRequest,
       "decoded object cannot be converted to DeleteOptions"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    ASSERT_FALSE(c.options.has_value());
    EXPECT_EQ(c.options.error().code(), c.code);
    EXPECT_EQ(c.options.error().message(), c.message);
  }
}

}  // namespace
}  // namespace klutch::apiserver
