// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "async/loop.h"
#include "base/result.h"
#include "http/tls.h"

// A byte stream to a peer: TCP or Unix socket, plain or TLS. Reads and writes obey the deadline and
// cancellation of the Ctx. A read that ended so may be tried again; after a write that did, how much was sent
// is unknown and the stream only good for closing. One fiber may read while another writes.

namespace klutch::http {

/// Where to connect or listen: "127.0.0.1:8443", "[::1]:0", "localhost:80", "unix:/run/x.sock".
struct Address {
  std::string host = {};
  std::uint16_t port = 0;
  std::string unix_path = {};  ///< if set, host and port mean nothing

  /// kInvalid with what is wrong if `text` is none of the forms above.
  static Result<Address> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

class Transport {
 public:
  /// Closes at once if still open.
  virtual ~Transport() = default;

  /// At least one byte into `buffer`, or 0 when the peer has closed in order. Errors: kTimeout, kCancelled,
  /// kUnavailable.
  virtual Result<std::size_t> read_some(Ctx& ctx, std::span<char> buffer) = 0;
  /// Suspends until there is something to read or the peer has closed, without needing a buffer meanwhile.
  /// May return early. When the deadline passes in here the stream stays usable.
  virtual Result<> wait_readable(Ctx& ctx) = 0;
  /// Writes all of `first`, then all of `second`.
  virtual Result<> write(Ctx& ctx, std::string_view first, std::string_view second = {}) = 0;
  /// Tells the peer that no more will come (TLS close_notify, TCP FIN). Best effort, at most a second.
  virtual void shut_down(Ctx& ctx) = 0;
  /// Closes at once; pending reads and writes end with kUnavailable.
  virtual void close() noexcept = 0;
  /// False if the peer has closed or sent something unasked: an idle connection is then not worth reusing.
  /// Never waits.
  [[nodiscard]] virtual bool is_quiet() = 0;

  /// The peer's address for logs, "unix" for Unix sockets.
  [[nodiscard]] virtual const std::string& peer() const noexcept = 0;
  /// Null for plain streams.
  [[nodiscard]] virtual const TlsSession* tls() const noexcept = 0;
};

/// Connects to `address`, trying each address a name resolves to. `tls` may be null. Errors: kUnavailable
/// naming the address and cause, kTimeout, kCancelled; kUnauthenticated when the peer's certificate is not
/// accepted, with why.
Result<std::unique_ptr<Transport>> connect(Ctx& ctx, const Address& address, const TlsClient* tls);
/// Starts TLS over a stream made by connect(), plain or itself TLS, for CONNECT proxies. `host` is who the
/// certificate must be for unless the settings name another.
Result<std::unique_ptr<Transport>> start_tls(Ctx& ctx, std::unique_ptr<Transport> plain, const TlsClient& tls,
                                             const std::string& host);

class Listener {
 public:
  /// Binds and listens; port 0 takes a free one. An existing Unix socket file that nobody serves is replaced;
  /// a new one has mode 0600. Errors: kUnavailable naming the address and who holds it where that can be
  /// told.
  static Result<Listener> listen(async::Loop& loop, const Address& address);
  ~Listener();
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;

  /// With the real port.
  [[nodiscard]] const Address& address() const noexcept;
  /// The next connection, not yet a TLS one. Waits and tries again when the process is out of file
  /// descriptors.
  Result<std::unique_ptr<Transport>> accept(Ctx& ctx);
  /// Stops accepting; a waiting accept() ends with kGone.
  void close() noexcept;

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The server's side of the TLS handshake over an accepted stream. The context in `tls` at this moment is
/// used for the whole connection. Errors: kUnavailable with the cause, kTimeout, kCancelled.
Result<std::unique_ptr<Transport>> accept_tls(Ctx& ctx, std::unique_ptr<Transport> plain,
                                              const TlsServer& tls);

}  // namespace klutch::http
