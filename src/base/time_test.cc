// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <gtest/gtest.h>

#include <random>

#include "testing/table.h"

namespace klutch {
namespace {

using std::chrono::seconds;
using testing::read_table;

Time at(std::int64_t unix_seconds) {
  return Time(seconds(unix_seconds));
}

TEST(Rfc3339, ReadsAndWritesAsGoAndKubernetesDo) {
  for (const auto& row : read_table("src/base/testdata/go_rfc3339.tsv", 5)) {
    const auto parsed = parse_rfc3339(row[0]);
    if (row[1] == "error") {
      ASSERT_FALSE(parsed.has_value()) << row[0];
      EXPECT_TRUE(is(parsed.error(), Code::kInvalid)) << row[0];
      continue;
    }
    ASSERT_TRUE(parsed.has_value()) << row[0] << ": " << parsed.error().message();
    EXPECT_EQ(std::to_string(parsed->time_since_epoch().count()), row[1]) << row[0];
    EXPECT_EQ(format_rfc3339(*parsed), row[2]) << row[0];
    EXPECT_EQ(format_rfc3339_micros(*parsed), row[3]) << row[0];
    EXPECT_EQ(format_rfc3339_nanos(*parsed), row[4]) << row[0];
  }
}

TEST(Rfc3339, EveryNanosecondSurvivesARoundTrip) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const Time time(Duration(static_cast<std::int64_t>(random())));
    const auto text = format_rfc3339_nanos(time);
    const auto back = parse_rfc3339(text);
    ASSERT_TRUE(back.has_value()) << text;
    ASSERT_EQ(*back, time) << text;
  }
}

TEST(Rfc3339, OrderOfTextsIsOrderOfTimes) {
  std::mt19937_64 random(12);
  for (int i = 0; i < 5'000; ++i) {
    const Time a(Duration(static_cast<std::int64_t>(random())));
    const Time b(Duration(static_cast<std::int64_t>(random())));
    if (std::chrono::abs(Duration(a.time_since_epoch() / 2 - b.time_since_epoch() / 2)) < seconds(2))
      continue;
    ASSERT_EQ(format_rfc3339_micros(a) < format_rfc3339_micros(b), a < b);
  }
}

struct LeapCase {
  std::string_view text;
  std::optional<std::int64_t> unix_seconds;
  std::string_view reason;
};

TEST(Rfc3339, LeapSecondIsTheSecondAfterItAndOnlyWhereOneCanBe) {
  const LeapCase cases[] = {
      {"2016-12-31T23:59:60Z", 1483228800, "a real one"},
      {"1990-12-31T15:59:60-08:00", 662688000, "RFC 3339 §5.8, the same instant in another zone"},
      {"2015-07-01T05:29:60+05:30", 1435708800, "offset of half an hour"},
      {"2016-12-31T22:59:60Z", std::nullopt, "not the last minute of the day"},
      {"2016-12-30T23:59:60Z", std::nullopt, "not the last day of the month"},
      {"2016-12-31T23:58:60Z", std::nullopt, "not the last minute of the hour"},
      {"2016-12-31T23:59:60+01:00", std::nullopt, "the end of a month elsewhere, not in UTC"},
      {"2016-12-31T23:59:61Z", std::nullopt, "there are no double leap seconds"},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_rfc3339(c.text);
    ASSERT_EQ(parsed.has_value(), c.unix_seconds.has_value()) << c.text << ": " << c.reason;
    if (!parsed) continue;
    EXPECT_EQ(*parsed, at(*c.unix_seconds)) << c.text << ": " << c.reason;
  }
}

struct WrongCase {
  std::string_view text;
  std::string_view names;
};

TEST(Rfc3339, ErrorsNameThePartThatIsWrong) {
  const WrongCase cases[] = {
      {"tomorrow", "date"},
      {"2026-01-01", "'T'"},
      {"2026-01-01T1:00:00Z", "time of day"},
      {"2026-01-01T00:00:00", "offset"},
      {"2026-01-01T00:00:00+00:60", "offset"},
      {"2026-01-01T00:00:00+24:00", "offset"},
      {"2026-13-01T00:00:00Z", "month"},
      {"2026-02-30T00:00:00Z", "day"},
      {"2026-02-20T25:00:00Z", "hour"},
      {"2026-02-20T05:61:00Z", "minute"},
      {"2026-02-20T05:00:00Z ", "follows"},
      {"0001-01-01T00:00:00Z", "1677"},
      {"9999-12-31T23:59:59Z", "2262"},
      {"2262-04-11T23:47:16.854775808Z", "2262"},
      {"1677-09-21T00:12:43.145224191Z", "1677"},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_rfc3339(c.text);
    ASSERT_FALSE(parsed.has_value()) << c.text;
    EXPECT_TRUE(is(parsed.error(), Code::kInvalid));
    EXPECT_NE(parsed.error().message().find(c.names), std::string::npos) << parsed.error().message();
  }
}

TEST(HttpDate, AllThreeFormsOfRfc9110AreOneInstant) {
  const Time now = at(1'780'000'000);
  const Time expected = at(784111777);
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    const auto parsed = parse_http_date(text, now);
    ASSERT_TRUE(parsed.has_value()) << text << parsed.error().message();
    EXPECT_EQ(*parsed, expected) << text;
  }
  EXPECT_EQ(format_http_date(expected + std::chrono::milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDate, ReadsAndWritesAsGoDoes) {
  for (const auto& row : read_table("src/base/testdata/go_http_date.tsv", 3)) {
    const Time time = at(std::stoll(row[0]));
    EXPECT_EQ(format_http_date(time), row[1]);
    EXPECT_EQ(parse_http_date(row[1], time).value(), time);
    EXPECT_EQ(parse_http_date(row[2], time).value(), time);
  }
}

TEST(HttpDate, TwoDigitYearsAreNeverMoreThanFiftyYearsAhead) {
  const Time now = parse_rfc3339("2026-06-01T00:00:00Z").value();
  EXPECT_EQ(format_rfc3339(parse_http_date("Wednesday, 01-Jan-76 00:00:00 GMT", now).value()),
            "2076-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(parse_http_date("Saturday, 01-Jan-77 00:00:00 GMT", now).value()),
            "1977-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(parse_http_date("Friday, 01-Jan-99 00:00:00 GMT", now).value()),
            "1999-01-01T00:00:00Z");
}

TEST(HttpDate, RefusesWhatIsNotADate) {
  for (const std::string_view text :
       {"", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 0001 08:49:37 GMT", "Sun Nov 36 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 GMT\r\nX: y"}) {
    const auto parsed = parse_http_date(text, at(0));
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_TRUE(is(parsed.error(), Code::kInvalid)) << text;
  }
}

}  // namespace
}  // namespace klutch
