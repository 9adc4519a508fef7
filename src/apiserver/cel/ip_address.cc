// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/ip_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "apiserver/cel/go_text.h"
#include "apiserver/schema/go_text.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::size_t kBytes = 16;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// What is wrong with an address, and where.
struct AddressProblem {
  std::string_view message = {};
  std::string_view at = {};
};

using Problem = std::optional<AddressProblem>;

/// Dotted decimals at the end of an address.
Problem read_v4(std::string_view text, std::uint8_t* fields) {
  int value = 0;
  int digits = 0;
  std::size_t field = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      if (digits == 1 && value == 0) return AddressProblem{"IPv4 field has octet with leading zero"};
      value = value * 10 + (c - '0');
      ++digits;
      if (value > 255) return AddressProblem{"IPv4 field has value >255"};
    } else if (c == '.') {
      if (i == 0 || i + 1 == text.size() || text[i - 1] == '.') {
        return AddressProblem{"IPv4 field must have at least one digit", text.substr(i)};
      }
      if (field == 3) return AddressProblem{"IPv4 address too long"};
      fields[field++] = static_cast<std::uint8_t>(value);
      value = 0;
      digits = 0;
    } else {
      return AddressProblem{"unexpected character", text.substr(i)};
    }
  }
  if (field < 3) return AddressProblem{"IPv4 address too short"};
  fields[3] = static_cast<std::uint8_t>(value);
  return std::nullopt;
}

int group_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Reads an IPv6 address without its zone.
class V6Reader {
 public:
  V6Reader(std::string_view text, std::array<std::uint8_t, kBytes>& bytes) : rest_(text), bytes_(bytes) {}

  Problem read() {
    if (rest_.starts_with("::")) {
      ellipsis_ = 0;
      rest_.remove_prefix(2);
      if (rest_.empty()) return std::nullopt;
    }
    bool is_last = false;
    while (filled_ < kBytes && !is_last) {
      if (auto problem = read_group(is_last)) return problem;
    }
    if (!rest_.empty()) return AddressProblem{"trailing garbage after address", rest_};
    return expand();
  }

 private:
  Problem read_group(bool& is_last) {
    std::size_t digits = 0;
    unsigned value = 0;
    for (; digits < rest_.size() && group_digit(rest_[digits]) >= 0; ++digits) {
      value = value * 16 + static_cast<unsigned>(group_digit(rest_[digits]));
      if (digits > 3) return AddressProblem{"each group must have 4 or less digits", rest_};
    }
    if (digits == 0) {
      return AddressProblem{"each colon-separated field must have at least one digit", rest_};
    }
    if (digits < rest_.size() && rest_[digits] == '.') {
      is_last = true;
      return read_embedded_v4();
    }
    bytes_[filled_++] = static_cast<std::uint8_t>(value >> 8);
    bytes_[filled_++] = static_cast<std::uint8_t>(value & 0xFF);
    rest_.remove_prefix(digits);
    return read_colon(is_last);
  }

  Problem read_embedded_v4() {
    if (ellipsis_ == kNone && filled_ != 12) {
      return AddressProblem{"embedded IPv4 address must replace the final 2 fields of the address", rest_};
    }
    if (filled_ + 4 > kBytes) {
      return AddressProblem{"too many hex fields to fit an embedded IPv4 at the end of the address", rest_};
    }
    if (auto problem = read_v4(rest_, bytes_.data() + filled_)) return problem;
    rest_ = {};
    filled_ += 4;
    return std::nullopt;
  }

  Problem read_colon(bool& is_last) {
    is_last = rest_.empty();
    if (is_last) return std::nullopt;
    if (rest_[0] != ':') return AddressProblem{"unexpected character, want colon", rest_};
    if (rest_.size() == 1) return AddressProblem{"colon must be followed by more characters", rest_};
    rest_.remove_prefix(1);
    if (rest_[0] != ':') return std::nullopt;
    if (ellipsis_ != kNone) return AddressProblem{"multiple :: in address", rest_};
    ellipsis_ = filled_;
    rest_.remove_prefix(1);
    is_last = rest_.empty();
    return std::nullopt;
  }

