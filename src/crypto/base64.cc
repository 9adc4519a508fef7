// SPDX-License-Identifier: Apache-2.0
#include "crypto/base64.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace klutch::crypto {
namespace {

constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNotInAlphabet = 0xff;

using Inverse = std::array<std::uint8_t, 256>;

constexpr Inverse invert(std::string_view alphabet) {
  Inverse inverse{};
  inverse.fill(kNotInAlphabet);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    inverse[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return inverse;
}

constexpr Inverse kStandardInverse = invert(kStandardAlphabet);
constexpr Inverse kUrlInverse = invert(kUrlAlphabet);

constexpr bool is_url(Base64 variant) {
  return variant == Base64::kUrl || variant == Base64::kUrlUnpadded;
}
constexpr bool is_padded(Base64 variant) {
  return variant == Base64::kStandard || variant == Base64::kUrl;
}

tl::unexpected<Error> bad(std::size_t offset, std::string_view what) {
  return fail(Code::kInvalid, fmt::format("base64: offset {}: {}", offset, what));
}

/// Takes the padding off the end; what remains is the same as in the unpadded variant.
Result<std::string_view> strip_padding(std::string_view text) {
  if (text.size() % 4 != 0) return bad(text.size(), "the text ends inside a group of four characters");
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return text.substr(0, text.size() - padding);
}

}  // namespace

std::string base64_encode(std::string_view bytes, Base64 variant) {
  const std::string_view alphabet = is_url(variant) ? kUrlAlphabet : kStandardAlphabet;
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int pending = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<std::uint8_t>(c);
    for (pending += 8; pending >= 6; pending -= 6) text += alphabet[(bits >> (pending - 6)) & 63];
  }
  if (pending > 0) text += alphabet[(bits << (6 - pending)) & 63];
  if (is_padded(variant)) text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

Result<std::string> base64_decode(std::string_view text, Base64 variant) {
  const Inverse& inverse = is_url(variant) ? kUrlInverse : kStandardInverse;
  std::string bytes;
  std::string_view digits = text;
  if (is_padded(variant)) {
    // A wrong character further ahead is reported first: it is the likelier cause of a wrong length.
    digits = strip_padding(text).value_or(text);
  }
  bytes.reserve(digits.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int pending = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::uint8_t digit = inverse[static_cast<std::uint8_t>(digits[i])];
    if (digit == kNotInAlphabet) {
      return bad(i, digits[i] == '=' ? "padding does not belong here" : "not a character of this alphabet");
    }
    bits = (bits << 6) | digit;
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      bytes += static_cast<char>((bits >> pending) & 0xff);
    }
  }
  if (is_padded(variant)) TRY(strip_padding(text));
  if (digits.size() % 4 == 1) return bad(digits.size(), "the text ends inside a byte");
  if ((bits & ((1U << pending) - 1)) != 0) return bad(digits.size() - 1, "unused bits are not zero");
  return bytes;
}

}  // namespace klutch::crypto
