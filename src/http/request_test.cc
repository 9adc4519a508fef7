// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include "testing/fiber_test.h"

namespace klutch::http {
namespace {

Result<ServerRequest> make(std::string method, std::string target, Headers headers = {{"Host", "h"}},
                           int version = 11) {
  static BufferedRequestBody body;
  MessageHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  head.headers = std::move(headers);
  head.version = version;
  return ServerRequest::from_head(std::move(head), body);
}

using Segments = std::vector<std::string>;

TEST(ServerRequest, SplitsThePathBeforeDecodingIt) {
  const auto request = make("GET", "/a/b%2Fc//d%20e/");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->segments, (Segments{"a", "b/c", "", "d e", ""}));
  EXPECT_EQ(request->path(), "/a/b%2Fc//d%20e/");
}

TEST(ServerRequest, DecodesTheQueryAsFormsDo) {
  const auto request = make("GET", "/?a=1+2&b=%2B&&c&a=3");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->query.size(), 4U);
  EXPECT_EQ(request->query.get("a"), "1 2");
  EXPECT_EQ(request->query.get("b"), "+");
  EXPECT_EQ(request->query.get("c"), "");
}

TEST(ServerRequest, TakesTheAuthorityOfAnAbsoluteTarget) {
  const auto request = make("GET", "http://real.example:81/x?y", {{"Host", "other"}});
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->authority, "real.example:81");
  EXPECT_EQ(request->target, "/x?y");
  EXPECT_EQ(make("GET", "HTTP://h?q=1")->target, "/?q=1");
  EXPECT_EQ(make("GET", "/x", {{"Host", "[::1]:80"}})->authority, "[::1]:80");
}

TEST(ServerRequest, AcceptsTheAsteriskForOptions) {
  const auto request = make("OPTIONS", "*");
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->segments.empty());
}

TEST(ServerRequest, AnHttp10ClientNeedNotNameTheHost) {
  EXPECT_TRUE(make("GET", "/", {}, 10).has_value());
}

TEST(ServerRequest, RefusesWhatCouldBeUnderstoodInTwoWays) {
  struct Case {
    const char* reason;
    std::string method;
    std::string target;
    Headers headers;
    Code code;
  };
  const Headers host{{"Host", "h"}};
  const Case cases[] = {
      {"no Host", "GET", "/", {}, Code::kBadRequest},
      {"two Hosts", "GET", "/", {{"Host", "a"}, {"host", "a"}}, Code::kBadRequest},
      {"Host with user", "GET", "/", {{"Host", "u@h"}}, Code::kBadRequest},
      {"Host with path", "GET", "/", {{"Host", "h/x"}}, Code::kBadRequest},
      {"Host with list", "GET", "/", {{"Host", "a b"}}, Code::kBadRequest},
      {"Host with bad port", "GET", "/", {{"Host", "h:x"}}, Code::kBadRequest},
      {"Host with open bracket", "GET", "/", {{"Host", "[::1"}}, Code::kBadRequest},
      {"empty target", "GET", "", host, Code::kBadRequest},
      {"relative target", "GET", "x", host, Code::kBadRequest},
      {"asterisk with GET", "GET", "*", host, Code::kBadRequest},
      {"another scheme", "GET", "ftp://h/", host, Code::kBadRequest},
      {"absolute without host", "GET", "http:///x", host, Code::kBadRequest},
      {"absolute with user", "GET", "http://u:p@h/x", host, Code::kBadRequest},
      {"fragment", "GET", "/x#y", host, Code::kBadRequest},
      {"raw control", "GET", "/x\x01", host, Code::kBadRequest},
      {"raw UTF-8", "GET", "/\xc3\xa4", host, Code::kBadRequest},
      {"dot segment", "GET", "/a/./b", host, Code::kBadRequest},
      {"parent segment", "GET", "/a/../b", host, Code::kBadRequest},
      {"encoded parent segment", "GET", "/a/%2e%2E/b", host, Code::kBadRequest},
      {"parent behind encoded slash", "GET", "/a%2f..%2fb", host, Code::kBadRequest},
      {"NUL", "GET", "/a%00b", host, Code::kBadRequest},
      {"half an encoding", "GET", "/a%2", host, Code::kBadRequest},
      {"half an encoding in the query", "GET", "/?a=%zz", host, Code::kBadRequest},
      {"CONNECT", "CONNECT", "h:443", host, Code::kUnsupported},
      {"TRACE", "TRACE", "/", host, Code::kUnsupported},
  };
  for (const auto& test : cases) {
    const auto request = make(test.method, test.target, test.headers);
    ASSERT_FALSE(request.has_value()) << test.reason;
    EXPECT_EQ(request.error().code(), test.code) << test.reason;
  }
}

TEST(ServerRequest, BoundsSegmentsAndParameters) {
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "/a";
  EXPECT_EQ(make("GET", deep).error().code(), Code::kBadRequest);
  std::string wide = "/?";
  for (int i = 0; i < 2000; ++i) wide += "a&";
  EXPECT_EQ(make("GET", wide).error().code(), Code::kTooLarge);
}

FIBER_TEST(ServerRequest, ReadsABodyUpToALimit) {
  MessageHead head;
  head.method = "POST";
  head.target = "/";
  head.headers.add("Host", "h");
  BufferedRequestBody body("12345");
  auto request = *ServerRequest::from_head(head, body);
  EXPECT_EQ(request.read_body(ctx, 4).error().code(), Code::kTooLarge);
  EXPECT_EQ(*request.read_body(ctx, 5), "12345");
}

}  // namespace
}  // namespace klutch::http
