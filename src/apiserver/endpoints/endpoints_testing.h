// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apiserver/endpoints/api_request.h"
#include "apiserver/registry/resource.h"
#include "apiserver/storage/storage.h"
#include "async/ctx.h"
#include "http/request.h"
#include "json/value.h"

// Requests and resources for the tests of this folder. A request stays where it was made.

namespace klutch::apiserver {

/// A custom kind: `widgets.ex.io`, field spec.color selectable, served as stored.
ServedPtr widgets();
/// The same kind stored as v1beta1: every object must be parsed and converted.
ServedPtr converted_widgets();
/// A built-in kind: core/v1 `configmaps`.
ServedPtr config_maps();

class TestRequest {
 public:
  TestRequest(ServedPtr resource, std::string target, http::Headers headers = {}, std::string method = "GET",
              std::string body = {});
  TestRequest(const TestRequest&) = delete;
  TestRequest& operator=(const TestRequest&) = delete;

  [[nodiscard]] ApiRequest& api() { return *api_; }
  [[nodiscard]] http::ServerRequest& http() { return *http_; }
  operator ApiRequest&() { return *api_; }

 private:
  http::BufferedRequestBody body_;
  std::unique_ptr<http::ServerRequest> http_;
  std::unique_ptr<ApiRequest> api_;
};

/// Stores `name` in the namespace (empty: none) with `extra` members, such as {"spec": {}} and labels; gives
/// the stored object.
StoredPtr put(Ctx& ctx, Storage& storage, const ServedPtr& resource, const kube::Key& key,
              const json::Value& extra = {}, const json::Value& labels = {});
/// Deletes with a last state that has the revision of the deletion.
StoredPtr drop(Ctx& ctx, Storage& storage, const ServedPtr& resource, const kube::Key& key);

/// The body as JSON; the test fails if it is none.
json::Value body_of(const http::Response& response);
/// What a client is told of `error`.
json::Value status_of(const Error& error, std::string_view target = "/");

}  // namespace klutch::apiserver
