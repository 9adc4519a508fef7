// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/go_url.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "apiserver/schema/go_text.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// What a part of a URL may hold besides %XX.
enum class UrlPart { kPath, kHost, kZone, kUser };

bool is_host_character(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("-_.~!$&'()*+,;=:[]<>\"").find(c) != std::string_view::npos;
}

tl::unexpected<Error> bad_url(std::string text) {
  return fail(Code::kInvalid, std::move(text));
}

Result<> check_escape(std::string_view rest, UrlPart part) {
  const std::string_view shown = rest.substr(0, 3);
  const auto invalid = [&] { return bad_url("invalid URL escape " + go_quote(shown)); };
  if (shown.size() < 3 || hex_value(shown[1]) < 0 || hex_value(shown[2]) < 0) return invalid();
  const bool percent = shown == "%25";
  if (part == UrlPart::kHost && hex_value(shown[1]) < 8 && !percent) return invalid();
  const char byte = static_cast<char>(hex_value(shown[1]) * 16 + hex_value(shown[2]));
  if (part == UrlPart::kZone && !percent && byte != ' ' && !is_host_character(byte)) return invalid();
  return {};
}

Result<std::string> unescape(std::string_view text, UrlPart part) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    if (c == '%') {
      TRY(check_escape(text, part));
      out += static_cast<char>(hex_value(text[1]) * 16 + hex_value(text[2]));
      text.remove_prefix(3);
      continue;
    }
    if ((part == UrlPart::kHost || part == UrlPart::kZone) && static_cast<unsigned char>(c) < 0x80 &&
        !is_host_character(c)) {
      return bad_url("invalid character " + go_quote(text.substr(0, 1)) + " in host name");
    }
    out += c;
    text.remove_prefix(1);
  }
  return out;
}

bool is_optional_port(std::string_view text) {
  return text.empty() || (text.front() == ':' && std::all_of(text.begin() + 1, text.end(), is_digit));
}

tl::unexpected<Error> bad_port(std::string_view port) {
  return bad_url("invalid port " + go_quote(port) + " after host");
}

Result<std::string> read_ip_literal(std::string_view host) {
  const std::size_t close = host.rfind(']');
  if (close == std::string_view::npos) return bad_url("missing ']' in host");
  const std::string_view port = host.substr(close + 1);
  if (!is_optional_port(port)) return bad_port(port);
  const std::string_view inner = host.substr(1, close - 1);
  const std::size_t zone = std::min(inner.find("%25"), inner.size());
  const std::string address = TRY(unescape(inner.substr(0, zone), UrlPart::kHost));
  const std::string zone_text = TRY(unescape(inner.substr(zone), UrlPart::kZone));
  const IpFamily family = go_parse_ip(address, IpSyntax::kStrict);
  if (family == IpFamily::kV4 && zone_text.empty()) return bad_url("invalid IP-literal");
  if (family != IpFamily::kV6 || zone_text.size() == 1) {
    return bad_url("invalid host: ParseAddr(" + go_quote(address + zone_text) + "): unable to parse IP");
  }
  return "[" + address + zone_text + "]" + std::string(port);
}

Result<std::string> read_host(std::string_view host) {
  const std::size_t bracket = host.rfind('[');
  if (bracket == 0) return read_ip_literal(host);
  if (bracket != std::string_view::npos) return bad_url("invalid IP-literal");
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && !is_optional_port(host.substr(colon))) {
    return bad_port(host.substr(colon));
  }
  return unescape(host, UrlPart::kHost);
}

bool is_user_character(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("-._:~!$&'()*+,;=%@").find(c) != std::string_view::npos;
}

Result<> read_authority(GoUrl& url, std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  url.host = TRY(read_host(host));
  if (at == std::string_view::npos) return {};
  url.user = authority.substr(0, at);
  if (!std::all_of(url.user.begin(), url.user.end(), is_user_character)) {
    return bad_url("net/url: invalid userinfo");
  }
  TRY(unescape(url.user, UrlPart::kUser));
  return {};
}

/// Cuts "scheme:" off; nothing is cut if there is none.
Result<std::string> cut_scheme(std::string_view& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_letter(c)) continue;
    if (c == ':') {
      if (i == 0) return bad_url("missing protocol scheme");
      std::string scheme = to_lower(text.substr(0, i));
      text.remove_prefix(i + 1);
      return scheme;
    }
    if (i == 0 || !(is_digit(c) || c == '+' || c == '-' || c == '.')) break;
  }
  return "";
}

Result<GoUrl> read_url(std::string_view text, bool via_request) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return bad_url("net/url: invalid control character in URL");
  }
  if (text.empty() && via_request) return bad_url("empty url");
  GoUrl url;
  if (text == "*") {
    url.path = "*";
    return url;
  }
  url.scheme = TRY(cut_scheme(text));
  const std::size_t question = text.find('?');
  url.has_query = question != std::string_view::npos;
  if (url.has_query) url.raw_query = text.substr(question + 1);
  text = text.substr(0, question);
  if (!text.starts_with('/')) {
    if (!url.scheme.empty()) {
      url.opaque = text;
      return url;
    }
    if (via_request) return bad_url("invalid URI for request");
    if (text.substr(0, text.find('/')).find(':') != std::string_view::npos) {
      return bad_url("first path segment in URL cannot contain colon");
    }
  }
  if ((!url.scheme.empty() || (!via_request && !text.starts_with("///"))) && text.starts_with("//")) {
    text.remove_prefix(2);
    const std::size_t slash = std::min(text.find('/'), text.size());
    TRY(read_authority(url, text.substr(0, slash)));
    text.remove_prefix(slash);
  }
  TRY(unescape(text, UrlPart::kPath));
  url.path = text;
  return url;
}

