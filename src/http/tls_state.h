// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>

#include "crypto/openssl.h"
#include "http/tls.h"
#include "http/transport.h"

// Private to http/: what is inside the TLS settings.

namespace klutch::http {

using SslContext = std::unique_ptr<SSL_CTX, crypto::openssl::Free<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, crypto::openssl::Free<SSL_free>>;

struct TlsClient::State {
  SslContext context;
  std::string server_name;
  bool insecure_skip_verify = false;
  bool without_identity = false;
};

struct TlsServer::State {
  SslContext context;
  std::string protocols;  // in the wire form of ALPN, RFC 7301 §3.1
  bool asks_for_certificate = false;
};

/// Why a call on `ssl` failed: `kind` is what SSL_get_error() gave, `system_error` the errno of the call.
/// Empties OpenSSL's queue. kUnauthenticated if one side does not accept the other's certificate, else
/// kUnavailable.
Error tls_error(const SSL* ssl, int kind, int system_error, const std::string& peer);

/// Version and protocol after the handshake.
TlsSession describe_session(const SSL* ssl);

/// The client's side of TLS inside another TLS stream, which goes to a proxy.
Result<std::unique_ptr<Transport>> start_tunnelled_tls(Ctx& ctx, std::unique_ptr<Transport> outer, Ssl ssl);

}  // namespace klutch::http
