// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>

#include <cstring>

#include "http/tls_state.h"

namespace klutch::http {
namespace {

/// RFC 8446 §6.2: what a server says of a client certificate that is missing or not to its liking.
bool is_certificate_alert(int reason) {
  switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: return true;
    default: return false;
  }
}

}  // namespace

Error tls_error(const SSL* ssl, int kind, int system_error, const std::string& peer) {
  const unsigned long queued = ERR_peek_error();
  const int reason = ERR_GET_REASON(queued);
  const std::string cause = crypto::openssl::take_error();
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return Error(Code::kUnauthenticated, "the certificate of " + peer + " is not accepted: " +
                                             X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  }
  if (!SSL_is_server(ssl) && is_certificate_alert(reason)) {
    return Error(Code::kUnauthenticated, peer + " does not accept the client's certificate: " + cause);
  }
  std::string why = "TLS: " + cause;
  if (queued != 0 && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    why = "closed by the peer without ending TLS";
  } else if (queued == 0 && kind == SSL_ERROR_SYSCALL) {
    why = system_error != 0 ? std::strerror(system_error) : "closed by the peer";
  }
  return Error(Code::kUnavailable, "connection with " + peer + ": " + why);
}

TlsSession describe_session(const SSL* ssl) {
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  return {.version = SSL_get_version(ssl),
          .protocol = std::string(reinterpret_cast<const char*>(protocol), size),
          .peer_chain = {}};
}

}  // namespace klutch::http
