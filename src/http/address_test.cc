// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "http/transport.h"

namespace klutch::http {
namespace {

TEST(Address, ReadsWhatItPrints) {
  for (const char* text :
       {"127.0.0.1:8443", "[::1]:0", "localhost:80", "db.example:65535", "unix:/run/x.sock"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  EXPECT_EQ(Address::parse("[fe80::1]:9")->host, "fe80::1");
}

TEST(Address, RefusesEverythingElseAsInvalid) {
  for (const std::string text : {"", "localhost", ":80", "localhost:", "localhost:x", "localhost:65536",
                                 "localhost:-1", "::1:80", "unix:", "localhost:80 "}) {
    const auto address = Address::parse(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_TRUE(is(address.error(), Code::kInvalid)) << text;
  }
  EXPECT_FALSE(Address::parse("unix:/" + std::string(107, 'x')).has_value());
}

}  // namespace
}  // namespace klutch::http
