// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/error.h"

// What a Client tells about itself, so that it needs to know neither metrics nor logs. All calls come from
// the client's loop and must not suspend. The views are valid during the call.

namespace klutch::http {

/// One request up to the head of its response, or its failure. A redirect that is followed counts as a
/// request of its own, a repetition on a fresh connection does not.
struct ClientRecord {
  std::string_view method;
  std::string_view host;         ///< "host:port"
  int status = 0;                ///< 0 if there was no response
  const Error* error = nullptr;  ///< why not
  bool reused = false;           ///< the connection had served before; false if there was none
  Duration duration{};           ///< waiting for a connection included
};

class ClientObserver {
 public:
  virtual ~ClientObserver() = default;
  virtual void request_finished(const ClientRecord& /*record*/) {}
};

}  // namespace klutch::http
