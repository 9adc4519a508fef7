// SPDX-License-Identifier: Apache-2.0
#include "kube/api/status.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/table.h"

namespace klutch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Time kNow = *parse_rfc3339("2026-01-01T00:00:00Z");

http::Response response(int status, std::string_view body, http::Headers headers = {}) {
  if (!headers.contains("Content-Type")) headers.set("Content-Type", "application/json");
  return {.status = status, .headers = std::move(headers), .body = body};
}

// As a kube-apiserver 1.34 wrote them.
constexpr std::string_view kNotFoundText =
    R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"widgets.ex.io \"x\" not found",)"
    R"("reason":"NotFound","details":{"name":"x","group":"ex.io","kind":"widgets"},"code":404})";
constexpr std::string_view kInvalidText =
    R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
    R"("message":"Secret \"B_bad\" is invalid: metadata.name: Invalid value: \"B_bad\"","reason":"Invalid",)"
    R"("details":{"name":"B_bad","kind":"Secret","causes":[{"reason":"FieldValueInvalid","message":"Invalid value",)"
    R"("field":"metadata.name"},{"reason":"FieldValueRequired","message":"Required value","field":"data"}]},"code":422})";
constexpr std::string_view kTooNewText =
    R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Timeout: Too large resource )"
    R"(version: 99, current: 7","reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge",)"
    R"("message":"Too large resource version"}],"retryAfterSeconds":1},"code":504})";
constexpr std::string_view kExpiredText =
    R"({"kind":"Status","apiVersion":"v1","metadata":{"continue":"abc"},"status":"Failure",)"
    R"("message":"The provided continue parameter is too old","reason":"Expired","code":410})";

TEST(Status, ReadsBackWhatAnApiServerWrites) {
  for (const auto text : {kNotFoundText, kInvalidText, kTooNewText, kExpiredText}) {
    const auto status = Status::from_json(*json::parse(text));
    ASSERT_TRUE(status.has_value()) << text;
    EXPECT_EQ(json::print(status->to_json()), text);
  }
}

TEST(Status, ReadsEveryMember) {
  const auto status = *Status::from_json(*json::parse(kInvalidText));
  EXPECT_EQ(status.http_status, 422);
  EXPECT_EQ(status.reason, "Invalid");
  EXPECT_EQ(status.name, "B_bad");
  EXPECT_EQ(status.kind, "Secret");
  EXPECT_EQ(status.group, "");
  ASSERT_EQ(status.causes.size(), 2U);
  EXPECT_EQ(status.causes[0], (StatusCause{"FieldValueInvalid", "Invalid value", "metadata.name"}));
  EXPECT_EQ(Status::from_json(*json::parse(kExpiredText))->continue_token, "abc");
  EXPECT_EQ(Status::from_json(*json::parse(kTooNewText))->retry_after_seconds, 1);
}

TEST(Status, LeavesEmptyWhatIsMissingOrOfTheWrongKind) {
  for (const auto* text :
       {R"({"kind":"Status"})", R"({"kind":"Status","details":7,"metadata":"x","code":"404","reason":null})",
        R"({"kind":"Status","details":{"name":1,"causes":["x",7],"retryAfterSeconds":-5},"code":7})",
        R"({"kind":"Status","details":{"causes":{}},"code":99999999999})"}) {
    const auto status = Status::from_json(*json::parse(text));
    ASSERT_TRUE(status.has_value()) << text;
    EXPECT_EQ(status->http_status, 0) << text;
    EXPECT_EQ(status->reason, "") << text;
    EXPECT_EQ(status->name, "") << text;
    EXPECT_TRUE(status->causes.empty()) << text;
    EXPECT_EQ(status->retry_after_seconds, 0) << text;
    EXPECT_FALSE(status->to_error().message().empty()) << text;
  }
}

TEST(Status, IsNoOtherKind) {
  for (const auto* text : {"null", "[]", "\"Status\"", "{}", R"({"kind":"Secret"})", R"({"kind":7})"}) {
    EXPECT_FALSE(Status::from_json(*json::parse(text)).has_value()) << text;
  }
}

