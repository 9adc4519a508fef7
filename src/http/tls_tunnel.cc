// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <utility>

#include "async/event.h"
#include "base/check.h"
#include "http/tls_state.h"

// TLS inside of TLS, for a server behind an https:// proxy. OpenSSL works on memory here; what it wants to
// send and receive goes through the outer stream. Rare, so simple rather than fast.

namespace klutch::http {
namespace {

namespace openssl = crypto::openssl;

constexpr std::size_t kPiece = 16 * 1024;

class TunnelledTls final : public Transport {
 public:
  TunnelledTls(std::unique_ptr<Transport> outer, Ssl ssl) : outer_(std::move(outer)), ssl_(std::move(ssl)) {
    incoming_ = BIO_new(BIO_s_mem());
    outgoing_ = BIO_new(BIO_s_mem());
    CHECK(incoming_ != nullptr && outgoing_ != nullptr);
    SSL_set_bio(ssl_.get(), incoming_, outgoing_);  // owns both now
  }

  Result<> handshake(Ctx& ctx) {
    if (!TRY(repeat(ctx, [&] { return SSL_do_handshake(ssl_.get()); }))) return broken("closed by the peer");
    session_ = describe_session(ssl_.get());
    return {};
  }

  Result<std::size_t> read_some(Ctx& ctx, std::span<char> buffer) override {
    std::size_t n = 0;
    const bool open =
        TRY(repeat(ctx, [&] { return SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &n); }));
    return open ? n : 0;
  }

  Result<> wait_readable(Ctx& ctx) override {
    if (SSL_pending(ssl_.get()) > 0 || BIO_pending(incoming_) > 0) return {};
    return outer_->wait_readable(ctx);
  }

  Result<> write(Ctx& ctx, std::string_view first, std::string_view second) override {
    for (auto bytes : {first, second}) {
      while (!bytes.empty()) {
        std::size_t n = 0;
        const auto piece = bytes.substr(0, kPiece);
        if (!TRY(repeat(ctx, [&] { return SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &n); }))) {
          return broken("closed by the peer");
        }
        bytes.remove_prefix(n);
      }
    }
    return {};
  }

  void shut_down(Ctx& ctx) override {
    if (!failed_ && SSL_is_init_finished(ssl_.get())) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());
      openssl::take_error();
      auto limited = ctx.with_timeout(std::chrono::seconds(1));
      if (!flush(limited)) failed_ = true;
    }
    outer_->shut_down(ctx);
  }

  void close() noexcept override { outer_->close(); }

  bool is_quiet() override {
    if (failed_ || SSL_pending(ssl_.get()) > 0) return false;
    // Session tickets may have come along with something else.
    if (BIO_pending(incoming_) > 0 && !holds_only_tickets()) return false;
    // Those of this side look like an answer while they are in the outer stream, and cost a new connection.
    return outer_->is_quiet();
  }

  const std::string& peer() const noexcept override { return outer_->peer(); }
  const TlsSession* tls() const noexcept override { return &session_; }

 private:
  [[nodiscard]] tl::unexpected<Error> broken(std::string_view cause) const {
    return fail(Code::kUnavailable, "connection through " + peer() + ": " + std::string(cause));
  }

  bool holds_only_tickets() {
    char byte = 0;
    std::size_t n = 0;
    ERR_clear_error();
    const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
    const bool only_tickets = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    openssl::take_error();
    return only_tickets;
  }

  /// Calls `operation` until it succeeds, carrying bytes to and fro in between. False when the peer ended the
  /// session.
  template <class Operation>
  Result<bool> repeat(Ctx& ctx, Operation operation) {
    for (;;) {
      TRY(ctx.check());
      if (failed_) return broken("TLS has failed before");
      ERR_clear_error();
      const int result = operation();
      const int kind = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
      if (kind != SSL_ERROR_NONE && kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_ZERO_RETURN) {
        failed_ = true;
        auto error = tls_error(ssl_.get(), kind, 0, peer());
        static_cast<void>(flush(ctx));  // an alert that tells the peer why
        return fail(std::move(error));
      }
      TRY(flush(ctx));
      if (kind == SSL_ERROR_NONE) return true;
      if (kind == SSL_ERROR_ZERO_RETURN) return false;
      TRY(fetch(ctx));
    }
  }

  /// Sends what OpenSSL has made. One fiber at a time, so that records keep their order.
  Result<> flush(Ctx& ctx) {
    if (BIO_pending(outgoing_) == 0) return {};
    const auto permit = TRY(sending_.acquire(ctx));
    std::array<char, kPiece> buffer;
    for (int n = 0; (n = BIO_read(outgoing_, buffer.data(), static_cast<int>(buffer.size()))) > 0;) {
      TRY(outer_->write(ctx, {buffer.data(), static_cast<std::size_t>(n)}));
    }
    return {};
  }

  Result<> fetch(Ctx& ctx) {
    std::array<char, kPiece> buffer;
    const auto n = TRY(outer_->read_some(ctx, buffer));
    if (n == 0) {
      BIO_set_mem_eof_return(incoming_, 0);
    } else {
      CHECK(BIO_write(incoming_, buffer.data(), static_cast<int>(n)) == static_cast<int>(n));
    }
    return {};
  }

  std::unique_ptr<Transport> outer_;
  Ssl ssl_;
  BIO* incoming_ = nullptr;
  BIO* outgoing_ = nullptr;
  TlsSession session_;
  async::Semaphore sending_{1};
  bool failed_ = false;
};

}  // namespace

Result<std::unique_ptr<Transport>> start_tunnelled_tls(Ctx& ctx, std::unique_ptr<Transport> outer, Ssl ssl) {
  auto transport = std::make_unique<TunnelledTls>(std::move(outer), std::move(ssl));
  TRY(transport->handshake(ctx));
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace klutch::http
