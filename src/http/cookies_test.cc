// SPDX-License-Identifier: Apache-2.0
#include "http/cookies.h"

namespace klutch::http {
namespace {

std::vector<std::string> pairs(const Headers& headers) {
  std::vector<std::string> all;
  for (const auto& cookie : parse_cookies(headers)) {
    all.push_back(std::string(cookie.name) + "=" + std::string(cookie.value));
  }
  return all;
}

TEST(Cookies, AreParsedInOrderFromAllHeaders) {
  const Headers headers{{"Cookie", "a=1; b=\"2 3\";c=;  a=4"}, {"cookie", "d=x=y"}};
  EXPECT_EQ(pairs(headers), (std::vector<std::string>{"a=1", "b=2 3", "c=", "a=4", "d=x=y"}));
  EXPECT_EQ(find_cookie(headers, "a"), "1");
  EXPECT_EQ(find_cookie(headers, "A"), std::nullopt);
}

TEST(Cookies, MalformedPairsAreLeftOut) {
  EXPECT_EQ(pairs({{"Cookie", "novalue; =x; a b=1; ok=1; ;;"}}), std::vector<std::string>{"ok=1"});
  EXPECT_TRUE(pairs({{"Cookie", ""}}).empty());
  EXPECT_TRUE(pairs({}).empty());
}

TEST(Cookies, AreBoundedInNumber) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "n" + std::to_string(i) + "=v;";
  EXPECT_EQ(parse_cookies({{"Cookie", many}}).size(), 64U);
}

TEST(SetCookie, IsSafeByDefault) {
  EXPECT_EQ(*format_set_cookie({.name = "session", .value = "abc"}),
            "session=abc; Path=/; HttpOnly; Secure; SameSite=Lax");
}

TEST(SetCookie, PrintsEveryAttribute) {
  SetCookie cookie{.name = "a", .value = "b"};
  cookie.path = "/x";
  cookie.domain = "example.com";
  cookie.max_age = std::chrono::seconds(60);
  cookie.expires = Time(std::chrono::seconds(784111777));
  cookie.http_only = false;
  cookie.same_site = SetCookie::SameSite::kNone;
  EXPECT_EQ(*format_set_cookie(cookie),
            "a=b; Path=/x; Domain=example.com; Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Secure; "
            "SameSite=None");
}

TEST(SetCookie, RefusesWhatBrowsersWouldMisunderstand) {
  struct Case {
    const char* reason;
    SetCookie cookie;
  };
  SetCookie good{.name = "a", .value = "b"};
  const auto with = [&](auto change) {
    SetCookie cookie = good;
    change(cookie);
    return cookie;
  };
  const Case cases[] = {
      {"empty name", with([](auto& c) { c.name = ""; })},
      {"name with separator", with([](auto& c) { c.name = "a=b"; })},
      {"value ends the cookie", with([](auto& c) { c.value = "x; Domain=evil"; })},
      {"value splits the header", with([](auto& c) { c.value = "x\r\nSet-Cookie: y=z"; })},
      {"value with space", with([](auto& c) { c.value = "x y"; })},
      {"value with quote", with([](auto& c) { c.value = "\"x\""; })},
      {"larger than browsers keep", with([](auto& c) { c.value = std::string(4096, 'x'); })},
      {"relative path", with([](auto& c) { c.path = "x"; })},
      {"path ends the attribute", with([](auto& c) { c.path = "/;Domain=evil"; })},
      {"domain ends the attribute", with([](auto& c) { c.domain = "a.b;x"; })},
      {"SameSite=None needs Secure",
       with([](auto& c) { c.same_site = SetCookie::SameSite::kNone, c.secure = false; })},
      {"__Host- needs Secure", with([](auto& c) { c.name = "__Host-a", c.secure = false; })},
      {"__Host- has no Domain", with([](auto& c) { c.name = "__Host-a", c.domain = "a.b"; })},
      {"__Host- has Path=/", with([](auto& c) { c.name = "__host-a", c.path = "/x"; })},
      {"__Secure- needs Secure", with([](auto& c) { c.name = "__Secure-a", c.secure = false; })},
  };
  for (const auto& [reason, cookie] : cases) {
    const auto text = format_set_cookie(cookie);
    ASSERT_FALSE(text.has_value()) << reason;
    EXPECT_EQ(text.error().code(), Code::kInvalid) << reason;
  }
  EXPECT_TRUE(format_set_cookie(with([](auto& c) { c.name = "__Host-a"; })).has_value());
}

TEST(SetCookie, SeveralGoIntoSeveralHeaders) {
  Response response;
  ASSERT_TRUE(set_cookie(response, {.name = "a", .value = "1"}).has_value());
  ASSERT_TRUE(clear_cookie(response, {.name = "b"}).has_value());
  ASSERT_EQ(response.headers.size(), 2U);
  const auto& second = (response.headers.begin() + 1)->value;
  EXPECT_NE(second.find("b=;"), std::string::npos);
  EXPECT_NE(second.find("Max-Age=0"), std::string::npos);
}

}  // namespace
}  // namespace klutch::http
