// SPDX-License-Identifier: Apache-2.0
#include "obs/log_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/strings.h"
#include "base/time.h"

namespace klutch::obs {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

Record record(std::vector<RecordField> fields = {}) {
  return {.time = parse_rfc3339("2026-01-02T15:04:05.123456789Z").value(),
          .level = Level::kInfo,
          .logger = "http.server",
          .message = "started listener",
          .fields = std::move(fields)};
}

/// The part of a JSON line after the message.
std::string json_of(const FieldValue& value) {
  const auto line = render_json(record({{"count", value}}));
  const std::string_view before = R"("msg":"started listener","count":)";
  const auto at = line.find(before);
  return line.substr(at + before.size(), line.size() - at - before.size() - 1);
}

std::string text_of(const FieldValue& value) {
  const auto line = render_text(record({{"count", value}}), false);
  return line.substr(line.find("count=") + 6);
}

TEST(LogFormat, TextIsAlignedForPeople) {
  EXPECT_EQ(render_text(record({{"address", "127.0.0.1"}, {"port", 8080}}), false),
            "2026-01-02T15:04:05.123456Z INFO  http.server      started listener                     "
            "address=127.0.0.1 port=8080");
  EXPECT_EQ(render_text(record(), false),
            "2026-01-02T15:04:05.123456Z INFO  http.server      started listener");
}

TEST(LogFormat, ColoursAppearOnlyWhenAskedFor) {
  EXPECT_THAT(render_text(record(), true), HasSubstr("\x1b[32mINFO \x1b[0m"));
  EXPECT_THAT(render_text(record(), false), Not(HasSubstr("\x1b")));
}

TEST(LogFormat, JsonHasTheFixedKeysFirst) {
  EXPECT_EQ(render_json(record({{"address", "127.0.0.1"}, {"port", 8080}})),
            R"({"ts":"2026-01-02T15:04:05.123456Z","level":"info","logger":"http.server",)"
            R"("msg":"started listener","address":"127.0.0.1","port":8080})");
}

struct ValueCase {
  FieldValue value;
  std::string_view json;
  std::string_view text;
  std::string_view reason;
};

TEST(LogFormat, EveryKindOfValueHasItsForm) {
  const Time time = parse_rfc3339("2026-01-02T00:00:00Z").value();
  const std::string two_words = "two words";
  const ValueCase cases[] = {
      {"plain", "\"plain\"", "plain", "text"},
      {two_words, "\"two words\"", "\"two words\"", "text with a blank"},
      {"", "\"\"", "\"\"", "empty text stays visible"},
      {"a=b", "\"a=b\"", "\"a=b\"", "text that looks like a field"},
      {"say \"x\"", R"("say \"x\"")", R"("say \"x\"")", "quotes"},
      {-5, "-5", "-5", "negative"},
      {std::numeric_limits<std::uint64_t>::max(), "18446744073709551615", "18446744073709551615", "largest"},
      {std::numeric_limits<std::int64_t>::min(), "-9223372036854775808", "-9223372036854775808", "smallest"},
      {0.1, "0.1", "0.1", "shortest form of a double"},
      {std::nan(""), "\"nan\"", "nan", "JSON has no such number"},
      {-std::numeric_limits<double>::infinity(), "\"-inf\"", "-inf", "JSON has no such number"},
      {true, "true", "true", "boolean"},
      {1500ms, "\"1.5s\"", "1.5s", "duration"},
      {time, "\"2026-01-02T00:00:00.000000Z\"", "2026-01-02T00:00:00.000000Z", "time"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(json_of(c.value), c.json) << c.reason;
    EXPECT_EQ(text_of(c.value), c.text) << c.reason;
  }
}

TEST(LogFormat, AnErrorIsItsMessageAndItsCode) {
  const Error error(Code::kNotFound, "no such thing");
  EXPECT_THAT(render_json(record({{"error", error}})),
              HasSubstr(R"("error":"no such thing","error_code":"NotFound"})"));
  EXPECT_THAT(render_text(record({{"error", error}}), false),
              EndsWith("error=\"no such thing\" error_code=NotFound"));
}

TEST(LogFormat, AValueCannotForgeALineOrAColour) {
  const std::string attack = "x\n2026-01-02T15:04:05Z INFO forged\r\x1b[2K\xC2\x9B\xE2\x80\xAE";
  EXPECT_EQ(text_of(attack), R"("x\n2026-01-02T15:04:05Z INFO forged\r\u001B[2K\u009B\u202E")");
  EXPECT_EQ(json_of(attack), R"("x\n2026-01-02T15:04:05Z INFO forged\u000d\u001b[2K\u009b\u202e")");
}

TEST(LogFormat, AnyBytesGiveOneValidLine) {
  std::mt19937 random(4);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const auto& line :
         {render_json(record({{"name", bytes}})), render_text(record({{"name", bytes}}), false)}) {
      EXPECT_TRUE(is_utf8(line));
      EXPECT_TRUE(std::all_of(line.begin(), line.end(),
                              [](char c) { return static_cast<unsigned char>(c) >= 0x20; }));
    }
  }
}

TEST(LogFormat, LongValuesAndManyFieldsAreCut) {
  const std::string huge(1 << 20, 'x');
  const auto one = text_of(huge);
  EXPECT_EQ(one.size(), kMaxValueBytes + 3);
  EXPECT_THAT(one, EndsWith("..."));
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i) keys.push_back("k" + std::to_string(i));
  std::vector<RecordField> fields;
  for (const auto& key : keys) fields.push_back({key, huge});
  const auto line = render_json(record(fields));
  EXPECT_LT(line.size(), 2 * kMaxLineValueBytes);
  EXPECT_THAT(line, HasSubstr("\"k31\""));
  EXPECT_THAT(line, Not(HasSubstr("\"k32\"")));
}

TEST(LogFormat, CuttingKeepsWholeCharacters) {
  const std::string kept(kMaxValueBytes - 1, 'x');
  EXPECT_EQ(text_of(kept + "€€€"), kept + "...");
}

TEST(LogFormat, TheLastOfSeveralValuesForAKeyCounts) {
  EXPECT_THAT(render_json(record({{"port", 1}, {"name", "n"}, {"port", 2}})),
              EndsWith(R"("name":"n","port":2})"));
}

}  // namespace
}  // namespace klutch::obs
