// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate_fields.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"
#include "base/strings.h"

namespace klutch::crypto {
namespace {

constexpr std::size_t kMaxNamePart = 64;  // RFC 5280 appendix A.1: ub-common-name, ub-organization-name
constexpr std::size_t kMaxDnsName = 253;
constexpr std::size_t kMaxLabel = 63;

struct GeneralNameDeleter {
  void operator()(GENERAL_NAME* name) const noexcept { GENERAL_NAME_free(name); }
};
using GeneralName = std::unique_ptr<GENERAL_NAME, GeneralNameDeleter>;

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

Result<> add_part(X509_NAME* name, int kind, std::string_view what, const std::string& text) {
  if (text.empty()) return fail(Code::kInvalid, std::string(what) + " is empty");
  if (!is_utf8(text) || text.find('\0') != text.npos) {
    return fail(Code::kInvalid, std::string(what) + " is not clean UTF-8 text");
  }
  if (count_characters(text) > kMaxNamePart) {
    return fail(Code::kInvalid, std::string(what) + " has more than 64 characters: " + quote(text));
  }
  CHECK(X509_NAME_add_entry_by_NID(name, kind, MBSTRING_UTF8, openssl::data(text),
                                   static_cast<int>(text.size()), -1, 0) == 1);
  return {};
}

bool is_label(std::string_view label) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= kMaxLabel && std::ranges::all_of(label, allowed);
}

/// RFC 1123 names with underscores, and "*" as the whole leftmost of at least three labels.
bool is_dns_name(std::string_view name) {
  if (name.size() > kMaxDnsName) return false;
  auto labels = split(name, '.');
  if (labels.front() == "*" && labels.size() > 2) labels.erase(labels.begin());
  return std::ranges::all_of(labels, is_label);
}

GeneralName make_dns_name(const std::string& text) {
  GeneralName name(GENERAL_NAME_new());
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  CHECK(name != nullptr && value != nullptr);
  CHECK(ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1);
  GENERAL_NAME_set0_value(name.get(), GEN_DNS, value);
  return name;
}

}  // namespace

Result<openssl::X509NamePtr> make_name(const CertificateNames& names) {
  openssl::X509NamePtr name(X509_NAME_new());
  CHECK(name != nullptr);
  for (const auto& organization : names.organizations) {
    TRY(add_part(name.get(), NID_organizationName, "an organization", organization));
  }
  TRY(add_part(name.get(), NID_commonName, "the common name", names.common_name));
  return name;
}

Result<openssl::GeneralNamesPtr> make_alternative_names(const CertificateNames& names) {
  if (names.dns_names.empty() && names.ip_addresses.empty()) return openssl::GeneralNamesPtr();
  openssl::GeneralNamesPtr result(GENERAL_NAMES_new());
  CHECK(result != nullptr);
  for (const auto& text : names.dns_names) {
    if (!is_dns_name(text)) return fail(Code::kInvalid, quote(text) + " is not a DNS name");
    CHECK(sk_GENERAL_NAME_push(result.get(), make_dns_name(text).release()) > 0);
  }
  for (const auto& text : names.ip_addresses) {
    ASN1_OCTET_STRING* address = text.find('\0') == text.npos ? a2i_IPADDRESS(text.c_str()) : nullptr;
    if (address == nullptr) {
      ERR_clear_error();
      return fail(Code::kInvalid, quote(text) + " is not an IP address");
    }
    GeneralName name(GENERAL_NAME_new());
    CHECK(name != nullptr);
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address);
    CHECK(sk_GENERAL_NAME_push(result.get(), name.release()) > 0);
  }
  return result;
}

}  // namespace klutch::crypto
