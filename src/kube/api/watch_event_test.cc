// SPDX-License-Identifier: Apache-2.0
#include "kube/api/watch_event.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/api/status.h"
#include "testing/arbitrary_json.h"

namespace klutch::kube {
namespace {

using json::object;

std::string line(std::string_view type, std::string_view name, std::string_view end = "\n") {
  return json::print(object({{"type", type}, {"object", object({{"metadata", object({{"name", name}})}})}})) +
         std::string(end);
}

std::string describe(const WatchEvent& event) {
  return std::string(to_string(event.type)) + " " + std::string(name(event.object));
}

/// What comes out, one line per event, "error CODE" last where one occurred.
std::vector<std::string> drain(WatchDecoder& decoder) {
  std::vector<std::string> events;
  for (;;) {
    const auto event = decoder.next();
    if (!event) {
      events.push_back("error " + std::string(traits(event.error().code()).name));
      return events;
    }
    if (!*event) return events;
    events.push_back(describe(**event));
  }
}

std::vector<std::string> decode(std::string_view stream, std::size_t piece = 1'000'000) {
  WatchDecoder decoder;
  std::vector<std::string> events;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    if (const auto fed = decoder.feed(stream.substr(at, piece)); !fed) return {"error on feed"};
    for (auto& event : drain(decoder)) {
      events.push_back(std::move(event));
      if (events.back().starts_with("error")) return events;
    }
  }
  return events;
}

TEST(WatchDecoder, GivesOneEventPerLine) {
  EXPECT_EQ(decode(line("ADDED", "a") + line("MODIFIED", "b") + line("DELETED", "c") + line("BOOKMARK", "d")),
            (std::vector<std::string>{"ADDED a", "MODIFIED b", "DELETED c", "BOOKMARK d"}));
}

TEST(WatchDecoder, WaitsForTheEndOfALine) {
  WatchDecoder decoder;
  const auto text = line("ADDED", "a");
  ASSERT_TRUE(decoder.feed(text.substr(0, 20)).has_value());
  EXPECT_FALSE(decoder.next()->has_value());
  EXPECT_TRUE(decoder.has_partial_line());
  ASSERT_TRUE(decoder.feed(text.substr(20)).has_value());
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"ADDED a"});
  EXPECT_FALSE(decoder.has_partial_line());
  EXPECT_FALSE(decoder.next()->has_value());
}

TEST(WatchDecoder, SkipsEmptyLinesAndTakesCarriageReturns) {
  EXPECT_EQ(decode("\n\r\n  \n" + line("ADDED", "a", "\r\n") + "\n" + line("ADDED", "b")),
            (std::vector<std::string>{"ADDED a", "ADDED b"}));
}

TEST(WatchDecoder, RefusesWhatIsNoEvent) {
  struct Case {
    std::string_view reason;
    std::string_view line;
  };
  for (const auto& c : {
           Case{"no JSON", "hello"},
           Case{"half a line", R"({"type":"ADDED","object":{)"},
           Case{"a plain object, as a server that ignores watch=true sends",
                R"({"kind":"SecretList","items":[]})"},
           Case{"not an object", "[1]"},
           Case{"no object", R"({"type":"ADDED"})"},
           Case{"object of another kind", R"({"type":"ADDED","object":7})"},
           Case{"no type", R"({"object":{}})"},
           Case{"unknown type", R"({"type":"RENAMED","object":{}})"},
           Case{"types are case-sensitive", R"({"type":"added","object":{}})"},
           Case{"two on one line", R"({"type":"ADDED","object":{}}{"type":"ADDED","object":{}})"},
           Case{"an error without Status", R"({"type":"ERROR","object":{"kind":"Secret"}})"},
       }) {
    EXPECT_EQ(decode(line("ADDED", "a") + std::string(c.line) + "\n"),
              (std::vector<std::string>{"ADDED a", "error InternalError"}))
        << c.reason;
  }
}

TEST(WatchDecoder, AnErrorEventIsItsStatus) {
  struct Case {
    std::string_view reason;
    std::string_view status;
    Code code;
  };
  for (
      const auto& c : {
          Case{
              "expired",
              R"json({"kind":"Status","reason":"Expired","message":"too old resource version: 1 (271)","code":410})json",
              Code::kGone},
          Case{"gone, without a reason", R"({"kind":"Status","message":"too old","code":410})", Code::kGone},
          Case{"internal", R"({"kind":"Status","reason":"InternalError","message":"etcd","code":500})",
               Code::kInternal},
          Case{"overload",
               R"({"kind":"Status","reason":"TooManyRequests","code":429,"details":{"retryAfterSeconds":2}})",
               Code::kTooManyRequests},
      }) {
    WatchDecoder decoder;
    ASSERT_TRUE(decoder.feed(R"({"type":"ERROR","object":)" + std::string(c.status) + "}\n").has_value());
    const auto event = decoder.next();
    ASSERT_FALSE(event.has_value()) << c.reason;
    EXPECT_EQ(event.error().code(), c.code) << c.reason;
    EXPECT_NE(event.error().detail<Status>(), nullptr) << c.reason;
  }
}

