// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/api_request.h"

#include <gtest/gtest.h>

#include "http/headers.h"

namespace klutch::apiserver {
namespace {

TEST(Warnings, AreSentOnceEachAndQuoted) {
  Warnings warnings;
  warnings.add("unknown field \"spec.x\"");
  warnings.add("unknown field \"spec.x\"");
  warnings.add("two\nlines");
  http::Headers headers;
  warnings.add_to(headers);
  std::vector<std::string> sent;
  for (const auto& [name, value] : headers) sent.emplace_back(value);
  EXPECT_EQ(sent, (std::vector<std::string>{R"(299 - "unknown field \"spec.x\"")", R"(299 - "two lines")"}));
}

TEST(Warnings, AreBoundedInNumberAndLength) {
  Warnings warnings;
  for (int i = 0; i < 1000; ++i) warnings.add(std::to_string(i) + std::string(5000, 'x'));
  ASSERT_EQ(warnings.texts().size(), Warnings::kMaxWarnings);
  EXPECT_EQ(warnings.texts().front().size(), Warnings::kMaxBytes);
}

}  // namespace
}  // namespace klutch::apiserver
