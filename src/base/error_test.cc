// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include "base/result.h"

namespace klutch {
namespace {

struct Note final : ErrorDetail {
  explicit Note(int n) : number(n) {}
  int number;
};

Result<int> parse(bool good) {
  if (!good) return fail(Code::kInvalid, "not a number");
  return 7;
}

Result<std::string> describe(bool good) {
  const int number = TRY(parse(good).map_error(context("cannot describe")));
  return std::to_string(number);
}

Result<> check_only(bool good) {
  TRY(parse(good));
  return {};
}

TEST(Error, EveryCodeHasItsRow) {
  for (int i = 0; i <= static_cast<int>(Code::kTerminal); ++i) {
    const auto& row = traits(static_cast<Code>(i));
    EXPECT_FALSE(row.name.empty());
    EXPECT_GE(row.http_status, 400);
    EXPECT_NE(row.exit_code, 0);
  }
}

TEST(Error, HttpStatusesMapBackToTheCodeThatProducesThem) {
  for (const Code code :
       {Code::kBadRequest, Code::kInvalid, Code::kUnauthenticated, Code::kForbidden, Code::kNotFound,
        Code::kConflict, Code::kGone, Code::kPreconditionFailed, Code::kTooLarge, Code::kTooManyRequests,
        Code::kUnavailable, Code::kTimeout, Code::kCancelled, Code::kUnsupported, Code::kInternal}) {
    EXPECT_EQ(code_from_http_status(traits(code).http_status), code) << traits(code).name;
  }
  EXPECT_EQ(code_from_http_status(418), Code::kBadRequest);
  EXPECT_EQ(code_from_http_status(599), Code::kInternal);
  EXPECT_EQ(code_from_http_status(200), Code::kInternal);
}

TEST(Error, ContextStandsInFrontAndKeepsTheRest) {
  const auto error = Error(Code::kNotFound, "no such file")
                         .with_retry_after(std::chrono::seconds(2))
                         .with_detail(std::make_shared<Note>(3))
                         .with_context("cannot read x")
                         .with_context("cannot start");
  EXPECT_EQ(error.message(), "cannot start: cannot read x: no such file");
  EXPECT_TRUE(is(error, Code::kNotFound));
  EXPECT_EQ(error.retry_after(), std::chrono::seconds(2));
  ASSERT_NE(error.detail<Note>(), nullptr);
  EXPECT_EQ(error.detail<Note>()->number, 3);
  EXPECT_EQ(error.with_code(Code::kTerminal).message(), error.message());
}

Result<int> sum(bool good) {
  return TRY(parse(good)) + TRY(parse(TRY(parse(good)) == 7));
}

TEST(Result, TryMayBeNested) {
  EXPECT_EQ(sum(true).value(), 14);
  EXPECT_FALSE(sum(false).has_value());
}

TEST(Result, TryTakesTheValueOrReturnsTheError) {
  EXPECT_EQ(describe(true).value(), "7");
  ASSERT_FALSE(describe(false).has_value());
  EXPECT_EQ(describe(false).error().message(), "cannot describe: not a number");
  EXPECT_TRUE(check_only(true).has_value());
  EXPECT_TRUE(is(check_only(false).error(), Code::kInvalid));
}

}  // namespace
}  // namespace klutch
