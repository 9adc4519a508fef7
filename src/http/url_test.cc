// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <gtest/gtest.h>

namespace klutch::http {
namespace {

Url url(std::string_view text) {
  auto parsed = Url::parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return *std::move(parsed);
}

TEST(Url, TakesAUrlApart) {
  const Url parsed = url("HTTPS://API.Example.com:6443/apis/a%2Fb;v=1?watch=true&x=%20");
  EXPECT_TRUE(parsed.is_https());
  EXPECT_EQ(parsed.host(), "api.example.com");
  EXPECT_EQ(parsed.port(), 6443);
  EXPECT_EQ(parsed.path(), "/apis/a%2Fb;v=1") << "kept as written";
  EXPECT_EQ(parsed.query(), "watch=true&x=%20");
  EXPECT_EQ(parsed.origin(), "https://api.example.com:6443");
  EXPECT_EQ(parsed.authority(), "api.example.com:6443");
  EXPECT_EQ(parsed.target(), "/apis/a%2Fb;v=1?watch=true&x=%20");
  EXPECT_EQ(parsed.to_string(), "https://api.example.com:6443/apis/a%2Fb;v=1?watch=true&x=%20");
  EXPECT_EQ(parsed.for_log(), "https://api.example.com:6443/apis/a%2Fb;v=1") << "a query may carry secrets";
}

TEST(Url, KnowsTheStandardPorts) {
  EXPECT_EQ(url("http://h").port(), 80);
  EXPECT_EQ(url("https://h").port(), 443);
  EXPECT_EQ(url("https://h:").port(), 443);
  EXPECT_EQ(url("https://h:443/").authority(), "h");
  EXPECT_EQ(url("https://h:80/").authority(), "h:80");
  EXPECT_EQ(url("https://h/").host_and_port(), "h:443");
  EXPECT_TRUE(url("https://H:443").same_origin(url("https://h/x")));
  EXPECT_FALSE(url("http://h:443").same_origin(url("https://h")));
}

TEST(Url, AnEmptyPathIsASlashOnTheWire) {
  EXPECT_EQ(url("http://h").target(), "/");
  EXPECT_EQ(url("http://h").to_string(), "http://h");
  EXPECT_EQ(url("http://h?").target(), "/?");
}

TEST(Url, WritesIpv6InBrackets) {
  const Url parsed = url("http://[2001:DB8:0:0::1]:8080/x");
  EXPECT_EQ(parsed.host(), "2001:db8::1");
  EXPECT_EQ(parsed.authority(), "[2001:db8::1]:8080");
  EXPECT_EQ(url("https://[::1]").authority(), "[::1]");
  EXPECT_EQ(url("https://[::1]").host_and_port(), "[::1]:443");
}

TEST(Url, RefusesWhatIsNoPlainHttpUrl) {
  struct Case {
    std::string_view text;
    std::string_view says;
  };
  const std::vector<Case> cases = {
      {"", "empty"},
      {"example.com", "http://"},
      {"/path", "http://"},
      {"ftp://h/", "scheme"},
      {"http:h", "host"},
      {"http:///x", "host is missing"},
      {"http://:80/", "host is missing"},
      {"http://h:0/", "port"},
      {"http://h:65536/", "port"},
      {"http://h:99999999999999999999/", "port"},
      {"http://h:8x/", "malformed"},
      {"http://h/a b", "malformed"},
      {"http://h/\r\nX: y", "malformed"},
      {"http://h/%zz", "malformed"},
      {"http://h/#f", "fragment"},
      {"http://a@h/", "user name"},
      {"http://%68/", "characters"},
      {"http://a,b/", "characters"},
      {"http://a..b/", "label"},
      {"http://127.1/", "number"},
      {"http://0x7f.1/", "number"},
      {"http://2130706433/", "number"},
      {"http://1.2.3.256/", "number"},
      {"http://[v1.x]/", "version"},
      {"http://[::1/", "malformed"},
      {"http://[fe80::1%25eth0]/", ""},
  };
  for (const auto& [text, says] : cases) {
    const auto parsed = Url::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Code::kInvalid) << text;
    EXPECT_NE(parsed.error().message().find(says), std::string::npos) << parsed.error().message();
  }
  EXPECT_FALSE(Url::parse("http://h/" + std::string(Url::kMaxBytes, 'a')));
  EXPECT_FALSE(Url::parse("http://" + std::string(254, 'a') + "/"));
  EXPECT_FALSE(Url::parse("http://" + std::string(64, 'a') + "/"));
}

TEST(Url, SplitsUserInformationOff) {
  const auto parsed = Url::parse_with_user_info("http://us%40er:p%3Aw@h:1/x");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->url.to_string(), "http://h:1/x");
  ASSERT_TRUE(parsed->user_info);
  EXPECT_EQ(parsed->user_info->user, "us@er");
  EXPECT_EQ(parsed->user_info->password.reveal(), "p:w");
  EXPECT_FALSE(Url::parse_with_user_info("http://h/")->user_info);
}