auto naming(std::string_view url) {
  return context("parse " + go_quote(url));
}

/// A number in decimal at the start of `text`, which it is cut off; at most 0xFFFFFE, as in Go.
std::optional<unsigned> cut_decimal(std::string_view& text) {
  unsigned value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && is_digit(text[digits]); ++digits) {
    value = value * 10 + static_cast<unsigned>(text[digits] - '0');
    if (value >= 0xFFFFFF) return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool is_ipv4(std::string_view text, IpSyntax syntax) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return false;
      text.remove_prefix(1);
    }
    const bool leading_zero = text.size() > 1 && text[0] == '0' && is_digit(text[1]);
    const auto field = cut_decimal(text);
    if (!field || *field > 255 || (leading_zero && syntax == IpSyntax::kStrict)) return false;
  }
  return text.empty();
}

/// The hexadecimal digits at the start of `text` if they are a field of an IPv6 address; else 0.
std::size_t field_digits(std::string_view text, IpSyntax syntax) {
  std::size_t digits = 0;
  std::uint32_t value = 0;
  for (; digits < text.size() && hex_value(text[digits]) >= 0; ++digits) {
    value = value * 16 + static_cast<std::uint32_t>(hex_value(text[digits]));
    if (value > 0xFFFF || (syntax == IpSyntax::kStrict && digits > 3)) return 0;
  }
  return digits;
}

bool is_ipv6(std::string_view text, IpSyntax syntax) {
  bool ellipsis = text.starts_with("::");
  if (ellipsis) text.remove_prefix(2);
  int bytes = 0;
  while (bytes < 16 && !text.empty()) {
    const std::size_t digits = field_digits(text, syntax);
    if (digits == 0) return false;
    if (digits < text.size() && text[digits] == '.') {
      if ((!ellipsis && bytes != 12) || bytes > 12 || !is_ipv4(text, syntax)) return false;
      bytes += 4;
      text = {};
      break;
    }
    bytes += 2;
    text.remove_prefix(digits);
    if (text.empty()) break;
    if (text.size() == 1 || text[0] != ':') return false;
    text.remove_prefix(1);
    if (text[0] != ':') continue;
    if (ellipsis) return false;
    ellipsis = true;
    text.remove_prefix(1);
  }
  return text.empty() && (bytes < 16) == ellipsis;
}

bool is_plain_in_path(char c) {
  return is_letter(c) || is_digit(c) || std::string_view("-_.~$&+,/:;=@").find(c) != std::string_view::npos;
}

}  // namespace

std::string go_escaped_path(const GoUrl& url) {
  const auto may_stand = [](char c) {
    return is_plain_in_path(c) || std::string_view("!'()*[]%").find(c) != std::string_view::npos;
  };
  if (std::all_of(url.path.begin(), url.path.end(), may_stand)) return url.path;
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : unescape(url.path, UrlPart::kPath).value_or(std::string())) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain_in_path(c)) {
      escaped += c;
    } else {
      escaped.append(1, '%').append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
  return escaped;
}

Result<std::string> go_unescape_query(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return unescape(spaced, UrlPart::kUser);
}

Result<GoUrl> go_parse_url(std::string_view url) {
  const std::size_t hash = std::min(url.find('#'), url.size());
  auto parsed = TRY(read_url(url.substr(0, hash), false).map_error(naming(url.substr(0, hash))));
  if (hash + 1 >= url.size()) return parsed;
  parsed.fragment = TRY(unescape(url.substr(hash + 1), UrlPart::kPath).map_error(naming(url)));
  return parsed;
}

Result<GoUrl> go_parse_request_uri(std::string_view url) {
  return read_url(url, true).map_error(naming(url));
}

IpFamily go_parse_ip(std::string_view text, IpSyntax syntax) {
  const std::size_t mark = text.find_first_of(".:");
  if (mark == std::string_view::npos) return IpFamily::kNone;
  if (text[mark] == '.') return is_ipv4(text, syntax) ? IpFamily::kV4 : IpFamily::kNone;
  return is_ipv6(text, syntax) ? IpFamily::kV6 : IpFamily::kNone;
}

bool is_sloppy_cidr(std::string_view text) {
  const auto parts = split_once(text, "/");
  if (!parts) return false;
  auto [address, mask] = *parts;
  const bool v4 = is_ipv4(address, IpSyntax::kSloppy);
  if (!v4 && !is_ipv6(address, IpSyntax::kSloppy)) return false;
  const auto bits = cut_decimal(mask);
  return bits && mask.empty() && *bits <= (v4 ? 32U : 128U);
}

}  // namespace klutch::apiserver
