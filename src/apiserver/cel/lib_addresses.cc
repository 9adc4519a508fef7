// SPDX-License-Identifier: Apache-2.0
// Kubernetes' functions for IP addresses and networks.
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/ip_address.h"
#include "apiserver/schema/go_text.h"

namespace klutch::apiserver::cel {
namespace {

Value no_native(std::string_view go_type, const std::string& text) {
  return Value::error("unsupported conversion to ref.Val: (" + std::string(go_type) + ")" + text);
}

class IpObject : public detail::OpaqueObject {
 public:
  explicit IpObject(const IpAddress& ip) : address(ip) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "net.IP"; }
  [[nodiscard]] bool equals(const OpaqueObject& other) const override {
    return address == static_cast<const IpObject&>(other).address;
  }
  [[nodiscard]] std::string debug() const override { return "ip(" + address.text() + ')'; }
  [[nodiscard]] std::optional<std::uint64_t> cost_size() const noexcept override {
    return static_cast<std::uint64_t>(address.bits()) / 8;
  }
  [[nodiscard]] Value native() const override { return no_native("netip.Addr", address.text()); }

  const IpAddress address;
};

class CidrObject : public detail::OpaqueObject {
 public:
  explicit CidrObject(const IpPrefix& network) : prefix(network) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "net.CIDR"; }
  [[nodiscard]] bool equals(const OpaqueObject& other) const override {
    return prefix == static_cast<const CidrObject&>(other).prefix;
  }
  [[nodiscard]] std::string debug() const override { return "cidr(" + prefix.text() + ')'; }
  [[nodiscard]] std::optional<std::uint64_t> cost_size() const noexcept override {
    return (static_cast<std::uint64_t>(prefix.length) + 7) / 8;
  }
  [[nodiscard]] Value native() const override { return no_native("netip.Prefix", prefix.text()); }

  const IpPrefix prefix;
};

Value make_ip(const IpAddress& address) {
  return Value::adopt(Kind::kOpaque, new IpObject(address));
}

Value make_cidr(const IpPrefix& prefix) {
  return Value::adopt(Kind::kOpaque, new CidrObject(prefix));
}

const IpAddress& ip_of(const Value& value) {
  return detail::find_opaque<IpObject>(value)->address;
}

const IpPrefix& cidr_of(const Value& value) {
  return detail::find_opaque<CidrObject>(value)->prefix;
}

std::string mapped_refused(std::string_view text) {
  return "IPv4-mapped IPv6 address " + go_quote(text) + " is not allowed";
}

Result<IpAddress> read_ip(std::string_view text) {
  auto address = parse_ip_address(text);
  if (!address) {
    return fail(Code::kInvalid,
                "IP Address " + go_quote(text) +
                    " parse error during conversion from string: " + address.error().message());
  }
  if (address->has_zone) {
    return fail(Code::kInvalid, "IP address " + go_quote(text) + " with zone value is not allowed");
  }
  if (address->is_v4_in_v6()) return fail(Code::kInvalid, mapped_refused(text));
  return address;
}

Result<IpPrefix> read_cidr(std::string_view text) {
  auto prefix = parse_ip_prefix(text);
  if (!prefix) {
    return fail(Code::kInvalid,
                "network address parse error during conversion from string: " + prefix.error().message());
  }
  if (prefix->address.is_v4_in_v6()) return fail(Code::kInvalid, mapped_refused(text));
  return prefix;
}

Value string_to_ip(Arguments a) {
  const auto address = read_ip(a[0].as_text());
  return address ? make_ip(*address) : Value::error(address.error().message());
}

Value ip_to_string(Arguments a) {
  return Value::string(ip_of(a[0]).text());
}

Value ip_is_canonical(Arguments a) {
  const auto address = read_ip(a[0].as_text());
  if (!address) return Value::error(address.error().message());
  return Value::boolean(address->text() == a[0].as_text());
}

Value is_ip(Arguments a) {
  return Value::boolean(read_ip(a[0].as_text()).has_value());
}

Value ip_family(Arguments a) {
  return Value::integer(ip_of(a[0]).is_v4 ? 4 : 6);
}

/// All bytes but the last are 0, and the last is `last`.
bool is_small(const IpAddress& address, std::uint8_t last) {
  const std::size_t size = address.is_v4 ? 4 : 16;
  const auto end = address.bytes.begin() + static_cast<std::ptrdiff_t>(size - 1);
  return *end == last && std::all_of(address.bytes.begin(), end, [](std::uint8_t byte) { return byte == 0; });
}

bool is_unspecified(const IpAddress& address) {
  return is_small(address, 0);
}

bool is_loopback(const IpAddress& address) {
  return address.is_v4 ? address.bytes[0] == 127 : is_small(address, 1);
}

bool is_link_local_multicast(const IpAddress& address) {
  const auto& bytes = address.bytes;
  if (address.is_v4) return bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0;
  return bytes[0] == 0xFF && (bytes[1] & 0x0F) == 0x02;
}

bool is_link_local_unicast(const IpAddress& address) {
  const auto& bytes = address.bytes;
  if (address.is_v4) return bytes[0] == 169 && bytes[1] == 254;
  return bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
}

