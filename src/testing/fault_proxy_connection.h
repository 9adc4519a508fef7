// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "base/result.h"
#include "http/client.h"
#include "http/message_reader.h"
#include "http/tls.h"
#include "http/transport.h"
#include "testing/server_faults.h"

// The inside of FaultProxy: one connection of a client. Used by its own fibers. For tests only.

namespace klutch::testing {

/// What the connections of one proxy share.
struct ProxyTarget {
  std::optional<http::Url> url = {};
  std::string authorization = {};  ///< in place of the client's; empty: as the client says
  std::shared_ptr<http::TlsServer> tls = {};
  std::unique_ptr<http::Client> client = {};
  ServerFaults* faults = nullptr;
};

/// A client's connection that can be broken from outside.
class ProxyConnection {
 public:
  ProxyConnection(ProxyTarget& target, std::unique_ptr<http::Transport> transport);
  virtual ~ProxyConnection() = default;
  /// Serves it to its end.
  virtual Result<> run(Ctx& ctx) = 0;
  /// Closes it with a TCP reset.
  void reset();

 protected:
  ProxyTarget& target_;
  std::unique_ptr<http::Transport> transport_;

 private:
  int descriptor_;
};

/// Request by request.
class HttpProxyConnection final : public ProxyConnection {
 public:
  using ProxyConnection::ProxyConnection;
  Result<> run(Ctx& ctx) override;

 private:
  struct Exchange;
  Result<bool> serve_next(Ctx& ctx, http::MessageReader& reader);
  Result<bool> relay(Ctx& ctx, Exchange& exchange);
  Result<bool> send(Ctx& ctx, const Exchange& exchange, int status, http::Headers headers,
                    std::string_view body);
  Result<bool> send_events(Ctx& ctx, Exchange& exchange, http::StreamingResponse response);
  Result<bool> send_event(Ctx& ctx, Exchange& exchange, std::string_view line, std::size_t number);
  Result<> chunk(Ctx& ctx, std::string_view bytes);
};

/// Byte by byte.
class TcpProxyConnection final : public ProxyConnection {
 public:
  using ProxyConnection::ProxyConnection;
  Result<> run(Ctx& ctx) override;

 private:
  Result<> to_client(Ctx& ctx, http::Transport& server, const std::optional<Fault>& fault);
};

}  // namespace klutch::testing
