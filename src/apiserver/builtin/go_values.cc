// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/go_values.h"

#include <algorithm>

#include "apiserver/builtin/quantity.h"
#include "apiserver/schema/go_text.h"
#include "apiserver/schema/go_time.h"
#include "base/duration.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kMicroLayout = "2006-01-02T15:04:05.000000Z07:00";
constexpr std::string_view kSecondLayout = "2006-01-02T15:04:05Z07:00";

Error as_bad_request(const Error& error) {
  return error.with_code(Code::kBadRequest);
}

bool is_base64(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

bool is_line_break(char c) noexcept {
  return c == '\n' || c == '\r';
}

tl::unexpected<Error> corrupt_at(std::size_t offset) {
  return fail(Code::kBadRequest, "illegal base64 data at input byte " + std::to_string(offset));
}

}  // namespace

Result<std::string> go_canonical_base64(std::string_view text) {
  std::string digits;
  std::size_t at = 0;
  std::size_t in_quantum = 0;
  const auto skip_breaks = [&] {
    while (at < text.size() && is_line_break(text[at])) ++at;
  };
  for (skip_breaks(); at < text.size(); skip_breaks()) {
    const char c = text[at++];
    if (is_base64(c)) {
      digits += c;
      in_quantum = (in_quantum + 1) % 4;
      continue;
    }
    if (c != '=' || in_quantum < 2) return corrupt_at(at - 1);
    if (in_quantum == 2) {
      skip_breaks();
      if (at == text.size()) return corrupt_at(text.size());
      if (text[at] != '=') return corrupt_at(at - 1);
      ++at;
    }
    skip_breaks();
    if (at < text.size()) return corrupt_at(at);
    in_quantum = 0;
  }
  // Go names the place where the last group begins.
  if (in_quantum != 0) return corrupt_at(at - in_quantum);
  // Stray bits of the last character do not count.
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (digits.size() % 4 != 0) {
    const std::size_t keep = digits.size() % 4 == 2 ? 0x30 : 0x3c;
    digits.back() = kDigits[kDigits.find(digits.back()) & keep];
    digits.append(4 - digits.size() % 4, '=');
  }
  return digits;
}

Result<std::string> go_canonical_seconds(std::string_view text) {
  return go_canonical_time(text).map_error(as_bad_request);
}

Result<std::string> go_canonical_micros(std::string_view text) {
  const auto dot = text.find('.');
  const auto fraction = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1, 6);
  const auto wrong = [&](std::string_view rest, std::string_view element) {
    return fail(Code::kBadRequest, "parsing time " + go_quote(text) + " as " + go_quote(kMicroLayout) +
                                       ": cannot parse " + go_quote(rest) + " as " + go_quote(element));
  };
  std::string plain(text);
  const bool has_fraction =
      fraction.size() == 6 && std::ranges::all_of(fraction, [](char c) { return c >= '0' && c <= '9'; });
  if (has_fraction) plain.erase(dot, 7);
  auto seconds = go_canonical_time(plain);
  if (!seconds) {
    std::string message(seconds.error().message());
    const auto replace = [&](const std::string& from, const std::string& to) {
      if (const auto found = message.find(from); found != std::string::npos) {
        message.replace(found, from.size(), to);
      }
    };
    replace(go_quote(plain), go_quote(text));
    replace(go_quote(kSecondLayout), go_quote(kMicroLayout));
    return fail(Code::kBadRequest, message);
  }
  constexpr std::size_t kSecondsEnd = 19;
  if (!has_fraction) return wrong(text.substr(std::min(kSecondsEnd, text.size())), ".000000");
  if (seconds->empty()) {
    if (fraction == "000000") return std::string();
    *seconds = "0001-01-01T00:00:00Z";
  }
  return seconds->substr(0, kSecondsEnd) + "." + std::string(fraction) + "Z";
}

Result<std::string> go_canonical_duration(std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) return fail(Code::kBadRequest, "time: invalid duration " + go_quote(text));
  return format_duration(*duration);
}

Result<std::string> go_canonical_quantity(const json::Value& value) {
  const std::string text = value.is_string() ? std::string(trim(value.as_string())) : json::print(value);
  const auto quantity = Quantity::parse(text);
  if (!quantity) return fail(as_bad_request(quantity.error()));
  return quantity->to_string();
}

}  // namespace klutch::apiserver
