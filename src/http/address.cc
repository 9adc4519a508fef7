// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "base/strings.h"
#include "http/transport.h"

namespace klutch::http {
namespace {

constexpr std::size_t kLongestUnixPath = 107;  // sun_path without its terminating zero

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || port > 65535) {
    return fail(Code::kInvalid, "port " + quote(text) + " is not a number from 0 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    const auto path = text.substr(5);
    if (path.empty() || path.size() > kLongestUnixPath) {
      return fail(Code::kInvalid, "a Unix socket path has 1 to 107 bytes: " + quote(text));
    }
    return Address{.host = {}, .port = 0, .unix_path = std::string(path)};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(Code::kInvalid, "address " + quote(text) + " has no port; write HOST:PORT or unix:PATH");
  }
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(Code::kInvalid, "address " + quote(text) + ": write an IPv6 host in brackets, as [::1]:443");
  }
  if (host.empty())
    return fail(Code::kInvalid, "address " + quote(text) + " has no host; 0.0.0.0 means every interface");
  const auto port = TRY(parse_port(text.substr(colon + 1)));
  return Address{.host = std::string(host), .port = port, .unix_path = {}};
}

std::string Address::to_string() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace klutch::http
