// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "base/time.h"
#include "http/request.h"
#include "http/server.h"
#include "obs/log_context.h"
#include "obs/trace.h"

// Private to http/: what the connections of one server share. Loop thread only.

namespace klutch::http {

class Connection;

/// The Date header, made anew once a second.
class DateLine {
 public:
  explicit DateLine(const Clock& clock) : clock_(clock) {}

  /// "Date: ...\r\n", valid until the next call.
  std::string_view get() {
    const auto now = clock_.now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (line_.empty() || second != second_) {
      line_ = "Date: " + format_http_date(now) + "\r\n";
      second_ = second;
    }
    return line_;
  }

 private:
  const Clock& clock_;
  std::string line_;
  std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds> second_{};
};

/// Random bytes for ids, fetched from the kernel many at a time.
class RandomPool {
 public:
  void fill(std::span<std::uint8_t> bytes) {
    for (auto& byte : bytes) {
      if (left_ == 0) {
        fill_random(std::as_writable_bytes(std::span(pool_)));
        left_ = pool_.size();
      }
      byte = pool_[--left_];
    }
  }

 private:
  std::array<std::uint8_t, 512> pool_{};
  std::size_t left_ = 0;
};

struct ServerCore {
  ServerCore(ServerOptions server_options, Handler server_handler)
      : options(std::move(server_options)), handler(std::move(server_handler)), date(*options.clock) {
    if (!options.observer) options.observer = std::make_shared<ServerObserver>();
  }

  [[nodiscard]] ServerObserver& observer() const { return *options.observer; }
  /// Unique among all servers, short, says nothing about anybody.
  std::string new_request_id() { return id_prefix + std::to_string(++requests); }

  /// The trace that the client's headers continue, or one that begins here.
  std::shared_ptr<const obs::TraceContext> trace_of(const Headers& headers) {
    if (const auto parent = headers.get("traceparent")) {
      return std::make_shared<const obs::TraceContext>(
          obs::continue_or_begin(parent, headers.joined("tracestate")));
    }
    auto trace = std::make_shared<obs::TraceContext>();
    random.fill(trace->trace_id);
    random.fill(trace->span_id);
    trace->sampled = true;
    return trace;
  }

  /// What every log line written for the request carries. A trace that began here adds nothing to its id.
  static Ctx with_log_fields(const Ctx& ctx, const ServerRequest& request, const obs::TraceContext& trace) {
    if (!request.headers.contains("traceparent"))
      return obs::with_log_fields(ctx, {{"request_id", request.id}});
    return obs::with_log_fields(ctx, {{"request_id", request.id}, {"trace_id", obs::to_hex(trace.trace_id)}});
  }

  ServerOptions options;
  Handler handler;
  DateLine date;
  bool draining = false;
  /// All connections, ordered by when they last became idle; each knows its place.
  std::list<Connection*> connections = {};
  std::string id_prefix = random_suffix(8) + "-";
  std::uint64_t requests = 0;
  RandomPool random = {};
};

}  // namespace klutch::http
