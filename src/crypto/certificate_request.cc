// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate_request.h"

#include <openssl/pem.h>

#include "base/check.h"
#include "crypto/certificate_access.h"
#include "crypto/certificate_fields.h"
#include "crypto/key_access.h"

namespace klutch::crypto {
namespace {

constexpr std::size_t kMaxRequestPem = std::size_t{64} << 10;

openssl::Extensions request_extensions(GENERAL_NAMES* names) {
  STACK_OF(X509_EXTENSION)* extensions = nullptr;
  CHECK(X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1);
  return openssl::Extensions(extensions);
}

Result<AlternativeNames> requested_alternative_names(X509_REQ* request) {
  const openssl::Extensions extensions(X509_REQ_get_extensions(request));
  if (extensions == nullptr) return AlternativeNames{};
  int found = 0;
  const openssl::GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, &found, nullptr)));
  if (names == nullptr && found != -1) return fail(Code::kInvalid, "the alternative names are not valid");
  return read_alternative_names(names.get());
}

}  // namespace

struct CertificateRequest::State {
  openssl::X509ReqPtr request;
  CertificateNames names;
  PublicKey public_key;
};

Result<CertificateRequest> CertificateRequest::create(const PrivateKey& key, const CertificateNames& names) {
  const auto subject = TRY(make_name(names));
  const auto alternatives = TRY(make_alternative_names(names));
  openssl::X509ReqPtr request(X509_REQ_new());
  CHECK(request != nullptr);
  CHECK(X509_REQ_set_subject_name(request.get(), subject.get()) == 1);
  CHECK(X509_REQ_set_pubkey(request.get(), openssl::native(key)) == 1);
  if (alternatives != nullptr) {
    CHECK(X509_REQ_add_extensions(request.get(), request_extensions(alternatives.get()).get()) == 1);
  }
  sign_with(key, request.get(), X509_REQ_sign);
  return CertificateRequest(std::make_shared<State>(State{std::move(request), names, key.public_key()}));
}

Result<CertificateRequest> CertificateRequest::from_pem(std::string_view pem) {
  if (pem.size() > kMaxRequestPem)
    return fail(Code::kTooLarge, "a certificate request is larger than 64 KiB");
  const auto bio = openssl::read_bio(pem);
  openssl::X509ReqPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, openssl::no_password, nullptr));
  if (request == nullptr) return fail(Code::kInvalid, "not a certificate request: " + openssl::take_error());
  openssl::Pkey key(X509_REQ_get_pubkey(request.get()));
  if (key == nullptr) {
    ERR_clear_error();
    return fail(Code::kUnsupported, "the request's key is of an unknown kind");
  }
  auto public_key = TRY(KeyAccess::make_public(std::move(key)));
  if (X509_REQ_verify(request.get(), openssl::native(public_key)) != 1) {
    ERR_clear_error();
    return fail(Code::kInvalid, "the request is not signed by its own key");
  }
  const auto subject = read_name(X509_REQ_get_subject_name(request.get()));
  auto alternatives = requested_alternative_names(request.get());
  ERR_clear_error();
  if (!alternatives) return fail(alternatives.error());
  CertificateNames names{.common_name = subject.common_name,
                         .organizations = subject.organizations,
                         .dns_names = std::move(alternatives->dns_names),
                         .ip_addresses = std::move(alternatives->ip_addresses)};
  return CertificateRequest(
      std::make_shared<State>(State{std::move(request), std::move(names), std::move(public_key)}));
}

const CertificateNames& CertificateRequest::names() const noexcept {
  return state_->names;
}

const PublicKey& CertificateRequest::public_key() const noexcept {
  return state_->public_key;
}

std::string CertificateRequest::to_pem() const {
  const auto bio = openssl::write_bio();
  CHECK(PEM_write_bio_X509_REQ(bio.get(), state_->request.get()) == 1);
  return openssl::content(bio);
}

}  // namespace klutch::crypto
