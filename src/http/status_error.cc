// SPDX-License-Identifier: Apache-2.0
#include "http/status_error.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/strings.h"
#include "base/time.h"

namespace klutch::http {
namespace {

constexpr std::size_t kShownBytes = 200;
constexpr std::chrono::milliseconds kLongestDelay = std::chrono::hours(24);

std::string first_line_of_text(const Response& response) {
  const auto type = response.headers.get("Content-Type").value_or("");
  if (!starts_with_ignore_case(type, "text/plain") || response.stream) return {};
  const auto body = trim(response.body.view());
  return std::string(trim(body.substr(0, body.find('\n'))));
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, Time now) {
  using std::chrono::milliseconds;
  text = trim(text);
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t seconds = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (result.ec != std::errc{} || seconds > kLongestDelay / std::chrono::seconds(1)) return kLongestDelay;
    return std::chrono::seconds(seconds);
  }
  const auto date = parse_http_date(text, now);
  if (!date) return std::nullopt;
  const auto delay = std::chrono::ceil<milliseconds>(*date - now);
  return std::clamp(delay, milliseconds::zero(), kLongestDelay);
}

Error error_from_response(const Response& response, Time now) {
  std::string message = std::to_string(response.status) + " " + std::string(reason_phrase(response.status));
  const auto line = first_line_of_text(response);
  if (!line.empty()) message += ": " + quote(line, kShownBytes);
  Error error(code_from_http_status(response.status), std::move(message));
  const auto retry_after = response.headers.get("Retry-After");
  if (!retry_after) return error;
  const auto delay = parse_retry_after(*retry_after, now);
  return delay ? error.with_retry_after(*delay) : error;
}

}  // namespace klutch::http