TEST(Url, NeverShowsUserInformationOrQuery) {
  for (const std::string_view text :
       {"http://bob:hunter2@h/", "http://bob:hun/ter2@h/", "ftp://bob:hunter2@h", "bob:hunter2@h",
        "http://bob:hunter2@h:bad/", "http://h/ ?token=hunter2", "http://bob:a@hunter2@h/#x"}) {
    const auto parsed = Url::parse(text);
    ASSERT_FALSE(parsed) << text;
    for (const auto* secret : {"hunter2", "bob", "ter2"}) {
      EXPECT_EQ(parsed.error().message().find(secret), std::string::npos) << parsed.error().message();
    }
  }
}

// RFC 3986 §5.4.1 and §5.4.2, fragments dropped.
TEST(Url, ResolvesTheExamplesOfRfc3986) {
  const Url base = url("http://a/b/c/d;p?q");
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"https://other:1/x", "https://other:1/x"},
  };
  for (const auto& [reference, expected] : cases) {
    const auto resolved = base.resolve(reference);
    ASSERT_TRUE(resolved) << reference << ": " << resolved.error().message();
    EXPECT_EQ(resolved->to_string(), expected) << reference;
  }
  EXPECT_EQ(url("http://a").resolve("g")->to_string(), "http://a/g") << "a base without a path";
}

TEST(Url, RefusesReferencesThatLeaveHttp) {
  const Url base = url("https://a/b");
  for (const std::string_view reference :
       {"http:g", "javascript:alert(1)", "file:///etc/passwd", "//u:p@h/", "x y", "//", "///x"}) {
    const auto resolved = base.resolve(reference);
    ASSERT_FALSE(resolved) << reference;
    EXPECT_EQ(resolved.error().code(), Code::kInvalid) << reference;
  }
}

TEST(Url, BuildsPathsAndQueries) {
  const Url base = url("https://h:1/prefix/?x=1");
  EXPECT_EQ(base.join("/api/v1")->to_string(), "https://h:1/prefix/api/v1");
  EXPECT_EQ(url("https://h").join("api")->to_string(), "https://h/api");
  EXPECT_EQ(base.with_path("/a%20b")->with_query("q=1")->to_string(), "https://h:1/a%20b?q=1");
  EXPECT_EQ(base.with_query("")->to_string(), "https://h:1/prefix/");
  EXPECT_EQ(base.with_path("a").error().code(), Code::kInvalid);
  EXPECT_EQ(base.with_path("/a b").error().code(), Code::kInvalid);
  EXPECT_EQ(base.with_path("/a?b").error().code(), Code::kInvalid);
  EXPECT_EQ(base.with_query("a#b").error().code(), Code::kInvalid);
  EXPECT_EQ(base.with_query("a\r\nb").error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace klutch::http
