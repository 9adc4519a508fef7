// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/headers.h"
#include "http/message.h"

// Cookies (RFC 6265 and its revision 6265bis), the server's side. Pure functions, safe from any thread.

namespace klutch::http {

/// One cookie as a client sends it back. The views point into the header's text.
struct Cookie {
  std::string_view name;
  std::string_view value;
};

/// The cookies of all Cookie headers in the order sent, at most 64; pairs that are malformed are left out, as
/// is everything after the 64th. Double quotes around a value are removed. Valid until `headers` change.
std::vector<Cookie> parse_cookies(const Headers& headers);
/// The value of the first cookie of that name: browsers send the most specific path first.
std::optional<std::string_view> find_cookie(const Headers& headers, std::string_view name);

/// A cookie to set. The defaults are the safe ones.
struct SetCookie {
  std::string name = {};
  std::string value = {};
  std::string path = "/";
  std::string domain = {};                           ///< empty: only this host
  std::optional<std::chrono::seconds> max_age = {};  ///< neither this nor expires: until the browser closes
  std::optional<Time> expires = {};
  bool http_only = true;
  bool secure = true;
  enum class SameSite { kStrict, kLax, kNone } same_site = SameSite::kLax;
};

/// The value of a Set-Cookie header. kInvalid, naming the attribute, if name or value has characters that
/// RFC 6265 §4.1.1 forbids (encode them before), if a cookie is larger than the 4096 bytes browsers keep, if
/// SameSite=None comes without Secure, or if a __Host- or __Secure- name breaks its promise (6265bis §4.1.3).
Result<std::string> format_set_cookie(const SetCookie& cookie);
/// Adds the header to `response`; errors as above.
Result<> set_cookie(Response& response, const SetCookie& cookie);
/// Tells the browser to forget the cookie that was set with this name, path and domain.
Result<> clear_cookie(Response& response, SetCookie cookie);

}  // namespace klutch::http
