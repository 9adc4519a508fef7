// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/descriptions.h"

#include <gtest/gtest.h>

#include "apiserver/builtin/facts.h"

namespace klutch::apiserver {
namespace {

TEST(Descriptions, AreOfPartsThatThereAre) {
  EXPECT_GT(all_descriptions().size(), 100U);
  const auto& facts = BuiltinFacts::get();
  for (const auto& [name, text] : all_descriptions()) {
    EXPECT_TRUE(text.ends_with('.')) << name;
    EXPECT_EQ(text.find("  "), std::string_view::npos) << name;
    if (name.starts_with("*.") || facts.find_message(name) != nullptr) continue;
    const auto dot = name.rfind('.');
    ASSERT_NE(dot, std::string_view::npos) << name;
    const MessageFacts* message = facts.find_message(name.substr(0, dot));
    ASSERT_NE(message, nullptr) << name;
    EXPECT_NE(message->find(name.substr(dot + 1)), nullptr) << name;
  }
}

TEST(Descriptions, AreTheMostParticularOnes) {
  EXPECT_EQ(describe_message("core.v1.Pod"), "Containers that run together on one node.");
  EXPECT_EQ(describe_message("core.v1.Nothing"), "");
  EXPECT_EQ(describe_field("core.v1.Pod", "spec"), "The state that is wanted.");
  EXPECT_EQ(describe_field("core.v1.Secret", "data"), "Bytes in Base64, by key.");
  EXPECT_EQ(describe_field("core.v1.Secret", "nothing"), "");
}

}  // namespace
}  // namespace klutch::apiserver