TEST(WatchDecoder, KnowsTheBookmarkThatEndsTheInitialEvents) {
  struct Case {
    std::string_view reason;
    std::string_view line;
    bool ends;
  };
  for (
      const auto& c : {
          Case{
              "the one",
              R"({"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}})",
              true},
          Case{"any other bookmark", R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}})",
               false},
          Case{
              "annotated otherwise",
              R"({"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"false"}}}})",
              false},
          Case{
              "an object with that annotation",
              R"({"type":"ADDED","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}})",
              false},
      }) {
    WatchDecoder decoder;
    ASSERT_TRUE(decoder.feed(std::string(c.line) + "\n").has_value());
    const auto event = decoder.next();
    ASSERT_TRUE(event.has_value() && event->has_value()) << c.reason;
    EXPECT_EQ((*event)->ends_initial_events(), c.ends) << c.reason;
  }
}

TEST(WatchDecoder, RefusesALineBeyondTheLimitHoweverItComes) {
  const auto short_line = line("ADDED", "a");
  const auto limit = short_line.size() - 1;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    for (const bool fits : {true, false}) {
      const auto text = short_line + line("ADDED", "b", fits ? "\n" : " \n") + short_line;
      WatchDecoder decoder(limit);
      std::size_t events = 0;
      std::optional<Code> code;
      for (std::size_t at = 0; at < text.size() && !code; at += piece) {
        if (const auto fed = decoder.feed(std::string_view(text).substr(at, piece)); !fed)
          code = fed.error().code();
        while (!code) {
          const auto event = decoder.next();
          if (!event) code = event.error().code();
          if (!event || !*event) break;
          ++events;
        }
      }
      EXPECT_EQ(events, fits ? 3U : 1U) << piece;
      EXPECT_EQ(code, fits ? std::nullopt : std::optional(Code::kTooLarge)) << piece;
    }
  }
}

TEST(WatchDecoder, NeverHoldsMoreThanALineOfAnEndlessOne) {
  WatchDecoder decoder(100'000);
  const std::string piece(10'000, 'x');
  Result<> fed;
  std::size_t pieces = 0;
  while ((fed = decoder.feed(piece)) && pieces < 100) ++pieces;
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().code(), Code::kTooLarge);
  EXPECT_EQ(pieces, 10U);
}

TEST(WatchDecoder, GivesTheMemoryOfABigLineBack) {
  WatchDecoder decoder;
  const auto big =
      json::print(object({{"type", "ADDED"}, {"object", object({{"data", std::string(5'000'000, 'x')}})}}));
  const auto small = line("ADDED", "a");
  for (std::size_t at = 0; at < big.size(); at += 16'384) {
    ASSERT_TRUE(decoder.feed(std::string_view(big).substr(at, 16'384)).has_value());
    ASSERT_FALSE(decoder.next()->has_value());
  }
  EXPECT_GT(decoder.memory(), 5'000'000U);
  ASSERT_TRUE(decoder.feed("\n" + small + small.substr(0, 10)).has_value());
  EXPECT_EQ(drain(decoder).size(), 2U);
  ASSERT_TRUE(decoder.feed(small.substr(10)).has_value());
  EXPECT_EQ(drain(decoder), std::vector<std::string>{"ADDED a"});
  EXPECT_LT(decoder.memory(), 100'000U);
}

TEST(WatchDecoder, FindsTheEndOfALongLineInOnePass) {
  // Searched from its start for each piece, this would take minutes.
  WatchDecoder decoder;
  const auto text = line("ADDED", std::string(15'000'000, 'n'));
  std::size_t events = 0;
  for (std::size_t at = 0; at < text.size(); at += 16) {
    ASSERT_TRUE(decoder.feed(std::string_view(text).substr(at, 16)).has_value());
    const auto event = decoder.next();
    ASSERT_TRUE(event.has_value());
    if (event->has_value()) ++events;
  }
  EXPECT_EQ(events, 1U);
}

RC_GTEST_PROP(WatchDecoderProperty, HowBytesAreCutMakesNoDifference, ()) {
  const auto types =
      rc::gen::element<std::string>("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "ODD");
  std::string stream;
  const auto count = *rc::gen::inRange(0, 12);
  for (int i = 0; i < count; ++i) {
    stream += json::print(object({{"type", *types}, {"object", *testing::arbitrary_json()}}));
    stream += *rc::gen::element<std::string>("\n", "\n", "\r\n", "\n\n");
  }
  const auto whole = decode(stream);
  const auto piece = *rc::gen::inRange<std::size_t>(1, stream.size() + 2);
  RC_ASSERT(decode(stream, piece) == whole);

  WatchDecoder decoder;
  std::vector<std::string> events;
  std::size_t at = 0;
  while (at < stream.size() && (events.empty() || !events.back().starts_with("error"))) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 200);
    RC_ASSERT(decoder.feed(std::string_view(stream).substr(at, size)).has_value());
    at += size;
    if (*rc::gen::inRange(0, 3) == 0) continue;
    for (auto& event : drain(decoder)) events.push_back(std::move(event));
  }
  if (events.empty() || !events.back().starts_with("error")) {
    for (auto& event : drain(decoder)) events.push_back(std::move(event));
  }
  RC_ASSERT(events == whole);
}

}  // namespace
}  // namespace klutch::kube
