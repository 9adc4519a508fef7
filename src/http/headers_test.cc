// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <gtest/gtest.h>

namespace klutch::http {
namespace {

TEST(Headers, NamesAreComparedWithoutRegardToCase) {
  Headers headers{{"Content-Type", "text/plain"}};
  EXPECT_EQ(headers.get("content-TYPE"), "text/plain");
  headers.set("CONTENT-TYPE", "application/json");
  EXPECT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers.get("Content-Type"), "application/json");
}

TEST(Headers, RepeatedFieldsKeepTheirOrder) {
  Headers headers{{"Via", "a"}, {"X", "1"}, {"via", "b"}};
  EXPECT_EQ(headers.get("Via"), "a");
  EXPECT_EQ(headers.joined("VIA"), "a, b");
  EXPECT_EQ(headers.joined("absent"), "");
  EXPECT_EQ(headers.erase("Via"), 2U);
  EXPECT_EQ(headers.size(), 1U);
}

TEST(Headers, ListsFindsATokenAmongSeveral) {
  const Headers headers{{"Connection", "keep-alive , Upgrade"}, {"Connection", "x"}};
  EXPECT_TRUE(headers.lists("connection", "upgrade"));
  EXPECT_TRUE(headers.lists("connection", "X"));
  EXPECT_FALSE(headers.lists("connection", "keep"));
  EXPECT_FALSE(headers.lists("absent", "x"));
}

TEST(Headers, CheckNamesTheFieldThatCouldSplitAMessage) {
  EXPECT_TRUE(Headers({{"X-Tab", "a\tb"}, {"X-Utf8", "\xc3\xa4"}, {"X-Empty", ""}}).check().has_value());
  const auto split = Headers({{"X-Name", "a\r\nb"}}).check();
  ASSERT_FALSE(split.has_value());
  EXPECT_TRUE(is(split.error(), Code::kInvalid));
  EXPECT_NE(split.error().message().find("X-Name"), std::string::npos);
  EXPECT_FALSE(Headers({{"", "a"}}).check().has_value());
  EXPECT_FALSE(Headers({{"a b", "a"}}).check().has_value());
  EXPECT_FALSE(Headers({{"a:", "a"}}).check().has_value());
}

}  // namespace
}  // namespace klutch::http
