// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/query.h"

// What a request asks to do, read from its method and URL alone: the basis of authorization, routing and
// metrics (k8s.io/apiserver, RequestInfo). Pure.

namespace klutch::apiserver {

struct RequestAttributes {
  bool is_resource = false;
  std::string verb =
      {};  ///< "get", "list", "watch", "create", ..., or the HTTP method in lower case for other paths
  std::string path = {};  ///< decoded

  // For resources only.
  std::string group = {};
  std::string version = {};
  std::string ns = {};
  std::string resource = {};
  std::string subresource = {};
  std::string name = {};

  /// From the method, the decoded segments of the path and the query. A list or watch that is restricted to
  /// one name by its field selector has that name.
  static RequestAttributes from_request(std::string_view method, const std::vector<std::string>& segments,
                                        const http::Query& query);
};

}  // namespace klutch::apiserver
