// SPDX-License-Identifier: Apache-2.0
#include "apiserver/discovery/document.h"

#include <gtest/gtest.h>

#include "apiserver/discovery/discovery_testing.h"

namespace klutch::apiserver {
namespace {

TEST(Document, IsNamedByItsBytes) {
  const Document a = make_document("a", "text/plain");
  EXPECT_EQ(a.etag,
            "1F40FC92DA241694750979EE6CF582F2D5D7D28E18335DE05ABC54D0560E0F5302860C652BF08D560252AA5E74210546"
            "F369FBBBCE8C12CFC7957B2652FE9A75");
  EXPECT_EQ(make_document("a", "text/plain").etag, a.etag);
  EXPECT_NE(make_document("b", "text/plain").etag, a.etag);
}

TEST(Document, IsKnownToAClientThatNamesItsTag) {
  struct Case {
    std::string_view header;
    bool has;
    std::string_view reason;
  };
  const Case cases[] = {
      {"\"ABC\"", true, "the tag"},
      {"W/\"ABC\"", true, "weak, as compression leaves it"},
      {"\"X\" , \"ABC\"", true, "one of several"},
      {"*", true, "anything"},
      {"ABC", false, "without quotes it is no tag"},
      {"\"AB\"", false, "a part"},
      {"\"ABCD\"", false, "a longer one"},
      {"\"", false, "half a tag"},
      {"", false, "nothing"},
  };
  for (const Case& test : cases) {
    const DocumentRequest request("/", {{"If-None-Match", test.header}});
    EXPECT_EQ(client_has(request, "ABC"), test.has) << test.reason;
  }
  EXPECT_FALSE(client_has(DocumentRequest("/"), "ABC")) << "no header";
}

TEST(Document, IsSentWithoutACopy) {
  const Document document = make_document("text", "text/plain");
  const auto response = answer_with(DocumentRequest("/"), document);
  EXPECT_EQ(response.body.view().data(), document.bytes->data());
  EXPECT_EQ(response.headers.get("Content-Type"), "text/plain");
  EXPECT_FALSE(response.headers.contains("Vary"));
}

}  // namespace
}  // namespace klutch::apiserver
