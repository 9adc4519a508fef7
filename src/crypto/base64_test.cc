// SPDX-License-Identifier: Apache-2.0
#include "crypto/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klutch::crypto {
namespace {

constexpr Base64 kAllVariants[] = {Base64::kStandard, Base64::kStandardUnpadded, Base64::kUrl,
                                   Base64::kUrlUnpadded};

TEST(Base64, VectorsOfRfc4648Section10) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text).value(), bytes);
    const auto bare = text.substr(0, text.find('='));
    EXPECT_EQ(base64_encode(bytes, Base64::kUrlUnpadded), bare);
    EXPECT_EQ(base64_decode(bare, Base64::kUrlUnpadded).value(), bytes);
  }
}

TEST(Base64, TheAlphabetsDifferInTheLastTwoCharacters) {
  const std::string bytes = "\xfb\xef\xff";
  EXPECT_EQ(base64_encode(bytes, Base64::kStandard), "++//");
  EXPECT_EQ(base64_encode(bytes, Base64::kUrl), "--__");
  EXPECT_FALSE(base64_decode("++//", Base64::kUrl).has_value());
  EXPECT_FALSE(base64_decode("--__", Base64::kStandard).has_value());
}

TEST(Base64, RefusesEverythingThatEncodingDoesNotProduce) {
  struct Case {
    std::string_view text;
    Base64 variant;
    std::string_view offset;
    std::string_view reason;
  };
  const Case cases[] = {
      {"Zg", Base64::kStandard, "offset 2:", "padding is missing"},
      {"Zg=", Base64::kStandard, "offset 2:", "padding is half missing: the = is no digit"},
      {"Zg==", Base64::kStandardUnpadded, "offset 2:", "padding is not wanted"},
      {"Z===", Base64::kStandard, "offset 1:", "three padding characters never occur"},
      {"====", Base64::kStandard, "offset 0:", "nothing but padding"},
      {"Zg==Zg==", Base64::kStandard, "offset 2:", "padding in the middle"},
      {"Zh==", Base64::kStandard, "offset 1:", "the last four bits are not zero"},
      {"Zm9=", Base64::kStandard, "offset 2:", "the last two bits are not zero"},
      {"Zh", Base64::kUrlUnpadded, "offset 1:", "the last four bits are not zero"},
      {"Zm9vY", Base64::kUrlUnpadded, "offset 5:", "six bits are no byte"},
      {"Zm9vY===", Base64::kStandard, "offset 5:", "six bits are no byte, padded or not"},
      {"Zm9v\n", Base64::kStandard, "offset 4:", "line breaks are MIME's"},
      {"Zm 9", Base64::kStandard, "offset 2:", "blanks"},
      {"Zm9\xc3", Base64::kStandard, "offset 3:", "bytes above 127"},
      {std::string_view("Zm\0v", 4), Base64::kStandard, "offset 2:", "NUL"},
  };
  for (const auto& c : cases) {
    const auto result = base64_decode(c.text, c.variant);
    ASSERT_FALSE(result.has_value()) << c.reason;
    EXPECT_TRUE(is(result.error(), Code::kInvalid)) << c.reason;
    EXPECT_NE(result.error().message().find(c.offset), std::string::npos)
        << c.reason << ": " << result.error().message();
  }
}

RC_GTEST_PROP(Base64, EveryByteStringComesBack, (const std::string& bytes)) {
  for (const Base64 variant : kAllVariants) {
    RC_ASSERT(base64_decode(base64_encode(bytes, variant), variant).value() == bytes);
  }
}

RC_GTEST_PROP(Base64, NoTwoTextsStandForTheSameBytes, (const std::string& bytes, std::size_t place, char c)) {
  for (const Base64 variant : kAllVariants) {
    std::string text = base64_encode(bytes, variant);
    if (text.empty()) continue;
    text[place % text.size()] = c;
    const auto decoded = base64_decode(text, variant);
    if (decoded) RC_ASSERT(base64_encode(*decoded, variant) == text);
  }
}

}  // namespace
}  // namespace klutch::crypto
