// SPDX-License-Identifier: Apache-2.0
#include "http/proxy.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cstdlib>
#include <variant>
#include <vector>

#include "base/strings.h"
#include "crypto/base64.h"

namespace klutch::http {
namespace {

/// 16 bytes; IPv4 in its mapped form, so that both spellings of an address are equal.
using AddressBytes = std::array<unsigned char, 16>;

std::optional<AddressBytes> parse_address(std::string_view text) {
  boost::system::error_code ec;
  const auto parsed = boost::asio::ip::make_address(std::string(text), ec);
  if (ec || text.find('%') != std::string_view::npos) return std::nullopt;
  if (parsed.is_v6()) return parsed.to_v6().to_bytes();
  AddressBytes mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const auto bytes = parsed.to_v4().to_bytes();
  std::copy(bytes.begin(), bytes.end(), mapped.begin() + 12);
  return mapped;
}

bool is_mapped_ipv4(const AddressBytes& bytes) {
  return bytes[10] == 0xff && bytes[11] == 0xff &&
         std::all_of(bytes.begin(), bytes.begin() + 10, [](unsigned char byte) { return byte == 0; });
}

bool is_loopback(const AddressBytes& bytes) {
  if (is_mapped_ipv4(bytes)) return bytes[12] == 127;
  return bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.end() - 1, [](unsigned char byte) { return byte == 0; });
}

struct NoProxyBlock {
  AddressBytes base;
  unsigned prefix_bits;  // of the 16 bytes
  std::string port;      // empty: any

  [[nodiscard]] bool contains(const AddressBytes& bytes) const {
    // An IPv6 block such as ::/0 does not cover IPv4.
    if (is_mapped_ipv4(bytes) != is_mapped_ipv4(base)) return false;
    for (unsigned bit = 0; bit < prefix_bits; bit += 8) {
      const unsigned left = prefix_bits - bit;
      const auto mask = static_cast<unsigned char>(left >= 8 ? 0xff : 0xff << (8 - left));
      if ((base[bit / 8] & mask) != (bytes[bit / 8] & mask)) return false;
    }
    return true;
  }
};

struct NoProxyDomain {
  std::string suffix;  // begins with '.'
  std::string port;    // empty: any
  bool itself;         // also the name without its leading dot

  [[nodiscard]] bool contains(std::string_view host) const {
    return host.ends_with(suffix) || (itself && host == std::string_view(suffix).substr(1));
  }
};

std::optional<NoProxyBlock> parse_block(std::string_view text) {
  const auto parts = split_once(text, "/");
  if (!parts) return std::nullopt;
  const auto base = parse_address(parts->first);
  unsigned bits = 0;
  const auto* end = parts->second.data() + parts->second.size();
  const auto [stop, ec] = std::from_chars(parts->second.data(), end, bits);
  if (!base || ec != std::errc{} || stop != end) return std::nullopt;
  const bool ipv4 = parts->first.find(':') == std::string_view::npos;
  if (bits > (ipv4 ? 32U : 128U)) return std::nullopt;
  return NoProxyBlock{*base, ipv4 ? bits + 96 : bits, ""};
}

/// "host:port", "[host]:port" or "host"; an address with more than one colon and no brackets is all host.
std::pair<std::string_view, std::string_view> split_port(std::string_view entry) {
  const auto colon = entry.rfind(':');
  if (entry.starts_with('[')) {
    const auto close = entry.find(']');
    if (close != std::string_view::npos && close + 1 == colon) {
      return {entry.substr(1, close - 1), entry.substr(colon + 1)};
    }
    return {entry, {}};
  }
  if (colon == std::string_view::npos || entry.find(':') != colon) return {entry, {}};
  return {entry.substr(0, colon), entry.substr(colon + 1)};
}

class NoProxyList {
 public:
  explicit NoProxyList(std::string_view no_proxy) {
    for (const auto raw : split(no_proxy, ',')) add(to_lower(trim(raw)));
  }

  [[nodiscard]] bool cover(const Url& url) const {
    const auto& host = url.host();
    if (host == "localhost") return true;
    const auto port = std::to_string(url.port());
    const auto port_fits = [&](const std::string& wanted) { return wanted.empty() || wanted == port; };
    if (const auto bytes = parse_address(host)) {
      if (is_loopback(*bytes)) return true;
      if (std::any_of(blocks_.begin(), blocks_.end(), [&](const NoProxyBlock& block) {
            return block.contains(*bytes) && port_fits(block.port);
          })) {
        return true;
      }
    }
    return everything_ || std::any_of(domains_.begin(), domains_.end(), [&](const NoProxyDomain& domain) {
             return domain.contains(host) && port_fits(domain.port);
           });
  }