  Problem expand() {
    if (filled_ == kBytes) {
      if (ellipsis_ == kNone) return std::nullopt;
      return AddressProblem{"the :: must expand to at least one field of zeros"};
    }
    if (ellipsis_ == kNone) return AddressProblem{"address string too short"};
    const std::size_t tail = filled_ - ellipsis_;
    for (std::size_t i = 0; i < tail; ++i) bytes_[kBytes - 1 - i] = bytes_[filled_ - 1 - i];
    std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(ellipsis_),
              bytes_.end() - static_cast<std::ptrdiff_t>(tail), std::uint8_t{0});
    return std::nullopt;
  }

  std::string_view rest_;
  std::array<std::uint8_t, kBytes>& bytes_;
  std::size_t filled_ = 0;
  std::size_t ellipsis_ = kNone;
};

Problem read_address(std::string_view text, IpAddress& address) {
  const std::size_t mark = text.find_first_of(".:%");
  if (mark == std::string_view::npos) return AddressProblem{"unable to parse IP"};
  if (text[mark] == '%') return AddressProblem{"missing IPv6 address"};
  if (text[mark] == '.') {
    address.is_v4 = true;
    return read_v4(text, address.bytes.data());
  }
  const std::size_t zone = text.find('%');
  address.has_zone = zone != std::string_view::npos;
  if (address.has_zone && zone + 1 == text.size()) {
    return AddressProblem{"zone must be a non-empty string"};
  }
  return V6Reader(text.substr(0, zone), address.bytes).read();
}

unsigned group(const IpAddress& address, std::size_t index) {
  return address.bytes[2 * index] * 256U + address.bytes[2 * index + 1];
}

}  // namespace

bool IpAddress::is_v4_in_v6() const noexcept {
  if (is_v4 || bytes[10] != 0xFF || bytes[11] != 0xFF) return false;
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::text() const {
  if (is_v4) return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
  // The longest run of at least two groups of zeros is written as "::".
  std::size_t longest = 0;
  std::size_t run = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t end = i;
    while (end < 8 && group(*this, end) == 0) ++end;
    if (end - i <= run) continue;
    longest = i;
    run = end - i;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (run > 1 && i == longest) {
      out += "::";
      i += run;
      if (i >= 8) break;
    } else if (i > 0) {
      out += ':';
    }
    out += fmt::format("{:x}", group(*this, i));
  }
  return out;
}

IpPrefix IpPrefix::masked() const noexcept {
  IpPrefix out = *this;
  for (int bit = length; bit < address.bits(); ++bit) {
    out.address.bytes[static_cast<std::size_t>(bit) / 8] &=
        static_cast<std::uint8_t>(~(0x80U >> static_cast<unsigned>(bit % 8)));
  }
  return out;
}

bool IpPrefix::contains(const IpAddress& other) const noexcept {
  if (address.is_v4 != other.is_v4) return false;
  return masked().address == IpPrefix{.address = other, .length = length}.masked().address;
}

bool IpPrefix::contains(const IpPrefix& other) const noexcept {
  return length <= other.length && contains(other.address);
}

Result<IpAddress> parse_ip_address(std::string_view text) {
  IpAddress address;
  const Problem problem = read_address(text, address);
  if (!problem) return address;
  std::string message = "ParseAddr(" + go_quote(text) + "): ";
  message += problem->message;
  if (!problem->at.empty()) message += " (at " + go_quote(problem->at) + ")";
  return fail(Code::kInvalid, std::move(message));
}

Result<IpPrefix> parse_ip_prefix(std::string_view text) {
  const auto wrong = [text](std::string_view what) {
    return fail(Code::kInvalid, "netip.ParsePrefix(" + go_quote(text) + "): " + std::string(what));
  };
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return wrong("no '/'");
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address) return wrong(address.error().message());
  if (address->has_zone) return wrong("IPv6 zones cannot be present in a prefix");
  const std::string_view digits = text.substr(slash + 1);
  const bool is_canonical = digits.size() <= 1 || (digits[0] >= '1' && digits[0] <= '9');
  const auto length = go_parse_int(digits);
  if (!is_canonical || !length) return wrong("bad bits after slash: " + go_quote(digits));
  if (*length < 0 || *length > address->bits()) return wrong("prefix length out of range");
  return IpPrefix{.address = *address, .length = static_cast<int>(*length)};
}

}  // namespace klutch::apiserver::cel
