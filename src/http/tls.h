// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

// TLS settings for both ends, at least TLS 1.2. Made once, used for many connections, from any loop. PEM in,
// OpenSSL inside only.

namespace klutch::http {

/// A certificate chain (leaf first) and its private key, both PEM.
struct KeyPair {
  std::string certificate_chain;
  Secret private_key;
};

/// What is known of the peer after a handshake.
struct TlsSession {
  std::string version;   ///< "TLSv1.3"
  std::string protocol;  ///< chosen by ALPN, empty if none
  /// On the server's side, the client's verified certificates as PEM, leaf first; empty if it showed none.
  std::vector<std::string> peer_chain;
};

/// How a client checks servers and shows itself. Immutable, cheap to copy.
class TlsClient {
 public:
  struct Options {
    /// PEM bundle of trusted authorities. Empty: those of the system.
    std::string trusted = {};
    /// The name the certificate must be for, and SNI. Empty: the host connected to.
    std::string server_name = {};
    /// Accepts any certificate. For `insecure-skip-tls-verify` only.
    bool insecure_skip_verify = false;
    /// The client's own certificate, if it has one.
    std::shared_ptr<const KeyPair> identity = {};
    std::vector<std::string> protocols = {"http/1.1"};  ///< for ALPN
  };

  /// kInvalid naming which PEM is wrong and why.
  static Result<TlsClient> create(const Options& options);

  /// For a server that these settings were not made for, after a redirect: the same authorities, always
  /// verified, without a certificate of our own or another server name.
  [[nodiscard]] TlsClient for_other_origin() const;

  struct State;
  [[nodiscard]] const State& state() const noexcept { return *state_; }

 private:
  explicit TlsClient(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

/// How a server shows itself and checks clients. reload() and new connections may race from different
/// threads.
class TlsServer {
 public:
  struct Options {
    KeyPair identity;
    /// Authorities for client certificates. Empty: none is asked for.
    std::string client_authorities = {};
    enum class ClientCertificate {
      kOptional,  ///< a certificate that is shown must be good; none is fine
      kRequired,
    } client_certificate = ClientCertificate::kOptional;
    std::vector<std::string> protocols = {"http/1.1"};
  };

  static Result<std::shared_ptr<TlsServer>> create(const Options& options);
  ~TlsServer();

  /// New connections use the new options, running ones keep theirs. On error everything stays as it was.
  Result<> reload(const Options& options);

  struct State;
  /// The state of this moment.
  [[nodiscard]] std::shared_ptr<const State> state() const;

 private:
  TlsServer();
  struct Slot;
  std::unique_ptr<Slot> slot_;
};

}  // namespace klutch::http
