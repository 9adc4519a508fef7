// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/string_format.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "apiserver/schema/go_url.h"
#include "apiserver/schema/mail_address.h"
#include "base/duration.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

re2::StringPiece as_piece(std::string_view text) {
  return {text.data(), text.size()};
}

bool is_decimal(char c) {
  return c >= '0' && c <= '9';
}
bool is_hexadecimal(char c) {
  return is_decimal(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}
bool all_of(std::string_view text, bool (*predicate)(char)) {
  return std::all_of(text.begin(), text.end(), predicate);
}

/// What is left of `text` without the characters that are `unwanted`.
std::string without(std::string_view text, bool (*unwanted)(char)) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [&](char c) { return !unwanted(c); });
  return out;
}

// ------------------------------------------------------------------------------------------ numbers, codes

bool is_luhn(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit * 2 - (digit > 4 ? 9 : 0);
    sum += digit;
  }
  return sum % 10 == 0;
}

bool is_credit_card(std::string_view text) {
  static const RE2 kPattern(
      "4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|"
      "3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\\d{3})\\d{11}");
  const std::string digits = without(text, [](char c) { return !is_decimal(c); });
  return RE2::FullMatch(digits, kPattern) && is_luhn(digits);
}

std::string isbn_characters(std::string_view text) {
  return without(text,
                 [](char c) { return std::string_view(" \t\n\f\r-").find(c) != std::string_view::npos; });
}

bool is_isbn10(std::string_view text) {
  const std::string code = isbn_characters(text);
  if (code.size() != 10 || !all_of(std::string_view(code).substr(0, 9), is_decimal)) return false;
  if (!is_decimal(code[9]) && code[9] != 'X') return false;
  int sum = 10 * (code[9] == 'X' ? 10 : code[9] - '0');
  for (int i = 0; i < 9; ++i) sum += (i + 1) * (code[static_cast<std::size_t>(i)] - '0');
  return sum % 11 == 0;
}

bool is_isbn13(std::string_view text) {
  const std::string code = isbn_characters(text);
  if (code.size() != 13 || !all_of(code, is_decimal)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 12; ++i) sum += (i % 2 == 0 ? 1 : 3) * (code[i] - '0');
  return (10 - sum % 10) % 10 == code[12] - '0';
}

bool is_hex_color(std::string_view text) {
  if (text.starts_with('#')) text.remove_prefix(1);
  return (text.size() == 3 || text.size() == 6) && all_of(text, is_hexadecimal);
}

bool is_rgb_color(std::string_view text) {
  static const RE2 kPattern([] {
    const std::string channel = "\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*";
    return "rgb\\(" + channel + "," + channel + "," + channel + "\\)";
  }());
  return RE2::FullMatch(as_piece(text), kPattern);
}

/// Go's check of the length leaves only the form with two separators.
bool is_ssn(std::string_view text) {
  static const RE2 kPattern("\\d{3}[- ]\\d{2}[- ]\\d{4}");
  return RE2::FullMatch(as_piece(text), kPattern);
}

bool is_base64(std::string_view text) {
  static const RE2 kPattern("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})");
  return RE2::FullMatch(as_piece(text), kPattern);
}

// ------------------------------------------------------------------------------------------------- identity

/// `version`: the digit that must come first in the third group, 0 for any. Versions 4 and 5 also fix the
/// variant.
bool is_uuid(std::string_view text, char version) {
  static constexpr std::array<std::size_t, 5> kGroups = {8, 4, 4, 4, 12};
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    if (group > 0 && text.starts_with('-')) text.remove_prefix(1);
    const std::string_view digits = text.substr(0, kGroups[group]);
    if (digits.size() < kGroups[group] || !all_of(digits, is_hexadecimal)) return false;
    if (group == 2 && version != 0 && digits[0] != version) return false;
    if (group == 3 && version > '3' && std::string_view("89abAB").find(digits[0]) == std::string_view::npos) {
      return false;
    }
    text.remove_prefix(kGroups[group]);
  }
  return text.empty();
}

bool is_mac(std::string_view text) {
  const auto has_bytes = [](std::size_t bytes) { return bytes == 6 || bytes == 8 || bytes == 20; };
  if (text.size() < 12) return false;
  char separator = 0;
  std::size_t width = 2;
  if (text[2] == ':' || text[2] == '-') {
    separator = text[2];
  } else if (text[4] == '.') {
    separator = '.';
    width = 4;
  }
  if (separator == 0)
    return text.size() % 2 == 0 && has_bytes(text.size() / 2) && all_of(text, is_hexadecimal);
  const auto groups = split(text, separator);
  return has_bytes(groups.size() * width / 2) && std::all_of(groups.begin(), groups.end(), [&](auto group) {
           return group.size() == width && all_of(group, is_hexadecimal);
         });
}

