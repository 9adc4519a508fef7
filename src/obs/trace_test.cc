// SPDX-License-Identifier: Apache-2.0
#include "obs/trace.h"

#include <gtest/gtest.h>

#include <random>

#include "base/strings.h"

namespace klutch::obs {
namespace {

constexpr std::string_view kExample = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Trace, TheExampleOfTheRecommendationIsReadAndWritten) {
  const auto context = parse_trace(kExample, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE").value();
  EXPECT_EQ(to_hex(context.trace_id), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(to_hex(context.span_id), "b7ad6b7169203331");
  EXPECT_TRUE(context.sampled);
  EXPECT_EQ(context.state, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
  EXPECT_EQ(traceparent(context), kExample);
}

TEST(Trace, EveryNewTraceSurvivesTheWire) {
  for (int i = 0; i < 500; ++i) {
    const auto context = new_trace(i % 2 == 0);
    EXPECT_EQ(parse_trace(traceparent(context)).value(), context);
  }
}

TEST(Trace, AChildKeepsTheTraceAndGetsItsOwnSpan) {
  const auto parent = parse_trace(kExample, "a=b").value();
  const auto child = child_of(parent);
  EXPECT_EQ(child.trace_id, parent.trace_id);
  EXPECT_EQ(child.state, parent.state);
  EXPECT_EQ(child.sampled, parent.sampled);
  EXPECT_NE(child.span_id, parent.span_id);
}

struct ParentCase {
  std::string_view text;
  bool valid;
  std::string_view reason;
};

TEST(Trace, TraceparentIsCheckedToTheLetter) {
  const ParentCase cases[] = {
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true, "not sampled"},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true, "unknown flags are ignored"},
      {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true, "a later version"},
      {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-holds", true,
       "a longer later version"},
      {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what", false,
       "a later version goes on with '-'"},
      {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, "version ff is forbidden"},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false, "version 00 ends here"},
      {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false, "capitals"},
      {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false, "no trace id"},
      {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false, "no parent id"},
      {"00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", false, "short trace id"},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false, "short flags"},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false, "flags are hexadecimal"},
      {"0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, "the version is hexadecimal"},
      {"00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01", false, "the trace id is hexadecimal"},
      {"00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01", false, "wrong separators"},
      {" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, "leading blank"},
      {"", false, "empty"},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_trace(c.text);
    ASSERT_EQ(parsed.has_value(), c.valid) << c.reason;
    EXPECT_TRUE(parsed || is(parsed.error(), Code::kInvalid)) << c.reason;
  }
}

TEST(Trace, AnyOneByteChangedIsReadOrRefusedButNeverMisread) {
  std::mt19937 random(8);
  for (int i = 0; i < 5000; ++i) {
    std::string text(kExample);
    text[random() % text.size()] = static_cast<char>(random());
    const auto parsed = parse_trace(text);
    if (!parsed || !text.starts_with("00-")) continue;
    // Flags other than "sampled" are the only thing that may get lost.
    EXPECT_EQ(traceparent(*parsed).substr(0, 53), text.substr(0, 53));
  }
}

TEST(Trace, ABrokenStateIsDroppedAndTheParentKept) {
  const auto context = parse_trace(kExample, "UPPER=1").value();
  EXPECT_EQ(context.state, "");
  EXPECT_EQ(traceparent(context), kExample);
}

struct StateCase {
  std::string text;
  std::optional<std::size_t> entries;
  std::string_view reason;
};

TEST(Trace, TracestateIsCheckedToTheLetter) {
  std::string full;
  for (int i = 0; i < 32; ++i) full += "k" + std::to_string(i) + "=v,";
  const StateCase cases[] = {
      {"", 0, "empty"},
      {"a=1", 1, "one"},
      {"a=1,b=2", 2, "two"},
      {" a=1 ,\t b=2 , ,", 2, "blanks and empty members"},
      {"tenant@system=x", 1, "tenant"},
      {"0tenant@system=x", 1, "a tenant may begin with a digit"},
      {"a_-*/9=x y", 1, "all characters of a key, a blank in the value"},
      {full, 32, "as many as there may be"},
      {full + "last=v", std::nullopt, "one too many"},
      {"a=1,a=2", std::nullopt, "twice"},
      {"a", std::nullopt, "no value"},
      {"=1", std::nullopt, "no key"},
      {"a=", std::nullopt, "empty value"},
      {"A=1", std::nullopt, "capital"},
      {"1a=1", std::nullopt, "a simple key begins with a letter"},
      {"a@1b=1", std::nullopt, "a system begins with a letter"},
      {"a@b@c=1", std::nullopt, "two at signs"},
      {"a@bcdefghijklmnop=1", std::nullopt, "system too long"},
      {"a=b=c", std::nullopt, "an equals sign in the value"},
      {"a=\x7f", std::nullopt, "control character"},
      {"a=" + std::string(257, 'x'), std::nullopt, "value too long"},
      {"a=" + std::string(256, 'x') + ",b=" + std::string(256, 'x'), std::nullopt,
       "more than 512 characters"},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_tracestate(c.text);
    ASSERT_EQ(parsed.has_value(), c.entries.has_value()) << c.reason;
    if (!parsed) continue;
    EXPECT_EQ(parsed->size(), *c.entries) << c.reason;
  }
}

TEST(Trace, ARequestContinuesItsTraceOrBeginsOne) {
  const auto continued = continue_or_begin(kExample, "a=b");
  EXPECT_EQ(to_hex(continued.trace_id), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_NE(to_hex(continued.span_id), "b7ad6b7169203331");
  EXPECT_EQ(continued.state, "a=b");
  const auto begun = continue_or_begin("garbage", "a=b");
  EXPECT_NE(begun.trace_id, continued.trace_id);
  EXPECT_EQ(begun.state, "") << "a state without its parent means nothing";
  EXPECT_NE(continue_or_begin(std::nullopt, "").trace_id, begun.trace_id);
}

}  // namespace
}  // namespace klutch::obs