bool is_global_unicast(const IpAddress& address) {
  const auto& bytes = address.bytes;
  const bool is_multicast = address.is_v4 ? (bytes[0] & 0xF0) == 0xE0 : bytes[0] == 0xFF;
  const bool is_broadcast = address.is_v4 && std::all_of(bytes.begin(), bytes.begin() + 4,
                                                         [](std::uint8_t byte) { return byte == 255; });
  return !is_unspecified(address) && !is_broadcast && !is_loopback(address) && !is_multicast &&
         !is_link_local_unicast(address);
}

template <bool (*kTest)(const IpAddress&)>
Value ip_test(Arguments a) {
  return Value::boolean(kTest(ip_of(a[0])));
}

Value string_to_cidr(Arguments a) {
  const auto prefix = read_cidr(a[0].as_text());
  if (prefix) return make_cidr(*prefix);
  return Value::error("network address parse error during conversion from string: " +
                      prefix.error().message());
}

Value cidr_to_string(Arguments a) {
  return Value::string(cidr_of(a[0]).text());
}

Value cidr_contains_ip(Arguments a) {
  return Value::boolean(cidr_of(a[0]).contains(ip_of(a[1])));
}

/// What is no address is no overload either.
Value cidr_contains_ip_string(Arguments a) {
  const auto address = read_ip(a[1].as_text());
  return address ? Value::boolean(cidr_of(a[0]).contains(*address)) : Value::no_such_overload();
}

Value cidr_contains_cidr(Arguments a) {
  return Value::boolean(cidr_of(a[0]).contains(cidr_of(a[1])));
}

Value cidr_contains_cidr_string(Arguments a) {
  const Value other = string_to_cidr(a.subspan(1));
  return other.is_error() ? other : Value::boolean(cidr_of(a[0]).contains(cidr_of(other)));
}

Value cidr_ip(Arguments a) {
  return make_ip(cidr_of(a[0]).address);
}

Value cidr_masked(Arguments a) {
  return make_cidr(cidr_of(a[0]).masked());
}

Value cidr_prefix_length(Arguments a) {
  return Value::integer(cidr_of(a[0]).length);
}

Value is_cidr(Arguments a) {
  return Value::boolean(read_cidr(a[0].as_text()).has_value());
}

constexpr std::array kIpFunctions = {
    OverloadSpec{"ip", "string_to_ip", "(string) -> net.IP", string_to_ip},
    OverloadSpec{"family", "ip_family", ".(net.IP) -> int", ip_family},
    OverloadSpec{"ip.isCanonical", "ip_is_canonical", "(string) -> bool", ip_is_canonical},
    OverloadSpec{"isUnspecified", "ip_is_unspecified", ".(net.IP) -> bool", ip_test<is_unspecified>},
    OverloadSpec{"isLoopback", "ip_is_loopback", ".(net.IP) -> bool", ip_test<is_loopback>},
    OverloadSpec{"isLinkLocalMulticast", "ip_is_link_local_multicast", ".(net.IP) -> bool",
                 ip_test<is_link_local_multicast>},
    OverloadSpec{"isLinkLocalUnicast", "ip_is_link_local_unicast", ".(net.IP) -> bool",
                 ip_test<is_link_local_unicast>},
    OverloadSpec{"isGlobalUnicast", "ip_is_global_unicast", ".(net.IP) -> bool", ip_test<is_global_unicast>},
    OverloadSpec{"isIP", "is_ip", "(string) -> bool", is_ip},
    OverloadSpec{"string", "ip_to_string", "(net.IP) -> string", ip_to_string},
};

constexpr std::array kCidrFunctions = {
    OverloadSpec{"cidr", "string_to_cidr", "(string) -> net.CIDR", string_to_cidr},
    OverloadSpec{"containsIP", "cidr_contains_ip_string", ".(net.CIDR, string) -> bool",
                 cidr_contains_ip_string},
    OverloadSpec{"containsIP", "cidr_contains_ip_ip", ".(net.CIDR, net.IP) -> bool", cidr_contains_ip},
    OverloadSpec{"containsCIDR", "cidr_contains_cidr_string", ".(net.CIDR, string) -> bool",
                 cidr_contains_cidr_string},
    OverloadSpec{"containsCIDR", "cidr_contains_cidr", ".(net.CIDR, net.CIDR) -> bool", cidr_contains_cidr},
    OverloadSpec{"ip", "cidr_ip", ".(net.CIDR) -> net.IP", cidr_ip},
    OverloadSpec{"prefixLength", "cidr_prefix_length", ".(net.CIDR) -> int", cidr_prefix_length},
    OverloadSpec{"masked", "cidr_masked", ".(net.CIDR) -> net.CIDR", cidr_masked},
    OverloadSpec{"isCIDR", "is_cidr", "(string) -> bool", is_cidr},
    OverloadSpec{"string", "cidr_to_string", "(net.CIDR) -> string", cidr_to_string},
};

}  // namespace

std::span<const OverloadSpec> ip_overloads() {
  return kIpFunctions;
}

std::span<const OverloadSpec> cidr_overloads() {
  return kCidrFunctions;
}

}  // namespace klutch::apiserver::cel