bool is_kubernetes_label(std::string_view text) {
  const auto is_inner = [](char c) { return is_decimal(c) || (c >= 'a' && c <= 'z') || c == '-'; };
  return !text.empty() && text.front() != '-' && text.back() != '-' && all_of(text, is_inner);
}

bool is_long_name(std::string_view text) {
  const auto labels = split(text, '.');
  return text.size() <= 253 && std::all_of(labels.begin(), labels.end(), is_kubernetes_label);
}

/// The characters of a text, each as its UTF-8.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  for (; !text.empty(); text.remove_prefix(out.back().size())) {
    out.push_back(text.substr(0, std::max<std::size_t>(utf8_length(text), 1)));
  }
  return out;
}

/// Letters, digits and symbols of any script, as the pattern of Kubernetes' OpenAPI library has it.
bool is_host_letter(std::string_view c) {
  static const RE2 kPattern("[a-zA-Z0-9\\pS\\pL]");
  return RE2::FullMatch(as_piece(c), kPattern);
}

bool is_host_label(std::string_view label) {
  const auto all = characters(label);
  return !all.empty() && all.size() <= 63 && is_host_letter(all.front()) && is_host_letter(all.back()) &&
         std::all_of(all.begin(), all.end(), [](auto c) { return c == "-" || is_host_letter(c); });
}

bool is_top_domain(std::string_view label) {
  static const RE2 kLetter("[a-zA-Z\\pL]");
  const auto all = characters(label);
  return all.size() >= 2 && all.size() <= 63 &&
         std::all_of(all.begin(), all.end(), [](auto c) { return RE2::FullMatch(as_piece(c), kLetter); });
}

/// A name without dots: at most one dash, in the second place, and it may be the last.
bool is_single_host(std::string_view text) {
  auto all = characters(text);
  if (all.size() > 1 && all[1] == "-") all.erase(all.begin() + 1);
  return !all.empty() && all.size() <= 63 && std::all_of(all.begin(), all.end(), is_host_letter);
}

bool is_hostname(std::string_view text) {
  auto labels = split(text, '.');
  const auto is_long = [](std::string_view label) { return label.size() > 63; };
  if (text.size() > 255 || std::any_of(labels.begin(), labels.end(), is_long)) return false;
  if (labels.size() == 1) return is_single_host(text);
  const std::string_view top = labels.back();
  labels.pop_back();
  return is_top_domain(top) && std::all_of(labels.begin(), labels.end(), is_host_label);
}

// ----------------------------------------------------------------------------------------------------- time

bool is_date(std::string_view text) {
  static const RE2 kPattern("(\\d{4})-(\\d{2})-(\\d{2})");
  int year = 0, month = 0, day = 0;
  if (!RE2::FullMatch(as_piece(text), kPattern, &year, &month, &day)) return false;
  if (month < 1 || month > 12 || day < 1) return false;
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[static_cast<std::size_t>(month - 1)] + (leap ? 1 : 0);
}

bool is_date_time(std::string_view text) {
  static const RE2 kTime("([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))");
  const std::string lower = to_lower(text);
  const auto parts = split(lower, 't');
  std::string hour, minute, second;
  if (parts.size() < 2 || !is_date(parts[0])) return false;
  if (!RE2::FullMatch(as_piece(parts[1]), kTime, &hour, &minute, &second)) return false;
  return hour <= "23" && minute <= "59" && second <= "59";
}

bool is_duration_unit(std::string_view unit) {
  static constexpr std::string_view kExact[] = {"ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"};
  static constexpr std::string_view kPrefixes[] = {"nano", "micro", "milli", "sec",
                                                   "min",  "hour",  "day",   "week"};
  return std::any_of(std::begin(kExact), std::end(kExact), [&](auto name) { return unit == name; }) ||
         std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](auto name) { return unit.starts_with(name); });
}

