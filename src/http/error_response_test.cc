// SPDX-License-Identifier: Apache-2.0
#include "http/error_response.h"

namespace klutch::http {
namespace {

ServerRequest request() {
  static BufferedRequestBody body;
  MessageHead head;
  head.method = "GET";
  head.target = "/";
  head.headers.add("Host", "x");
  auto made = ServerRequest::from_head(std::move(head), body);
  made->id = "id-7";
  return *std::move(made);
}

TEST(ErrorResponse, HasTheStatusOfTheCode) {
  EXPECT_EQ(render_error_as_text(Error(Code::kNotFound, "no such thing"), request()).status, 404);
  EXPECT_EQ(render_error_as_text(Error(Code::kInvalid, "bad"), request()).status, 422);
  EXPECT_EQ(render_error_as_text(Error(Code::kCancelled, "stop"), request()).status, 503);
}

TEST(ErrorResponse, ShowsTheMessageExceptOfInternalErrors) {
  EXPECT_EQ(render_error_as_text(Error(Code::kNotFound, "no such thing"), request()).body.view(),
            "no such thing\n");
  const auto hidden = render_error_as_text(Error(Code::kInternal, "password is hunter2"), request());
  EXPECT_EQ(hidden.body.view().find("hunter2"), std::string_view::npos);
  EXPECT_NE(hidden.body.view().find("id-7"), std::string_view::npos);
}

TEST(ErrorResponse, RoundsRetryAfterUp) {
  const auto error =
      Error(Code::kTooManyRequests, "slow down").with_retry_after(std::chrono::milliseconds(1001));
  EXPECT_EQ(render_error_as_text(error, request()).headers.get("Retry-After"), "2");
  EXPECT_FALSE(
      render_error_as_text(Error(Code::kTooManyRequests, "x"), request()).headers.contains("Retry-After"));
}

TEST(ErrorResponse, CanBeJson) {
  const auto response = render_error_as_json(Error(Code::kConflict, "say \"what\""), request());
  EXPECT_EQ(response.body.view(), R"({"code":409,"reason":"Conflict","message":"say \"what\""})");
  EXPECT_EQ(response.headers.get("Content-Type"), "application/json");
}

}  // namespace
}  // namespace klutch::http
