// SPDX-License-Identifier: Apache-2.0
#include "http/redirect.h"

#include <gtest/gtest.h>

namespace klutch::http {
namespace {

ClientRequest request(std::string_view method, std::string_view url, Body body = {}) {
  ClientRequest made{.method = std::string(method), .url = Url::parse(url).value(), .body = std::move(body)};
  made.headers = {{"Authorization", "Bearer secret"}, {"Cookie", "session=secret"},
                  {"Proxy-Authorization", "secret"},  {"X-Api-Key", "secret"},
                  {"Accept", "text/plain"},           {"Content-Type", "text/plain"},
                  {"Host", "virtual.example"}};
  return made;
}

std::string names(const Headers& headers) {
  std::string all;
  for (const auto& field : headers) all += field.name + " ";
  return all;
}

TEST(Redirect, ChangesTheMethodAsRfc9110Says) {
  struct Case {
    int status;
    std::string_view method;
    std::string_view expected;
    bool keeps_body;
  };
  const std::vector<Case> cases = {
      {301, "POST", "GET", false},     {302, "POST", "GET", false}, {303, "POST", "GET", false},
      {307, "POST", "POST", true},     {308, "POST", "POST", true}, {301, "PUT", "PUT", true},
      {302, "DELETE", "DELETE", true}, {303, "PUT", "GET", false},  {303, "DELETE", "GET", false},
      {303, "HEAD", "HEAD", true},     {301, "GET", "GET", true},   {308, "HEAD", "HEAD", true},
  };
  for (const auto& test : cases) {
    auto made = request(test.method, "http://h/a", "body");
    EXPECT_TRUE(apply_redirect(made, test.status, {{"Location", "b"}}).value());
    EXPECT_EQ(made.method, test.expected) << test.status << test.method;
    EXPECT_EQ(made.body.view(), test.keeps_body ? "body" : "") << test.status << test.method;
    EXPECT_EQ(made.headers.contains("Content-Type"), test.keeps_body) << test.status << test.method;
    EXPECT_EQ(made.url.to_string(), "http://h/b");
  }
}

TEST(Redirect, OnTheSameOriginKeepsEverythingButHost) {
  auto made = request("GET", "https://h/a");
  EXPECT_TRUE(apply_redirect(made, 302, {{"Location", "https://H:443/b?c#d"}}).value());
  EXPECT_EQ(names(made.headers), "Authorization Cookie Proxy-Authorization X-Api-Key Accept Content-Type ");
  EXPECT_EQ(made.url.to_string(), "https://h/b?c");
}

TEST(Redirect, ToAnotherOriginKeepsOnlyWhatIsHarmless) {
  for (const auto* location : {"//other/b", "http://h:81/b", "https://h/b", "http://sub.h/b"}) {
    auto made = request("GET", "http://h/a");
    EXPECT_TRUE(apply_redirect(made, 307, {{"Location", location}}).value());
    EXPECT_EQ(names(made.headers), "Accept Content-Type ") << location;
  }
}

TEST(Redirect, IsRefusedWhereItWouldHarm) {
  const auto error = [](ClientRequest made, int status, std::string_view location) {
    const auto result = apply_redirect(made, status, {{"Location", location}});
    EXPECT_FALSE(result) << location;
    return result ? Code::kTerminal : result.error().code();
  };
  EXPECT_EQ(error(request("GET", "https://h/"), 302, "http://h/"), Code::kForbidden) << "out of TLS";
  EXPECT_EQ(error(request("POST", "http://h/", "body"), 307, "http://other/"), Code::kForbidden)
      << "body elsewhere";
  EXPECT_EQ(error(request("GET", "http://h/"), 302, "file:///etc/passwd"), Code::kInvalid);
  EXPECT_EQ(error(request("GET", "http://h/"), 302, "http://u:p@h/"), Code::kInvalid);
  EXPECT_EQ(error(request("GET", "http://h/"), 302, "http://h/\r\nX: y"), Code::kInvalid);
  auto streamed = request("POST", "http://h/");
  streamed.stream = [](Ctx&, BodyWriter&) -> Result<> { return {}; };
  EXPECT_EQ(error(std::move(streamed), 307, "/b"), Code::kUnsupported) << "a stream cannot be sent twice";
}

TEST(Redirect, OtherResponsesAreNone) {
  auto made = request("GET", "http://h/a");
  for (const int status : {200, 201, 300, 304, 305, 404}) {
    EXPECT_FALSE(apply_redirect(made, status, {{"Location", "/b"}}).value()) << status;
  }
  EXPECT_FALSE(apply_redirect(made, 302, {}).value()) << "no Location";
  EXPECT_EQ(made.url.to_string(), "http://h/a");
}

}  // namespace
}  // namespace klutch::http
