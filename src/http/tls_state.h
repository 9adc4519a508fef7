// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>

#include "crypto/openssl.h"
#include "http/tls.h"

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

}  // namespace klutch::http
