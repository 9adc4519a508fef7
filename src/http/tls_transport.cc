// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "http/tcp_transport.h"
#include "http/tls_state.h"

// TLS directly on the socket's descriptor: OpenSSL tries to read or write, and what it lacks is waited for
// through the plain transport. No call into OpenSSL spans a suspension, so its per-thread error queue never
// mixes connections.

namespace klutch::http {
namespace {

namespace openssl = crypto::openssl;

constexpr std::size_t kLargestRecord = 16 * 1024;

bool is_ip_address(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

std::string to_pem(X509* certificate) {
  const auto bio = openssl::write_bio();
  PEM_write_bio_X509(bio.get(), certificate);
  return openssl::content(bio);
}

class TlsTransport final : public Transport {
 public:
  /// `keep` is what `ssl` was made from and must live as long.
  TlsTransport(std::unique_ptr<TcpTransport> plain, Ssl ssl, std::shared_ptr<const void> keep)
      : plain_(std::move(plain)), keep_(std::move(keep)), ssl_(std::move(ssl)) {
    SSL_set_fd(ssl_.get(), plain_->descriptor());
  }

  Result<> handshake(Ctx& ctx, bool want_peer_chain) {
    TRY(repeat(ctx, [&] { return SSL_do_handshake(ssl_.get()); }));
    session_ = describe_session(ssl_.get());
    if (want_peer_chain) collect_peer_chain();
    ready_ = true;
    return {};
  }

  Result<std::size_t> read_some(Ctx& ctx, std::span<char> buffer) override {
    TRY(ctx.check());
    std::size_t n = 0;
    const bool open =
        TRY(repeat(ctx, [&] { return SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &n); }));
    plain_->be_fair(ctx);
    return open ? n : 0;
  }

  Result<> wait_readable(Ctx& ctx) override {
    TRY(ctx.check());
    if (SSL_has_pending(ssl_.get()) != 0) return {};
    return plain_->wait_readable(ctx);
  }

  Result<> write(Ctx& ctx, std::string_view first, std::string_view second) override {
    TRY(ctx.check());
    if (!second.empty() && first.size() + second.size() <= kLargestRecord) {
      return write_all(ctx, std::string(first).append(second));  // one record, one packet
    }
    TRY(write_all(ctx, first));
    return write_all(ctx, second);
  }

  void shut_down(Ctx& ctx) override {
    if (ready_ && !failed_ && plain_->is_open()) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());  // sends close_notify if there is room; the answer is not waited for
      openssl::take_error();
    }
    plain_->shut_down(ctx);
  }

  void close() noexcept override { plain_->close(); }

  bool is_quiet() override {
    if (failed_ || !plain_->is_open()) return false;
    if (SSL_has_pending(ssl_.get()) == 0 && plain_->is_quiet()) return true;
    // Bytes are there: session tickets, which OpenSSL takes in silently, or something that nobody asked for.
    char byte = 0;
    std::size_t n = 0;
    ERR_clear_error();
    const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
    const bool only_tickets = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    openssl::take_error();
    return only_tickets;
  }

  const std::string& peer() const noexcept override { return plain_->peer(); }
  const TlsSession* tls() const noexcept override { return &session_; }

 private:
  Result<> write_all(Ctx& ctx, std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t n = 0;
      const bool open =
          TRY(repeat(ctx, [&] { return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n); }));
      if (!open) return plain_->broken("closed by the peer");
      bytes.remove_prefix(n);
      plain_->be_fair(ctx);
    }
    return {};
  }

  /// Calls `operation` until it succeeds, waiting in between for what it lacks. False when the peer ended the
  /// session.
  template <class Operation>
  Result<bool> repeat(Ctx& ctx, Operation operation) {
    for (;;) {
      if (!plain_->is_open()) return plain_->broken("closed");
      if (failed_) return plain_->broken("TLS has failed before");
      ERR_clear_error();
      errno = 0;
      const int result = operation();
      if (result == 1) return true;
      const int system_error = errno;
      const int kind = SSL_get_error(ssl_.get(), result);
      switch (kind) {
        case SSL_ERROR_WANT_READ: TRY(plain_->wait(ctx, StreamSocket::wait_read)); continue;
        case SSL_ERROR_WANT_WRITE: TRY(plain_->wait(ctx, StreamSocket::wait_write)); continue;
        case SSL_ERROR_ZERO_RETURN: return false;
        default: failed_ = true; return fail(tls_error(ssl_.get(), kind, system_error, peer()));
      }
    }
  }

  void collect_peer_chain() {
    X509* leaf = SSL_get0_peer_certificate(ssl_.get());
    if (leaf == nullptr) return;
    session_.peer_chain.push_back(to_pem(leaf));
    STACK_OF(X509)* rest = SSL_get_peer_cert_chain(ssl_.get());
    for (int i = 0; rest != nullptr && i < sk_X509_num(rest); ++i) {
      X509* next = sk_X509_value(rest, i);
      if (X509_cmp(next, leaf) != 0) session_.peer_chain.push_back(to_pem(next));
    }
  }

  std::unique_ptr<TcpTransport> plain_;
  std::shared_ptr<const void> keep_;
  Ssl ssl_;
  TlsSession session_;
  bool ready_ = false;
  bool failed_ = false;
};

/// The plain transport inside, which connect() and accept() made.
std::unique_ptr<TcpTransport> take_plain(std::unique_ptr<Transport> transport) {
  auto* plain = dynamic_cast<TcpTransport*>(transport.get());
  CHECK(plain != nullptr);
  static_cast<void>(transport.release());  // it is the same object
  return std::unique_ptr<TcpTransport>(plain);
}

}  // namespace

Result<std::unique_ptr<Transport>> start_tls(Ctx& ctx, std::unique_ptr<Transport> plain, const TlsClient& tls,
                                             const std::string& host) {
  const auto& state = tls.state();
  const std::string& name = state.server_name.empty() ? host : state.server_name;
  Ssl ssl(SSL_new(state.context.get()));
  CHECK(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  SSL_set_verify(ssl.get(), state.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (state.without_identity) SSL_certs_clear(ssl.get());
  if (is_ip_address(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str());
  } else {
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl.get(), name.c_str());
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  }
  const auto named = context("cannot start TLS with " + quote(name));
  if (plain->tls() != nullptr) {
    return start_tunnelled_tls(ctx, std::move(plain), std::move(ssl)).map_error(named);
  }
  auto transport = std::make_unique<TlsTransport>(take_plain(std::move(plain)), std::move(ssl), nullptr);
  TRY(transport->handshake(ctx, /*want_peer_chain=*/false).map_error(named));
  return std::unique_ptr<Transport>(std::move(transport));
}

Result<std::unique_ptr<Transport>> accept_tls(Ctx& ctx, std::unique_ptr<Transport> plain,
                                              const TlsServer& tls) {
  auto state = tls.state();
  Ssl ssl(SSL_new(state->context.get()));
  CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  const bool want_peer_chain = state->asks_for_certificate;
  auto transport =
      std::make_unique<TlsTransport>(take_plain(std::move(plain)), std::move(ssl), std::move(state));
  TRY(transport->handshake(ctx, want_peer_chain));
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace klutch::http
