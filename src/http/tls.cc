// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include <openssl/pem.h>

#include <utility>

#include "base/check.h"
#include "http/tls_state.h"

namespace klutch::http {
namespace {

namespace openssl = crypto::openssl;

constexpr unsigned char kSessionContext[] = "klutch";

Result<> use_certificate_chain(SSL_CTX* context, const std::string& pem) {
  const auto bio = openssl::read_bio(pem);
  const openssl::X509Ptr leaf(PEM_read_bio_X509(bio.get(), nullptr, openssl::no_password, nullptr));
  if (!leaf) return fail(Code::kInvalid, "the certificate is not PEM: " + openssl::take_error());
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return fail(Code::kInvalid, "the certificate cannot be used: " + openssl::take_error());
  }
  while (openssl::X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, openssl::no_password, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return fail(Code::kInvalid, "the certificate chain cannot be used: " + openssl::take_error());
    }
  }
  openssl::take_error();  // the end of the PEM text is an error to OpenSSL
  return {};
}

Result<> use_key_pair(SSL_CTX* context, const KeyPair& pair) {
  TRY(use_certificate_chain(context, pair.certificate_chain));
  const auto bio = openssl::read_bio(pair.private_key.reveal());
  const openssl::Pkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, openssl::no_password, nullptr));
  if (!key)
    return fail(Code::kInvalid, "the private key is not PEM or is encrypted: " + openssl::take_error());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return fail(Code::kInvalid, "the private key does not fit the certificate: " + openssl::take_error());
  }
  return {};
}

/// Trusts every certificate in `pem`; the subjects go into `names` if given.
Result<> trust(SSL_CTX* context, const std::string& pem, STACK_OF(X509_NAME) * names) {
  const auto bio = openssl::read_bio(pem);
  std::size_t count = 0;
  while (openssl::X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, openssl::no_password, nullptr)}) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), next.get()) != 1) {
      return fail(Code::kInvalid, "a trusted certificate cannot be used: " + openssl::take_error());
    }
    if (names != nullptr) sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(next.get())));
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string cause = openssl::take_error();
  if (count == 0 || !at_end)
    return fail(Code::kInvalid, "the bundle of trusted certificates is not PEM: " + cause);
  return {};
}

Result<std::string> wire_protocols(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const auto& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255)
      return fail(Code::kInvalid, "an ALPN protocol has 1 to 255 bytes");
    wire.push_back(static_cast<char>(protocol.size()));
    wire.append(protocol);
  }
  return wire;
}

SslContext new_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context.get(), 1);  // a record's header and content in one system call
  return context;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* protocols) {
  const auto& ours = *static_cast<const std::string*>(protocols);
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, openssl::data(ours), static_cast<unsigned int>(ours.size()),
                            offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 §3.2: no_application_protocol
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

Result<std::shared_ptr<const TlsServer::State>> make_state(const TlsServer::Options& options) {
  auto state = std::make_shared<TlsServer::State>();
  state->context = new_context(TLS_server_method());
  state->protocols = TRY(wire_protocols(options.protocols));
  SSL_CTX* context = state->context.get();
  TRY(use_key_pair(context, options.identity)
          .map_error(klutch::context("cannot use the server's certificate")));
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets only: nothing is kept per client
  if (!options.protocols.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, &state->protocols);
  if (!options.client_authorities.empty()) {
    STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
    SSL_CTX_set_client_CA_list(context, names);  // takes it over
    TRY(trust(context, options.client_authorities, names)
            .map_error(klutch::context("cannot use client authorities")));
    const bool required = options.client_certificate == TlsServer::Options::ClientCertificate::kRequired;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    state->asks_for_certificate = true;
  }
  return std::shared_ptr<const TlsServer::State>(std::move(state));
}

}  // namespace

Result<TlsClient> TlsClient::create(const Options& options) {
  auto state = std::make_shared<State>();
  state->context = new_context(TLS_client_method());
  state->server_name = options.server_name;
  state->insecure_skip_verify = options.insecure_skip_verify;
  SSL_CTX* context = state->context.get();
  SSL_CTX_set_verify(context, options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (!options.trusted.empty()) {
    TRY(trust(context, options.trusted, nullptr));
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return fail(Code::kInvalid, "cannot load the system's trusted certificates: " + openssl::take_error());
  }
  if (options.identity) {
    TRY(use_key_pair(context, *options.identity)
            .map_error(klutch::context("cannot use the client's certificate")));
  }
  const auto protocols = TRY(wire_protocols(options.protocols));
  if (!protocols.empty()) {
    SSL_CTX_set_alpn_protos(context, openssl::data(protocols), static_cast<unsigned int>(protocols.size()));
  }
  return TlsClient(std::move(state));
}

TlsClient TlsClient::for_other_origin() const {
  auto state = std::make_shared<State>();
  SSL_CTX_up_ref(state_->context.get());
  state->context.reset(state_->context.get());
  state->without_identity = true;
  return TlsClient(std::move(state));
}

struct TlsServer::Slot {
  std::mutex mutex;
  std::shared_ptr<const State> state;
};

TlsServer::TlsServer() : slot_(std::make_unique<Slot>()) {}
TlsServer::~TlsServer() = default;

Result<std::shared_ptr<TlsServer>> TlsServer::create(const Options& options) {
  std::shared_ptr<TlsServer> server(new TlsServer());
  TRY(server->reload(options));
  return server;
}

Result<> TlsServer::reload(const Options& options) {
  auto state = TRY(make_state(options));
  const std::lock_guard lock(slot_->mutex);
  slot_->state = std::move(state);
  return {};
}

std::shared_ptr<const TlsServer::State> TlsServer::state() const {
  const std::lock_guard lock(slot_->mutex);
  return slot_->state;
}

}  // namespace klutch::http
