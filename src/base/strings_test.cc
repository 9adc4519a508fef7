// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace klutch {
namespace {

using ::testing::ElementsAre;

TEST(Strings, SplitKeepsEmptyPieces) {
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split("abc", ','), ElementsAre("abc"));
}

TEST(Strings, SplitOnceStopsAtTheFirstSeparator) {
  EXPECT_EQ(split_once("a=b=c", "=").value(), (std::pair<std::string_view, std::string_view>("a", "b=c")));
  EXPECT_EQ(split_once("a://b", "://").value(), (std::pair<std::string_view, std::string_view>("a", "b")));
  EXPECT_FALSE(split_once("abc", "=").has_value());
}

TEST(Strings, JoinUndoesSplit) {
  for (const std::string_view text : {"", "a", "a,b", ",", "a,,b,"})
    EXPECT_EQ(join(split(text, ','), ","), text);
  EXPECT_EQ(join(std::vector<std::string>{}, ","), "");
}

TEST(Strings, TrimTakesBlanksFromBothEndsOnly) {
  EXPECT_EQ(trim(" \t\r\na b\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Strings, CaseIsIgnoredForAsciiLettersOnly) {
  EXPECT_TRUE(equal_ignore_case("Content-Type", "content-tYPE"));
  EXPECT_FALSE(equal_ignore_case("a", "ab"));
  EXPECT_FALSE(equal_ignore_case("@[", "`{"));  // the neighbours of the letters in ASCII
  EXPECT_FALSE(equal_ignore_case("\xC3\x84", "\xC3\xA4"));
  EXPECT_TRUE(starts_with_ignore_case("Bearer x", "bearer "));
  EXPECT_FALSE(starts_with_ignore_case("Bear", "bearer "));
  EXPECT_EQ(to_lower("AbZ[É"), "abz[É");
}

struct Utf8Case {
  std::string_view text;
  bool valid;
  std::string_view reason;
};

TEST(Strings, Utf8IsCheckedToTheLetterOfRfc3629) {
  const Utf8Case cases[] = {
      {"", true, "nothing"},
      {"plain", true, "ASCII"},
      {std::string_view("\0", 1), true, "NUL is a character"},
      {"\xC2\x80", true, "U+0080"},
      {"\xDF\xBF", true, "U+07FF"},
      {"\xE0\xA0\x80", true, "U+0800"},
      {"\xED\x9F\xBF", true, "U+D7FF"},
      {"\xEF\xBF\xBF", true, "U+FFFF"},
      {"\xF0\x90\x80\x80", true, "U+10000"},
      {"\xF4\x8F\xBF\xBF", true, "U+10FFFF"},
      {"\x80", false, "a continuation byte alone"},
      {"\xC0\x80", false, "overlong NUL"},
      {"\xC1\xBF", false, "overlong"},
      {"\xE0\x9F\xBF", false, "overlong"},
      {"\xED\xA0\x80", false, "surrogate"},
      {"\xF0\x8F\xBF\xBF", false, "overlong"},
      {"\xF4\x90\x80\x80", false, "above U+10FFFF"},
      {"\xF5\x80\x80\x80", false, "lead byte out of range"},
      {"\xFF", false, "never occurs"},
      {"a\xE2\x82", false, "cut off"},
      {"\xE2\x28\xA1", false, "second byte is no continuation"},
      {"\xE2\x82\x28", false, "third byte is no continuation"},
  };
  for (const auto& c : cases) EXPECT_EQ(is_utf8(c.text), c.valid) << c.reason;
}

TEST(Strings, Utf8PrefixNeverCutsACharacter) {
  const std::string_view text = "aé€😀";  // 1 + 2 + 3 + 4 bytes
  EXPECT_EQ(utf8_prefix(text, 2), "a");
  EXPECT_EQ(utf8_prefix(text, 3), "aé");
  EXPECT_EQ(utf8_prefix(text, 5), "aé");
  EXPECT_EQ(utf8_prefix(text, 9), "aé€");
  EXPECT_EQ(utf8_prefix(text, 10), text);
  EXPECT_EQ(utf8_prefix(text, 0), "");
}

TEST(Strings, QuoteShowsAnythingOnOneSafeLine) {
  EXPECT_EQ(quote("plain é"), "\"plain é\"");
  EXPECT_EQ(quote("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quote("a\nb\tc\rd"), R"("a\nb\tc\rd")");
  EXPECT_EQ(quote(std::string_view("\0\x1b[31m\x7f", 7)), R"("\u0000\u001B[31m\u007F")");
  EXPECT_EQ(quote("\xC2\x9B"), R"("\u009B")");  // C1 control sequence introducer
  EXPECT_EQ(quote("\xE2\x80\xAE"
                  "txt"),
            R"("\u202Etxt")");  // right-to-left override
  EXPECT_EQ(quote("\xFF\xC3"), R"("\xFF\xC3")");
  EXPECT_EQ(quote("abcdef", 3), "\"abc\"...");
}

TEST(Strings, QuoteIsBoundedWhateverTheInput) {
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    std::string text(random() % 400, '\0');
    for (char& c : text) c = static_cast<char>(random());
    const auto quoted = quote(text, 100);
    EXPECT_LE(quoted.size(), 100 * 6 + 5U);
    EXPECT_TRUE(is_utf8(quoted));
    EXPECT_EQ(quoted.find('\n'), std::string::npos);
  }
}

TEST(Strings, PercentEncodingIsUndoneByDecoding) {
  EXPECT_EQ(percent_encode("a b/ü~"), "a%20b%2F%C3%BC~");
  EXPECT_EQ(percent_decode("a%20b%2f+%C3%BC").value(), "a b/+ü");
  std::mt19937 random(6);
  for (int i = 0; i < 300; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random());
    EXPECT_EQ(percent_decode(percent_encode(text)).value(), text);
  }
}

TEST(Strings, PercentWithoutTwoDigitsIsRefused) {
  for (const std::string_view text : {"%", "%a", "abc%4", "%zz", "%4g", "%%41"}) {
    const auto decoded = percent_decode(text);
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_TRUE(is(decoded.error(), Code::kInvalid));
  }
}

}  // namespace
}  // namespace klutch
