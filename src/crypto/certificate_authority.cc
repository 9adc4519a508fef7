// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate_authority.h"

#include <algorithm>

#include "base/check.h"
#include "base/time.h"
#include "crypto/certificate_access.h"
#include "crypto/certificate_fields.h"
#include "crypto/random.h"

namespace klutch::crypto {
namespace {

constexpr std::size_t kSerialSize = 16;
constexpr std::size_t kKeyIdSize = 20;
constexpr bool kCritical = true;

void add_extension(X509* x509, int kind, void* value, bool critical) {
  CHECK(X509_add1_ext_i2d(x509, kind, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1);
}

void set_serial(X509* x509) {
  std::string bytes = random_bytes(kSerialSize);
  bytes.front() = static_cast<char>(bytes.front() | 1);  // never zero (RFC 5280 §4.1.2.2)
  const auto number = openssl::from_bytes(bytes);
  CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509)) != nullptr);
}

/// OpenSSL chooses UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 demands.
void set_validity(X509* x509, Time not_before, Time not_after) {
  const auto seconds = [](Time time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  };
  CHECK(ASN1_TIME_set(X509_getm_notBefore(x509), seconds(not_before)) != nullptr);
  CHECK(ASN1_TIME_set(X509_getm_notAfter(x509), seconds(not_after)) != nullptr);
}

void add_basic_constraints(X509* x509, bool is_ca) {
  BASIC_CONSTRAINTS* constraints = BASIC_CONSTRAINTS_new();
  CHECK(constraints != nullptr);
  constraints->ca = is_ca ? 0xff : 0;
  if (is_ca) {
    constraints->pathlen = ASN1_INTEGER_new();
    CHECK(constraints->pathlen != nullptr && ASN1_INTEGER_set(constraints->pathlen, 0) == 1);
  }
  add_extension(x509, NID_basic_constraints, constraints, kCritical);
  BASIC_CONSTRAINTS_free(constraints);
}

/// Bit numbers of RFC 5280 §4.2.1.3.
enum UsageBit { kDigitalSignature = 0, kKeyEncipherment = 2, kKeyCertSign = 5, kCrlSign = 6 };

void add_key_usage(X509* x509, std::initializer_list<UsageBit> bits) {
  ASN1_BIT_STRING* usage = ASN1_BIT_STRING_new();
  CHECK(usage != nullptr);
  for (const UsageBit bit : bits) CHECK(ASN1_BIT_STRING_set_bit(usage, bit, 1) == 1);
  add_extension(x509, NID_key_usage, usage, kCritical);
  ASN1_BIT_STRING_free(usage);
}

void add_extended_key_usage(X509* x509, bool for_server, bool for_client) {
  const openssl::ExtendedKeyUsage usage(EXTENDED_KEY_USAGE_new());
  CHECK(usage != nullptr);
  if (for_server) CHECK(sk_ASN1_OBJECT_push(usage.get(), OBJ_nid2obj(NID_server_auth)) > 0);
  if (for_client) CHECK(sk_ASN1_OBJECT_push(usage.get(), OBJ_nid2obj(NID_client_auth)) > 0);
  add_extension(x509, NID_ext_key_usage, usage.get(), !kCritical);
}

ASN1_OCTET_STRING* make_octets(std::string_view bytes) {
  ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
  CHECK(octets != nullptr);
  CHECK(ASN1_OCTET_STRING_set(octets, openssl::data(bytes), static_cast<int>(bytes.size())) == 1);
  return octets;
}

/// RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the key's bit string.
void add_subject_key_id(X509* x509) {
  std::string id(32, '\0');
  unsigned int size = 0;
  CHECK(X509_pubkey_digest(x509, EVP_sha256(), openssl::data(id), &size) == 1);
  ASN1_OCTET_STRING* octets = make_octets(std::string_view(id).substr(0, kKeyIdSize));
  add_extension(x509, NID_subject_key_identifier, octets, !kCritical);
  ASN1_OCTET_STRING_free(octets);
}

void add_authority_key_id(X509* x509, std::string_view issuer_key_id) {
  if (issuer_key_id.empty()) return;
  AUTHORITY_KEYID* id = AUTHORITY_KEYID_new();
  CHECK(id != nullptr);
  id->keyid = make_octets(issuer_key_id);
  add_extension(x509, NID_authority_key_identifier, id, !kCritical);
  AUTHORITY_KEYID_free(id);
}

/// Version, serial number, subject, validity and key: what roots and leaves share.
openssl::X509Ptr begin(const X509_NAME* subject, EVP_PKEY* holder, Time not_before, Time not_after) {
  openssl::X509Ptr x509(X509_new());
  CHECK(x509 != nullptr);
  CHECK(X509_set_version(x509.get(), X509_VERSION_3) == 1);
  set_serial(x509.get());
  set_validity(x509.get(), not_before, not_after);
  CHECK(X509_set_subject_name(x509.get(), subject) == 1);
  CHECK(X509_set_pubkey(x509.get(), holder) == 1);
  return x509;
}

/// now + lifetime without running over the end of what Time can hold.
Result<Time> end_of(Duration lifetime, Time now) {
  if (lifetime <= Duration::zero())
    return fail(Code::kInvalid, "the lifetime of a certificate must be positive");
  return lifetime > Time::max() - now ? Time::max() : now + lifetime;
}