TEST(Status, ItsReasonDecidesTheCode) {
  struct Case {
    std::string_view reason;
    int http_status;
    Code code;
    Retry retry;
  };
  for (const auto& c : {
           Case{"BadRequest", 400, Code::kBadRequest, Retry::kNever},
           Case{"Unauthorized", 401, Code::kUnauthenticated, Retry::kNever},
           Case{"Forbidden", 403, Code::kForbidden, Retry::kNever},
           Case{"NotFound", 404, Code::kNotFound, Retry::kNever},
           Case{"MethodNotAllowed", 405, Code::kUnsupported, Retry::kNever},
           Case{"NotAcceptable", 406, Code::kUnsupported, Retry::kNever},
           Case{"AlreadyExists", 409, Code::kAlreadyExists, Retry::kNever},
           Case{"Conflict", 409, Code::kConflict, Retry::kTransaction},
           Case{"Gone", 410, Code::kGone, Retry::kTransaction},
           Case{"Expired", 410, Code::kGone, Retry::kTransaction},
           Case{"RequestEntityTooLarge", 413, Code::kTooLarge, Retry::kNever},
           Case{"UnsupportedMediaType", 415, Code::kUnsupported, Retry::kNever},
           Case{"Invalid", 422, Code::kInvalid, Retry::kNever},
           Case{"TooManyRequests", 429, Code::kTooManyRequests, Retry::kBackoff},
           Case{"InternalError", 500, Code::kInternal, Retry::kBackoff},
           Case{"StorageReadError", 500, Code::kInternal, Retry::kBackoff},
           Case{"ServerTimeout", 500, Code::kUnavailable, Retry::kBackoff},
           Case{"ServiceUnavailable", 503, Code::kUnavailable, Retry::kBackoff},
           Case{"Timeout", 504, Code::kTimeout, Retry::kBackoff},
           Case{"", 404, Code::kNotFound, Retry::kNever},
           Case{"", 500, Code::kInternal, Retry::kBackoff},
           Case{"SomethingNew", 403, Code::kForbidden, Retry::kNever},
       }) {
    Status status;
    status.reason = c.reason;
    status.http_status = c.http_status;
    status.message = "what the server said";
    const auto error = status.to_error();
    EXPECT_EQ(error.code(), c.code) << c.reason << c.http_status;
    EXPECT_EQ(traits(error.code()).retry, c.retry) << c.reason << c.http_status;
    EXPECT_EQ(error.message(), "what the server said") << c.reason;
    ASSERT_NE(error.detail<Status>(), nullptr) << c.reason;
    EXPECT_EQ(error.detail<Status>()->reason, c.reason);
  }
}

TEST(Status, EveryCodeIsServedWithAReasonThatClientsReadBack) {
  struct Case {
    Code code;
    std::string_view reason;
    int http_status;
    Code read_back;
  };
  for (const auto& c : {
           Case{Code::kBadRequest, "BadRequest", 400, Code::kBadRequest},
           Case{Code::kInvalid, "Invalid", 422, Code::kInvalid},
           Case{Code::kUnauthenticated, "Unauthorized", 401, Code::kUnauthenticated},
           Case{Code::kForbidden, "Forbidden", 403, Code::kForbidden},
           Case{Code::kNotFound, "NotFound", 404, Code::kNotFound},
           Case{Code::kAlreadyExists, "AlreadyExists", 409, Code::kAlreadyExists},
           Case{Code::kConflict, "Conflict", 409, Code::kConflict},
           Case{Code::kGone, "Expired", 410, Code::kGone},
           Case{Code::kPreconditionFailed, "Invalid", 422, Code::kInvalid},
           Case{Code::kTooLarge, "RequestEntityTooLarge", 413, Code::kTooLarge},
           Case{Code::kTooManyRequests, "TooManyRequests", 429, Code::kTooManyRequests},
           Case{Code::kUnavailable, "ServiceUnavailable", 503, Code::kUnavailable},
           Case{Code::kTimeout, "Timeout", 504, Code::kTimeout},
           Case{Code::kCancelled, "Cancelled", 499, Code::kCancelled},
           Case{Code::kUnsupported, "NotImplemented", 501, Code::kUnsupported},
           Case{Code::kInternal, "InternalError", 500, Code::kInternal},
           Case{Code::kTerminal, "Invalid", 422, Code::kInvalid},
       }) {
    const auto status = Status::from_error(Error(c.code, "why"));
    EXPECT_EQ(status.reason, c.reason);
    EXPECT_EQ(status.http_status, c.http_status) << c.reason;
    EXPECT_EQ(status.message, "why") << c.reason;
    const auto read = Status::from_json(status.to_json())->to_error();
    EXPECT_EQ(read.code(), c.read_back) << c.reason;
    EXPECT_EQ(read.message(), "why") << c.reason;
  }
}

