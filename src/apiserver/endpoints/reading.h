// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/endpoints/api_request.h"
#include "apiserver/storage/storage.h"
#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "http/query.h"
#include "kube/api/selector.h"

// The verbs that change nothing: get, list, watch.

namespace klutch::apiserver {

struct ReadContext {
  const Storage& storage;
  const Clock& clock;
};

/// kNotFound as Kubernetes says it: `widgets.ex.io "x" not found`.
Error not_found(const ServedResource& resource, std::string_view name);

Result<http::Response> serve_get(Ctx& ctx, ApiRequest& request, const ReadContext& context);
/// Pages are of one snapshot; resourceVersion and resourceVersionMatch as Kubernetes reads them.
Result<http::Response> serve_list(Ctx& ctx, ApiRequest& request, const ReadContext& context);
/// Streams events until the client leaves, the time is over or the server stops; an ERROR event with a Status
/// ends a watch that cannot go on.
Result<http::Response> serve_watch(Ctx& ctx, ApiRequest& request, Storage& storage, const Clock& clock);

/// Which objects a list, watch or collection delete is about. Parsed from labelSelector and fieldSelector:
/// kBadRequest for unknown fields.
struct ObjectFilter {
  kube::LabelSelector labels = {};
  kube::FieldSelector fields = {};

  static Result<ObjectFilter> from_query(const ServedResource& resource, const http::Query& query);
  [[nodiscard]] bool selects_everything() const noexcept;
  [[nodiscard]] bool matches(const ServedResource& resource, const StoredObject& object) const;
};

}  // namespace klutch::apiserver
