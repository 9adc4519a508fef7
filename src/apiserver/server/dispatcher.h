// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "apiserver/access/access.h"
#include "apiserver/access/authenticator.h"
#include "apiserver/access/service_account_tokens.h"
#include "apiserver/auth/audit_log.h"
#include "apiserver/auth/request_limits.h"
#include "apiserver/discovery/discovery.h"
#include "apiserver/endpoints/api_request.h"
#include "apiserver/openapi/openapi.h"
#include "apiserver/registry/registry.h"
#include "apiserver/verbs/verbs.h"
#include "http/request.h"

namespace klutch::apiserver {

/// From a request to the part of the server that answers it: who sends it, whether he may, which resource it
/// is about, which verb. All parts must outlive it.
class Dispatcher {
 public:
  struct Parts {
    Authenticator& authenticator;
    Access& access;
    Registry& registry;
    Verbs& verbs;
    Discovery& discovery;
    OpenApi& openapi;
    ServiceAccountTokens& tokens;
    /// For all but administrators (system:masters).
    RequestLimits& limits;
    /// Health and metrics.
    http::Handler infrastructure;
    /// How clients reach this server, "https://host:port".
    std::string url = {};
    /// Who did what. Null: it is not written down.
    AuditLog* audit = nullptr;
  };
  explicit Dispatcher(Parts parts) : parts_(std::move(parts)) {}

  Result<http::Response> operator()(Ctx& ctx, http::ServerRequest& request);

 private:
  struct Trail;
  Result<http::Response> answer(Ctx& ctx, http::ServerRequest& request, Trail& trail);
  void write_down(const http::ServerRequest& request, const Trail& trail,
                  const Result<http::Response>& response) const;
  Result<http::Response> serve_resource(Ctx& ctx, http::ServerRequest& request, RequestAttributes attributes,
                                        User user);
  Result<http::Response> serve_verb(Ctx& ctx, ApiRequest& api);
  Result<http::Response> serve_path(Ctx& ctx, http::ServerRequest& request,
                                    const RequestAttributes& attributes);

  Parts parts_;
};

}  // namespace klutch::apiserver