TEST(Status, AnAttachedOneIsServedAsItIs) {
  const auto error = Status::from_json(*json::parse(kNotFoundText))->to_error().with_context("cannot sync");
  EXPECT_EQ(json::print(Status::from_error(error).to_json()), kNotFoundText);
  EXPECT_EQ(error.message(), "cannot sync: widgets.ex.io \"x\" not found");
}

TEST(Status, AnAttachedOneWithoutAStatusGetsThatOfTheCode) {
  Status bare;
  bare.reason = "Conflict";
  EXPECT_EQ(Status::from_error(bare.to_error()).http_status, 409);
}

TEST(Status, RoundsADelayUpToWholeSeconds) {
  const auto delay_of = [](milliseconds delay) {
    return Status::from_error(Error(Code::kTooManyRequests, "slow").with_retry_after(delay))
        .retry_after_seconds;
  };
  EXPECT_EQ(delay_of(milliseconds(1)), 1);
  EXPECT_EQ(delay_of(seconds(2)), 2);
  EXPECT_EQ(delay_of(milliseconds(2001)), 3);
  EXPECT_EQ(delay_of(milliseconds(0)), 0);
}

TEST(Status, CutsAnEndlessMessageButKeepsTheDetail) {
  Status status;
  status.reason = "Invalid";
  status.message = std::string(100'000, 'x');
  const auto error = status.to_error();
  EXPECT_LT(error.message().size(), 10'000U);
  EXPECT_TRUE(error.message().ends_with("...")) << error.message().substr(error.message().size() - 10);
  EXPECT_EQ(error.detail<Status>()->message.size(), 100'000U);
}

TEST(Status, ItsMessageIsShownWithoutWhatDeceivesATerminal) {
  Status status;
  status.http_status = 500;
  status.message =
      "first\nsecond\t\x1b[2J\xe2\x80\xae\r"
      "end \xc3\xa4";
  const auto error = status.to_error();
  EXPECT_EQ(error.message(), "first\nsecond\t\\u001B[2J\\u202E\\rend \xc3\xa4");
  EXPECT_EQ(error.detail<Status>()->message, status.message) << "as it came";
}

TEST(Status, ReadsAndPrintsWhatApimachineryMakes) {
  for (const auto& row : testing::read_table("src/kube/api/testdata/statuses.tsv", 3)) {
    const auto status = Status::from_json(*json::parse(row[0]));
    ASSERT_TRUE(status.has_value()) << row[0];
    EXPECT_EQ(json::print(status->to_json()), row[0]);
    EXPECT_EQ(status->reason, row[1]);
    EXPECT_EQ(std::to_string(status->retry_after_seconds), row[2]) << row[0];
    EXPECT_EQ(status->to_error().message(), status->message) << row[0];
  }
}

TEST(ErrorFromResponse, IsTheStatusInTheBody) {
  const auto error = error_from_kube_response(response(404, kNotFoundText), kNow);
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_EQ(error.message(), "widgets.ex.io \"x\" not found");
  ASSERT_NE(error.detail<Status>(), nullptr);
  EXPECT_EQ(error.detail<Status>()->name, "x");
}

TEST(ErrorFromResponse, TellsTheTwoKindsOf409Apart) {
  const auto code = [](std::string_view reason) {
    Status status;
    status.reason = reason;
    status.http_status = 409;
    return error_from_kube_response(response(409, json::print(status.to_json())), kNow).code();
  };
  EXPECT_EQ(code("AlreadyExists"), Code::kAlreadyExists);
  EXPECT_EQ(code("Conflict"), Code::kConflict);
  EXPECT_EQ(code(""), Code::kConflict);
}

TEST(ErrorFromResponse, TakesTheHttpStatusWhereTheBodyHasNone) {
  const auto error = error_from_kube_response(response(403, R"({"kind":"Status","message":"no"})"), kNow);
  EXPECT_EQ(error.code(), Code::kForbidden);
  EXPECT_EQ(error.detail<Status>()->http_status, 403);
}

TEST(ErrorFromResponse, WithoutAStatusIsTheHttpStatusAndNoDetail) {
  struct Case {
    std::string_view reason;
    int status;
    std::string_view type;
    std::string_view body;
    Code code;
  };
  for (const auto& c : {
           Case{"a path that no server knows", 404, "text/plain", "404 page not found\n", Code::kNotFound},
           Case{"a proxy's page", 502, "text/html", "<html>", Code::kUnavailable},
           Case{"some other JSON", 500, "application/json", R"({"error":"x"})", Code::kInternal},
           Case{"half a body", 500, "application/json", R"({"kind":"Status","mess)", Code::kInternal},
           Case{"no body", 401, "application/json", "", Code::kUnauthenticated},
       }) {
    const auto error = error_from_kube_response(response(c.status, c.body, {{"Content-Type", c.type}}), kNow);
    EXPECT_EQ(error.code(), c.code) << c.reason;
    EXPECT_EQ(error.detail<Status>(), nullptr) << c.reason;
    EXPECT_NE(error.message().find(std::to_string(c.status)), std::string::npos) << c.reason;
  }
}

TEST(ErrorFromResponse, ABodyThatIsStillToComeIsNotLookedAt) {
  auto streamed = response(404, kNotFoundText);
  streamed.stream = [](Ctx&, http::BodyWriter&) -> Result<> { return {}; };
  const auto error = error_from_kube_response(streamed, kNow);
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_EQ(error.detail<Status>(), nullptr);
}

TEST(ErrorFromResponse, HonoursRetryAfterAndPrefersTheHeader) {
  struct Case {
    std::string_view reason;
    std::string_view header;
    std::string_view body;
    std::optional<milliseconds> delay;
  };
  const auto in_body =
      R"({"kind":"Status","reason":"TooManyRequests","code":429,"details":{"retryAfterSeconds":7}})";
  for (const auto& c : {
           Case{"neither", "", R"({"kind":"Status","reason":"TooManyRequests","code":429})", std::nullopt},
           Case{"body", "", in_body, seconds(7)},
           Case{"header without a Status", "3", "", seconds(3)},
           Case{"header and body", "3", in_body, seconds(3)},
           Case{"a date", "Thu, 01 Jan 2026 00:00:09 GMT", in_body, seconds(9)},
           Case{"an unreadable header", "soon", in_body, seconds(7)},
       }) {
    http::Headers headers;
    if (!c.header.empty()) headers.set("Retry-After", c.header);
    const auto error = error_from_kube_response(response(429, c.body, headers), kNow);
    EXPECT_EQ(error.code(), Code::kTooManyRequests) << c.reason;
    EXPECT_EQ(error.retry_after(), c.delay) << c.reason;
  }
}

TEST(HasCause, LooksOnlyIntoAnAttachedStatus) {
  const auto error = Status::from_json(*json::parse(kTooNewText))->to_error();
  EXPECT_TRUE(has_cause(error, "ResourceVersionTooLarge"));
  EXPECT_TRUE(has_cause(error.with_context("cannot list"), "ResourceVersionTooLarge"));
  EXPECT_FALSE(has_cause(error, "NamespaceTerminating"));
  EXPECT_FALSE(has_cause(Error(Code::kTimeout, "ResourceVersionTooLarge"), "ResourceVersionTooLarge"));
}

}  // namespace
}  // namespace klutch::kube