/// Go's form, else any text in which "5 minutes" or the like occurs and no number is too large.
bool is_duration(std::string_view text) {
  static const RE2 kAmount("(\\d+)\\s*([A-Za-zµ]+)");
  if (parse_duration(text)) return true;
  re2::StringPiece rest = as_piece(text);
  std::string number, unit;
  bool found = false;
  while (RE2::FindAndConsume(&rest, kAmount, &number, &unit)) {
    std::int64_t amount = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), amount).ec != std::errc()) return false;
    found = found || is_duration_unit(to_lower(unit));
  }
  return found;
}

struct NamedFormat {
  std::string_view name;
  StringFormat format;
};

constexpr NamedFormat kFormats[] = {
    {"bsonobjectid", StringFormat::kBsonObjectId},
    {"byte", StringFormat::kByte},
    {"cidr", StringFormat::kCidr},
    {"creditcard", StringFormat::kCreditCard},
    {"date", StringFormat::kDate},
    {"datetime", StringFormat::kDateTime},
    {"duration", StringFormat::kDuration},
    {"email", StringFormat::kEmail},
    {"hexcolor", StringFormat::kHexColor},
    {"hostname", StringFormat::kHostname},
    {"ipv4", StringFormat::kIpv4},
    {"ipv6", StringFormat::kIpv6},
    {"isbn", StringFormat::kIsbn},
    {"isbn10", StringFormat::kIsbn10},
    {"isbn13", StringFormat::kIsbn13},
    {"k8slongname", StringFormat::kLongName},
    {"k8sshortname", StringFormat::kShortName},
    {"mac", StringFormat::kMac},
    {"password", StringFormat::kPassword},
    {"rgbcolor", StringFormat::kRgbColor},
    {"ssn", StringFormat::kSsn},
    {"uri", StringFormat::kUri},
    {"uuid", StringFormat::kUuid},
    {"uuid3", StringFormat::kUuid3},
    {"uuid4", StringFormat::kUuid4},
    {"uuid5", StringFormat::kUuid5},
};

}  // namespace

StringFormat find_string_format(std::string_view name) noexcept {
  const auto same = [&](std::string_view known) {
    std::size_t at = 0;
    for (const char c : name) {
      if (c == '-') continue;
      if (at == known.size() || known[at++] != c) return false;
    }
    return at == known.size();
  };
  for (const NamedFormat& format : kFormats) {
    if (same(format.name)) return format.format;
  }
  return StringFormat::kNone;
}

bool is_enforced(StringFormat format) noexcept {
  return format != StringFormat::kNone && format != StringFormat::kShortName &&
         format != StringFormat::kLongName;
}

bool matches(StringFormat format, std::string_view text) {
  switch (format) {
    case StringFormat::kNone:
    case StringFormat::kPassword: return true;
    case StringFormat::kBsonObjectId: return text.size() == 24 && all_of(text, is_hexadecimal);
    case StringFormat::kByte: return is_base64(text);
    case StringFormat::kCidr: return is_sloppy_cidr(text);
    case StringFormat::kCreditCard: return is_credit_card(text);
    case StringFormat::kDate: return is_date(text);
    case StringFormat::kDateTime: return is_date_time(text);
    case StringFormat::kDuration: return is_duration(text);
    case StringFormat::kEmail: return is_mail_address(text);
    case StringFormat::kHexColor: return is_hex_color(text);
    case StringFormat::kHostname: return is_hostname(text);
    case StringFormat::kIpv4:
      return text.find('.') != std::string_view::npos &&
             go_parse_ip(text, IpSyntax::kSloppy) != IpFamily::kNone;
    case StringFormat::kIpv6:
      return text.find(':') != std::string_view::npos &&
             go_parse_ip(text, IpSyntax::kStrict) != IpFamily::kNone;
    case StringFormat::kIsbn: return is_isbn10(text) || is_isbn13(text);
    case StringFormat::kIsbn10: return is_isbn10(text);
    case StringFormat::kIsbn13: return is_isbn13(text);
    case StringFormat::kLongName: return is_long_name(text);
    case StringFormat::kMac: return is_mac(text);
    case StringFormat::kRgbColor: return is_rgb_color(text);
    case StringFormat::kShortName: return text.size() <= 63 && is_kubernetes_label(text);
    case StringFormat::kSsn: return is_ssn(text);
    case StringFormat::kUri: return go_parse_request_uri(text).has_value();
    case StringFormat::kUuid: return is_uuid(text, 0);
    case StringFormat::kUuid3: return is_uuid(text, '3');
    case StringFormat::kUuid4: return is_uuid(text, '4');
    case StringFormat::kUuid5: return is_uuid(text, '5');
  }
  return true;
}

}  // namespace klutch::apiserver