 private:
  void add(const std::string& entry) {
    if (entry.empty()) return;
    if (entry == "*") {
      everything_ = true;
      return;
    }
    if (auto block = parse_block(entry)) {
      blocks_.push_back(*std::move(block));
      return;
    }
    auto [host, port] = split_port(entry);
    if (const auto bytes = parse_address(host)) {
      blocks_.push_back({*bytes, 128, std::string(port)});
      return;
    }
    if (host.starts_with("*.")) host.remove_prefix(1);
    if (host.empty()) return;
    const bool itself = host.front() != '.';
    domains_.push_back({(itself ? "." : "") + std::string(host), std::string(port), itself});
  }

  bool everything_ = false;
  std::vector<NoProxyBlock> blocks_;
  std::vector<NoProxyDomain> domains_;
};

Secret basic_authorization(const UserInfo& user_info) {
  std::string pair = user_info.user + ":";
  pair += user_info.password.reveal();
  std::string encoded = crypto::base64_encode(pair);
  std::string value = "Basic " + encoded;
  wipe_string(pair);
  wipe_string(encoded);
  return Secret::take(value);
}

Result<ProxyServer> parse_proxy(std::string_view text) {
  if (starts_with_ignore_case(text, "socks")) {
    return fail(Code::kUnsupported, "SOCKS proxies are not supported, only http:// and https:// ones");
  }
  std::string with_scheme;
  if (text.find("://") == std::string_view::npos) {
    with_scheme = "http://" + std::string(text);
    text = with_scheme;
  }
  auto parsed = Url::parse_with_user_info(text);
  wipe_string(with_scheme);
  auto whole = TRY(std::move(parsed));
  auto url = TRY(whole.url.with_path(""));
  return ProxyServer{std::move(url), whole.user_info ? basic_authorization(*whole.user_info) : Secret()};
}

Result<std::optional<ProxyServer>> parse_setting(std::string_view name, std::string_view text) {
  if (text.empty()) return std::nullopt;
  return TRY(parse_proxy(text).map_error(context("cannot use the proxy in " + std::string(name))));
}

/// Either spelling of a variable, the upper-case one first as in Go.
std::string_view environment(const char* upper, const char* lower) {
  for (const char* name : {upper, lower}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace

struct ProxyRules::State {
  std::optional<ProxyServer> for_http;
  std::optional<ProxyServer> for_https;
  std::optional<NoProxyList> exceptions;  // none: not even loopback
};

Result<ProxyRules> ProxyRules::create(const Settings& settings) {
  auto state = std::make_shared<State>();
  state->for_http = TRY(parse_setting("HTTP_PROXY", settings.http_proxy));
  state->for_https = TRY(parse_setting("HTTPS_PROXY", settings.https_proxy));
  state->exceptions.emplace(settings.no_proxy);
  ProxyRules rules;
  rules.state_ = std::move(state);
  return rules;
}

Result<ProxyRules> ProxyRules::from_environment() {
  Settings settings;
  if (std::getenv("REQUEST_METHOD") == nullptr) settings.http_proxy = environment("HTTP_PROXY", "http_proxy");
  settings.https_proxy = environment("HTTPS_PROXY", "https_proxy");
  settings.no_proxy = environment("NO_PROXY", "no_proxy");
  return create(settings);
}

Result<ProxyRules> ProxyRules::fixed(std::string_view proxy_url) {
  auto server = TRY(parse_proxy(proxy_url).map_error(context("cannot use the proxy-url")));
  auto state = std::make_shared<State>();
  state->for_http = server;
  state->for_https = std::move(server);
  ProxyRules rules;
  rules.state_ = std::move(state);
  return rules;
}

const ProxyServer* ProxyRules::proxy_for(const Url& url) const {
  if (!state_) return nullptr;
  if (state_->exceptions && state_->exceptions->cover(url)) return nullptr;
  const auto& proxy = url.is_https() ? state_->for_https : state_->for_http;
  return proxy ? &*proxy : nullptr;
}

}  // namespace klutch::http
