// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/discovery/document.h"
#include "apiserver/registry/registry.h"
#include "base/result.h"
#include "http/message.h"
#include "http/request.h"
#include "json/value.h"

// Answers the requests by which clients find out what is served: `/api`, `/apis`, what is below them down to
// a version, `/version` and `/`. Bytes are made when first asked for and kept until Registry::generation()
// changes, so that an answer is never behind the registry. Loop thread only; nothing here suspends. Errors
// carry a Status, or are page_not_found() (endpoints/rendering.h).
//
//   Discovery discovery(registry, {.other_paths = {"/healthz", "/openapi/v2"}});
//   if (Discovery::handles(request)) return discovery.serve(request);

namespace klutch::apiserver {

struct DiscoveryOptions {
  /// What `/` lists besides the paths of discovery itself.
  std::vector<std::string> other_paths = {};
};

class Discovery {
 public:
  /// `registry` must outlive it.
  explicit Discovery(Registry& registry, DiscoveryOptions options = {});

  /// Whether the path is one of discovery's, whatever the method and whether anything is there.
  static bool handles(const http::ServerRequest& request);
  /// For requests that it handles.
  Result<http::Response> serve(const http::ServerRequest& request);

 private:
  Result<http::Response> serve_aggregated(const http::ServerRequest& request, bool core,
                                          std::string_view version);
  [[nodiscard]] Result<json::Value> find_object(const http::ServerRequest& request) const;

  Registry& registry_;
  DiscoveryOptions options_;
  std::uint64_t generation_ = 0;
  std::map<std::string, Document, std::less<>> documents_ = {};  // by path and form
};

}  // namespace klutch::apiserver
