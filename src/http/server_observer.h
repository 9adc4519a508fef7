// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

// What a Server tells about itself, so that it needs to know neither metrics nor logs. All calls come from
// the server's loop, outside of any lock, and must not suspend. The views are valid during the call.

namespace klutch::obs {
struct TraceContext;
}  // namespace klutch::obs

namespace klutch::http {

/// One request that was answered, or given up.
struct RequestRecord {
  std::string_view method;
  std::string_view route;  ///< the pattern; empty if no route took the request
  std::string_view peer;   ///< without port
  std::string_view request_id;
  const obs::TraceContext* trace = nullptr;  ///< may be null
  int status = 0;
  std::uint64_t bytes_received = 0;  ///< of the body
  std::uint64_t bytes_sent = 0;      ///< of the body
  Duration duration{};               ///< from the end of the request's head to the end of the response
  bool aborted = false;              ///< the response did not reach its end
};

class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  virtual void connection_opened() {}
  virtual void connection_closed() {}
  virtual void handshake_failed(std::string_view /*peer*/, const Error& /*error*/) {}
  /// What was sent is no request that a handler could be asked; `status` was answered, 0 if nothing.
  virtual void request_refused(std::string_view /*peer*/, int /*status*/, const Error& /*error*/) {}
  virtual void request_started() {}
  virtual void request_finished(const RequestRecord& /*record*/) {}
  /// A handler failed with kInternal, threw, or gave a response that cannot be sent.
  virtual void handler_failed(std::string_view /*route*/, std::string_view /*request_id*/,
                              const Error& /*error*/) {}
};

}  // namespace klutch::http
