// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "http/request.h"
#include "kube/api/object.h"
#include "kube/api/resource.h"
#include "kube/api/selector.h"
#include "kube/api/status.h"
#include "testing/memory_store.h"
#include "testing/server_faults.h"

// The inside of MemoryApiServer: what its handlers share. Requests come in parsed, objects or responses go
// out. Loop thread only. For tests only.

namespace klutch::testing {

/// What a path under /api or /apis names.
struct ApiTarget {
  const ServedType* type = nullptr;
  kube::Key key = {};  ///< `name` empty for collections
  std::string subresource = {};
  std::string verb = {};  ///< as RBAC spells it
};

struct MemoryApi {
  explicit MemoryApi(std::size_t history, std::uint64_t seed) : store(history), faults(seed) {}

  MemoryStore store;
  ServerFaults faults;
  bool watch_lists = true;
  Duration bookmark_interval = std::chrono::minutes(1);
  std::string token = {};
  std::map<std::pair<std::string, std::string>, std::size_t> requests = {};  // verb, resource
  std::size_t bookmark_wishes = 0;  // of MemoryApiServer::send_bookmarks()
  std::size_t watches = 0;          // open now
};

// --- Errors, each with its Status ---

tl::unexpected<Error> api_error(int code, std::string reason, std::string message);
tl::unexpected<Error> not_found(const ServedType& type, const std::string& name);
tl::unexpected<Error> conflict(const ServedType& type, const std::string& name, const std::string& why);
tl::unexpected<Error> expired(const std::string& message, std::string continue_token = {});
/// `kind` is the Kind, with group, of the object or options that are wrong.
tl::unexpected<Error> invalid(const std::string& kind, const std::string& name,
                              std::vector<kube::StatusCause> causes);
/// Of the options of a request, such as "ListOptions".
tl::unexpected<Error> invalid_option(const std::string& options, const std::string& field,
                                     const std::string& message);
http::Response render_status(const Error& error, const http::ServerRequest& request);

// --- Forms ---

/// Whether the client wants PartialObjectMetadata. 406 if it accepts nothing that there is.
Result<bool> wants_metadata_only(const http::Headers& headers);
/// `object` as PartialObjectMetadata.
kube::Object to_partial(const kube::Object& object);
http::Response json_response(int status, const json::Value& value);

/// The selectors of a list or watch.
struct Selection {
  std::string ns = {};
  kube::LabelSelector labels = {};
  kube::FieldSelector fields = {};
  [[nodiscard]] bool matches(const kube::Key& key, const kube::Object& object) const;
};
Result<Selection> read_selection(const ApiTarget& target, const http::Query& query);

// --- Verbs ---

Result<http::Response> get_object(MemoryApi& api, const http::ServerRequest& request,
                                  const ApiTarget& target);
Result<http::Response> list_objects(MemoryApi& api, const http::ServerRequest& request,
                                    const ApiTarget& target);
/// `api` must outlive the response. `fault` may be one of those for watches.
Result<http::Response> watch_objects(MemoryApi& api, const http::ServerRequest& request,
                                     const ApiTarget& target, const std::optional<Fault>& fault);
/// create, update, patch, delete, deletecollection
Result<http::Response> write_objects(MemoryApi& api, Ctx& ctx, http::ServerRequest& request,
                                     const ApiTarget& target);
/// Makes `object`, ready as it is, part of the initial state.
void seed_object(MemoryApi& api, const ServedType& type, kube::Object object);

/// Anything outside of the resources: discovery, /version, health. Nothing if there is no such path.
std::optional<http::Response> discover(const MemoryApi& api, const http::ServerRequest& request);

}  // namespace klutch::testing
