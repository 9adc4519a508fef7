// SPDX-License-Identifier: Apache-2.0
#include "http/status_error.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace klutch::http {
namespace {

using std::chrono::milliseconds;

const Time kNow = parse_rfc3339("2026-03-01T12:00:00.5Z").value();

TEST(RetryAfter, IsSecondsOrADate) {
  struct Case {
    std::string_view text;
    std::optional<milliseconds> expected;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"0", milliseconds(0), "at once"},
      {" 120 ", milliseconds(120'000), "seconds"},
      {"86401", milliseconds(86'400'000), "never more than a day"},
      {"99999999999999999999999", milliseconds(86'400'000), "however large"},
      {"Sun, 01 Mar 2026 12:00:10 GMT", milliseconds(9'500), "a date"},
      {"Sun, 01 Mar 2026 11:00:00 GMT", milliseconds(0), "a date that has passed"},
      {"Sun, 01 Mar 2099 11:00:00 GMT", milliseconds(86'400'000), "a date far away"},
      {"", std::nullopt, "nothing"},
      {"-1", std::nullopt, "negative"},
      {"1.5", std::nullopt, "a fraction"},
      {"soon", std::nullopt, "words"},
  };
  for (const auto& [text, expected, reason] : cases)
    EXPECT_EQ(parse_retry_after(text, kNow), expected) << reason;
}

TEST(ErrorFromResponse, HasCodeMessageAndDelay) {
  const auto error = error_from_response({.status = 429, .headers = {{"Retry-After", "7"}}}, kNow);
  EXPECT_EQ(error.code(), Code::kTooManyRequests);
  EXPECT_EQ(error.message(), "429 Too Many Requests");
  EXPECT_EQ(error.retry_after(), milliseconds(7000));
  EXPECT_FALSE(error_from_response({.status = 503}, kNow).retry_after());
  EXPECT_EQ(error_from_response({.status = 503}, kNow).code(), Code::kUnavailable);
  EXPECT_EQ(error_from_response({.status = 404}, kNow).code(), Code::kNotFound);
}

TEST(ErrorFromResponse, ShowsOneLineOfPlainTextOnly) {
  const auto shown = [](std::string_view type, std::string body) {
    return error_from_response({.status = 500, .headers = {{"Content-Type", type}}, .body = std::move(body)},
                               kNow)
        .message();
  };
  EXPECT_EQ(shown("text/plain; charset=utf-8", "\n disk full \r\nstack trace"),
            "500 Internal Server Error: \"disk full\"");
  EXPECT_EQ(shown("text/html", "<h1>no</h1>"), "500 Internal Server Error");
  EXPECT_EQ(shown("text/plain", ""), "500 Internal Server Error");
  EXPECT_LT(shown("text/plain", std::string(100'000, 'x')).size(), 300U);
  EXPECT_EQ(shown("text/plain", "a\x1b[2Jb").find('\x1b'), std::string::npos)
      << "nothing that moves a cursor";
}

}  // namespace
}  // namespace klutch::http
