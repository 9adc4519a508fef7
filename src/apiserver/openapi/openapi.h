// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/discovery/document.h"
#include "apiserver/registry/registry.h"
#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "http/request.h"

// Answers `/openapi/v3`, the document of each group and version below it, and `/openapi/v2` in JSON and in
// protobuf. A document is made when it is first asked for and made anew when what it describes changes: a
// definition of another group leaves it alone. Kept compressed, since that is how clients ask for it. Loop
// thread only; may suspend to compress. Errors carry a Status, or are page_not_found().
//
//   OpenApi openapi(registry, clock);
//   if (OpenApi::handles(request)) return openapi.serve(ctx, request);

namespace klutch::apiserver {

class OpenApi {
 public:
  /// Both must outlive it.
  OpenApi(Registry& registry, const Clock& clock) : registry_(registry), clock_(clock) {}

  static bool handles(const http::ServerRequest& request);
  /// For requests that it handles.
  Result<http::Response> serve(Ctx& ctx, const http::ServerRequest& request);

 private:
  /// A document whose bytes are there while somebody may want them.
  struct Entry {
    Document document = {};  ///< its bytes may be gone
    std::shared_ptr<const std::string> compressed = {};
  };
  using EntryPtr = std::shared_ptr<Entry>;
  /// Of one group and version.
  struct Part {
    std::vector<ServedPtr> resources = {};
    EntryPtr entry = {};  ///< null: not made yet
  };
  /// Makes the bytes of an entry.
  using Producer = std::function<std::string()>;

  void refresh();
  const Document& index();
  const EntryPtr& entry_of(Part& part);
  Result<http::Response> serve_part(Ctx& ctx, const http::ServerRequest& request);
  Result<http::Response> serve_v2(Ctx& ctx, const http::ServerRequest& request);
  static Result<http::Response> send(Ctx& ctx, const http::ServerRequest& request, EntryPtr entry,
                                     const Producer& produce);

  Registry& registry_;
  const Clock& clock_;
  std::uint64_t generation_ = 0;
  std::map<std::string, Part, std::less<>> parts_ = {};  // by "apis/apps/v1"
  Document index_ = {};
  EntryPtr swagger_json_ = {};
  EntryPtr swagger_protobuf_ = {};
};

}  // namespace klutch::apiserver
