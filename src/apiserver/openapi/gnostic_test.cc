// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/gnostic.h"

#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"
#include "testing/table.h"

namespace klutch::apiserver {
namespace {

TEST(Gnostic, WritesTheBytesThatGoWrites) {
  for (const auto& row : testing::read_table("src/apiserver/openapi/testdata/gnostic.tsv", 2)) {
    const auto document = json::parse(row[0]);
    ASSERT_TRUE(document.has_value());
    EXPECT_EQ(crypto::base64_encode(gnostic_document(*document)), row[1]);
  }
}

TEST(Gnostic, LeavesOutWhatIsNotWhatItShouldBe) {
  EXPECT_EQ(gnostic_document(json::object()), "");
  EXPECT_EQ(gnostic_document(json::object({{"swagger", 2}, {"paths", "p"}, {"security", 1}})), "");
  const auto odd = json::object({{"definitions", json::object({{"a", 1}})}});
  EXPECT_EQ(gnostic_document(odd), std::string("\x4a\x07\x0a\x05\x0a\x01\x61\x12\x00", 9));
}

}  // namespace
}  // namespace klutch::apiserver
