// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/object_meta.h"

#include <gtest/gtest.h>

#include "apiserver/schema/oracle_testing.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

TEST(ObjectMeta, IsReadAndRefusedAsByKubernetes) {
  expect_answers_of("src/apiserver/schema/testdata/object_meta.tsv");
}

TEST(DecodeObjectMeta, LeavesOutWhatIsEmptyAndNamesWhatIsUnknown) {
  const auto meta =
      decode_object_meta(parsed(R"({"name":"x","namespace":"","labels":{},"generation":0,"odd":1,
    "creationTimestamp":"2024-01-01T02:00:00.5+02:00","ownerReferences":[{"name":"o","extra":true}]})"));
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->value, parsed(R"({"name":"x","creationTimestamp":"2024-01-01T00:00:00Z",
    "ownerReferences":[{"apiVersion":"","kind":"","name":"o","uid":""}]})"));
  EXPECT_EQ(meta->unknown, (std::vector<std::string>{"odd", "ownerReferences[0].extra"}));
}

TEST(DecodeObjectMeta, DropsWhatIsMalformedIfAsked) {
  const json::Value metadata = parsed(R"({"name":"x","labels":{"a":1},"generation":"2","finalizers":["f"]})");
  const auto strict = decode_object_meta(metadata);
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code(), Code::kInvalid);
  const auto lenient = decode_object_meta(metadata, {.drop_malformed = true});
  ASSERT_TRUE(lenient);
  EXPECT_EQ(lenient->value, parsed(R"({"name":"x","finalizers":["f"]})"));
}

}  // namespace
}  // namespace klutch::apiserver
