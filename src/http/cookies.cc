// SPDX-License-Identifier: Apache-2.0
#include "http/cookies.h"

#include <algorithm>

#include "base/strings.h"
#include "base/time.h"

namespace klutch::http {
namespace {

constexpr std::size_t kMaxCookies = 64;
constexpr std::size_t kMaxCookieBytes = 4096;

/// cookie-octet of RFC 6265 §4.1.1.
bool is_cookie_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

/// What a client may send back: other people's cookies are laxer than ours, controls are not allowed
/// anywhere.
bool is_received_value(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

/// av-octets: no controls and no semicolon.
bool is_attribute_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

bool is_domain(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

std::optional<Cookie> parse_pair(std::string_view pair) {
  const auto parts = split_once(pair, "=");
  if (!parts) return std::nullopt;
  Cookie cookie{trim(parts->first), trim(parts->second)};
  if (cookie.value.size() >= 2 && cookie.value.front() == '"' && cookie.value.back() == '"') {
    cookie.value = cookie.value.substr(1, cookie.value.size() - 2);
  }
  if (!is_token(cookie.name) || !is_received_value(cookie.value)) return std::nullopt;
  return cookie;
}

Result<> check_prefix(const SetCookie& cookie) {
  const bool host = starts_with_ignore_case(cookie.name, "__Host-");
  if (!host && !starts_with_ignore_case(cookie.name, "__Secure-")) return {};
  if (!cookie.secure) return fail(Code::kInvalid, "cookie " + cookie.name + " must be Secure");
  if (host && !cookie.domain.empty())
    return fail(Code::kInvalid, "cookie " + cookie.name + " must have no Domain");
  if (host && cookie.path != "/") return fail(Code::kInvalid, "cookie " + cookie.name + " must have Path=/");
  return {};
}

Result<> check_cookie(const SetCookie& cookie) {
  if (!is_token(cookie.name))
    return fail(Code::kInvalid, "cookie name " + quote(cookie.name) + " is not a token");
  if (!is_cookie_value(cookie.value)) {
    return fail(Code::kInvalid,
                "the value of cookie " + cookie.name + " has characters that are not allowed");
  }
  if (cookie.name.size() + cookie.value.size() > kMaxCookieBytes) {
    return fail(Code::kInvalid, "cookie " + cookie.name + " is larger than 4096 bytes");
  }
  if (!cookie.path.starts_with('/') || !is_attribute_value(cookie.path)) {
    return fail(Code::kInvalid, "the Path of cookie " + cookie.name + " is malformed");
  }
  if (!is_domain(cookie.domain))
    return fail(Code::kInvalid, "the Domain of cookie " + cookie.name + " is malformed");
  if (cookie.same_site == SetCookie::SameSite::kNone && !cookie.secure) {
    return fail(Code::kInvalid, "cookie " + cookie.name + " with SameSite=None must be Secure");
  }
  return check_prefix(cookie);
}

std::string_view same_site_text(SetCookie::SameSite same_site) noexcept {
  switch (same_site) {
    case SetCookie::SameSite::kStrict: return "Strict";
    case SetCookie::SameSite::kLax: return "Lax";
    case SetCookie::SameSite::kNone: break;
  }
  return "None";
}

}  // namespace

std::vector<Cookie> parse_cookies(const Headers& headers) {
  std::vector<Cookie> cookies;
  for (const auto& field : headers) {
    if (!equal_ignore_case(field.name, "Cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      if (const auto cookie = parse_pair(rest.substr(0, end))) {
        if (cookies.size() == kMaxCookies) return cookies;
        cookies.push_back(*cookie);
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return cookies;
}

std::optional<std::string_view> find_cookie(const Headers& headers, std::string_view name) {
  for (const auto& cookie : parse_cookies(headers)) {
    if (cookie.name == name) return cookie.value;
  }
  return std::nullopt;
}

Result<std::string> format_set_cookie(const SetCookie& cookie) {
  TRY(check_cookie(cookie));
  std::string text = cookie.name + "=" + cookie.value + "; Path=" + cookie.path;
  if (!cookie.domain.empty()) text += "; Domain=" + cookie.domain;
  if (cookie.max_age) text += "; Max-Age=" + std::to_string(cookie.max_age->count());
  if (cookie.expires) text += "; Expires=" + format_http_date(*cookie.expires);
  if (cookie.http_only) text += "; HttpOnly";
  if (cookie.secure) text += "; Secure";
  text.append("; SameSite=").append(same_site_text(cookie.same_site));
  return text;
}

Result<> set_cookie(Response& response, const SetCookie& cookie) {
  response.headers.add("Set-Cookie", TRY(format_set_cookie(cookie)));
  return {};
}

Result<> clear_cookie(Response& response, SetCookie cookie) {
  cookie.value.clear();
  cookie.max_age = std::chrono::seconds(0);
  cookie.expires = Time{};
  return set_cookie(response, cookie);
}

}  // namespace klutch::http
