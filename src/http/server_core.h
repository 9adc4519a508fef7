// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "base/time.h"
#include "http/request.h"
#include "http/server.h"

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

struct ServerCore {
  ServerCore(ServerOptions server_options, Handler server_handler)
      : options(std::move(server_options)), handler(std::move(server_handler)), date(*options.clock) {
    if (!options.observer) options.observer = std::make_shared<ServerObserver>();
  }

  [[nodiscard]] ServerObserver& observer() const { return *options.observer; }
  /// Unique among all servers, short, says nothing about anybody.
  std::string new_request_id() { return id_prefix + std::to_string(++requests); }

  ServerOptions options;
  Handler handler;
  DateLine date;
  bool draining = false;
  /// All connections, ordered by when they last became idle; each knows its place.
  std::list<Connection*> connections = {};
  std::string id_prefix = random_suffix(8) + "-";
  std::uint64_t requests = 0;
};

}  // namespace klutch::http
