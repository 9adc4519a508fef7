// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace klutch {
namespace {

constexpr std::string_view kSuffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::size_t kUuidLength = 36;

bool is_dash_position(std::size_t index) {
  return index == 8 || index == 13 || index == 18 || index == 23;
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

void fill_random(std::span<std::byte> bytes) noexcept {
  constexpr std::size_t kMostPerCall =
      256;  // getentropy's limit; up to it a call is never cut short by a signal
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(bytes.size(), kMostPerCall));
    CHECK(getentropy(now.data(), now.size()) == 0);
    bytes = bytes.subspan(now.size());
  }
}

std::string new_uuid() {
  std::array<std::byte, 16> raw{};
  fill_random(raw);
  raw[6] = (raw[6] & std::byte{0x0F}) | std::byte{0x40};  // version 4
  raw[8] = (raw[8] & std::byte{0x3F}) | std::byte{0x80};  // variant of RFC 9562
  std::string out;
  out.reserve(kUuidLength);
  for (const std::byte byte : raw) {
    if (is_dash_position(out.size())) out += '-';
    out += kHex[std::to_integer<std::size_t>(byte) >> 4U];
    out += kHex[std::to_integer<std::size_t>(byte) & 0xFU];
  }
  return out;
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != kUuidLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_position(i) ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

std::string random_suffix(std::size_t length) {
  constexpr std::size_t kFair = 256 / kSuffixAlphabet.size() * kSuffixAlphabet.size();
  std::string out;
  out.reserve(length);
  std::array<std::byte, 16> raw{};
  while (out.size() < length) {
    fill_random(raw);
    for (const std::byte byte : raw) {
      const auto value = std::to_integer<std::size_t>(byte);
      // Bytes beyond the last whole multiple would favour the first letters.
      if (value < kFair && out.size() < length) out += kSuffixAlphabet[value % kSuffixAlphabet.size()];
    }
  }
  return out;
}

}  // namespace klutch
