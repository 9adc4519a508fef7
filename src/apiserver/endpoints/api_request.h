// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/request_attributes.h"
#include "apiserver/auth/user.h"
#include "apiserver/registry/resource.h"
#include "http/request.h"

// A request for a resource on its way through the server: authenticated, authorized, its resource found.
// Belongs to the fiber that serves it.

namespace klutch::apiserver {

/// What goes into the Warning headers of the answer (RFC 7234 §5.5, code 299), each text once.
class Warnings {
 public:
  /// More are dropped, and longer ones cut.
  static constexpr std::size_t kMaxWarnings = 64;
  static constexpr std::size_t kMaxBytes = 1024;

  void add(std::string_view text);
  void add_to(http::Headers& headers) const;
  [[nodiscard]] const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  std::vector<std::string> texts_ = {};
};

struct ApiRequest {
  http::ServerRequest& http;
  RequestAttributes attributes = {};
  User user = {};
  ServedPtr resource = {};
  /// Of attributes.subresource; null on the resource itself.
  const SubresourceDescription* subresource = nullptr;
  Warnings warnings = {};

  [[nodiscard]] const kube::ResourceType& type() const { return resource->description.type; }
  /// Requests about the Namespace "a" have it as their namespace, too, as authorization sees them.
  [[nodiscard]] kube::Key key() const { return {type().namespaced ? attributes.ns : "", attributes.name}; }
};

}  // namespace klutch::apiserver