Result<> check(const IssueOptions& options) {
  if (!options.for_server && !options.for_client) {
    return fail(Code::kInvalid, "a certificate must be for servers, for clients or for both");
  }
  if (options.for_server && options.names.dns_names.empty() && options.names.ip_addresses.empty()) {
    return fail(Code::kInvalid, "a server certificate needs a DNS name or an IP address");
  }
  return {};
}

}  // namespace

Result<CertificateAuthority> CertificateAuthority::create(const AuthorityOptions& options, Time now) {
  const auto name = TRY(make_name({.common_name = options.common_name}));
  const Time end = TRY(end_of(options.lifetime, now));
  PrivateKey key = PrivateKey::generate(options.key);
  openssl::X509Ptr x509 = begin(name.get(), openssl::native(key), now - kBackdate, end);
  CHECK(X509_set_issuer_name(x509.get(), name.get()) == 1);
  add_basic_constraints(x509.get(), true);
  add_key_usage(x509.get(), {kKeyCertSign, kCrlSign});
  add_subject_key_id(x509.get());
  sign_with(key, x509.get(), X509_sign);
  auto certificate = TRY(CertificateAccess::make(std::move(x509)));
  return CertificateAuthority(std::move(certificate), std::move(key));
}

Result<CertificateAuthority> CertificateAuthority::load(Certificate certificate, PrivateKey key) {
  const CertificateInfo& info = certificate.info();
  if (!info.is_ca || !info.usage.certificate_sign) {
    return fail(Code::kInvalid, "the certificate is not that of an authority");
  }
  const PublicKey certified = TRY(certificate.public_key());
  if (!(certified == key.public_key())) {
    return fail(Code::kInvalid, "the private key does not belong to the authority's certificate");
  }
  return CertificateAuthority(std::move(certificate), std::move(key));
}

Result<Certificate> CertificateAuthority::issue(const PublicKey& holder, const IssueOptions& options,
                                                Time now) const {
  TRY(check(options));
  const auto name = TRY(make_name(options.names));
  const auto alternatives = TRY(make_alternative_names(options.names));
  const CertificateInfo& issuer = certificate_.info();
  if (now < issuer.not_before || now >= issuer.not_after) {
    return fail(Code::kTerminal, "the certificate authority is valid only from " +
                                     format_rfc3339(issuer.not_before) + " to " +
                                     format_rfc3339(issuer.not_after));
  }
  const Time wanted_end = TRY(end_of(options.lifetime, now));
  const Time end = std::min(wanted_end, issuer.not_after);
  const Time start = std::max(now - kBackdate, issuer.not_before);

  openssl::X509Ptr x509 = begin(name.get(), openssl::native(holder), start, end);
  CHECK(X509_set_issuer_name(x509.get(), X509_get_subject_name(openssl::native(certificate_))) == 1);
  add_basic_constraints(x509.get(), false);
  // RSA key exchange of TLS 1.2 encrypts with the certificate's key; every other exchange only signs.
  if (holder.kind() == KeyKind::kRsa) {
    add_key_usage(x509.get(), {kDigitalSignature, kKeyEncipherment});
  } else {
    add_key_usage(x509.get(), {kDigitalSignature});
  }
  add_extended_key_usage(x509.get(), options.for_server, options.for_client);
  add_subject_key_id(x509.get());
  add_authority_key_id(x509.get(), issuer.subject_key_id);
  if (alternatives != nullptr)
    add_extension(x509.get(), NID_subject_alt_name, alternatives.get(), !kCritical);
  sign_with(key_, x509.get(), X509_sign);
  return CertificateAccess::make(std::move(x509));
}

Result<IssuedIdentity> CertificateAuthority::issue_with_new_key(const IssueOptions& options, Time now) const {
  PrivateKey key = PrivateKey::generate();
  Certificate certificate = TRY(issue(key.public_key(), options, now));
  return IssuedIdentity{std::move(certificate), std::move(key)};
}

std::vector<Certificate> AuthoritySet::trust_bundle() const {
  std::vector<Certificate> bundle = {active.certificate()};
  if (next) bundle.push_back(next->certificate());
  bundle.insert(bundle.end(), retired.begin(), retired.end());
  return bundle;
}

Result<std::optional<AuthoritySet>> rotate(const AuthoritySet& set, const RotationOptions& options,
                                           Time now) {
  AuthoritySet result = set;
  const auto expired = [now](const Certificate& root) { return root.info().not_after <= now; };
  bool changed = std::erase_if(result.retired, expired) > 0;
  const bool active_expired = expired(result.active.certificate());
  if (!result.next && should_rotate(result.active.certificate(), now)) {
    result.next = TRY(CertificateAuthority::create(options.authority, now));
    changed = true;
  }
  if (result.next) {
    const Time announced = result.next->certificate().info().not_before + kBackdate;
    if (active_expired || now >= announced + options.announce) {
      if (!active_expired) result.retired.push_back(result.active.certificate());
      result.active = *std::exchange(result.next, std::nullopt);
      changed = true;
    }
  }
  return changed ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace klutch::crypto
