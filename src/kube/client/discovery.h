// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "base/error.h"
#include "base/result.h"
#include "kube/api/resource.h"
#include "kube/client/client.h"

// What an API server serves: groups, versions and resources. Asked for in two requests where the server has
// aggregated discovery (KEP-3352), else one by one. A catalog is an immutable value that any thread may read;
// Discovery belongs to one loop.
//
//   kube::Discovery discovery(client);
//   const auto catalog = TRY(discovery.load(ctx));
//   for (const auto& group : catalog->groups) ...

namespace klutch::kube {

struct ApiSubresource {
  std::string name = {};  ///< "status", "scale"
  GroupVersion group_version = {};
  std::string kind = {};
  std::vector<std::string> verbs = {};
};

struct ApiResource {
  ResourceType type = {};
  std::string singular = {};  ///< lower case; the kind in lower case where the server gives none
  std::vector<std::string> verbs = {};
  std::vector<std::string> short_names = {};
  std::vector<std::string> categories = {};
  std::vector<ApiSubresource> subresources = {};

  [[nodiscard]] bool has_verb(std::string_view verb) const noexcept;
  [[nodiscard]] bool has_subresource(std::string_view name) const noexcept;
};

struct ApiVersion {
  std::string version = {};
  std::vector<ApiResource> resources = {};
};

struct ApiGroup {
  std::string name = {};                  ///< empty for the core group
  std::vector<ApiVersion> versions = {};  ///< the one the server prefers first
};

/// A part of the API that could not be read now, such as one whose own server is down. What the server last
/// knew of it may be in the catalog all the same.
struct DiscoveryFailure {
  GroupVersion group_version = {};
  Error error;
};

struct ApiCatalog {
  std::vector<ApiGroup> groups = {};  ///< in the server's order, the core group first
  std::vector<DiscoveryFailure> failures = {};

  [[nodiscard]] const ApiGroup* find_group(std::string_view name) const noexcept;
  /// The resource of exactly this group, version and plural name.
  [[nodiscard]] const ApiResource* find(const GroupVersion& version,
                                        std::string_view resource) const noexcept;
  [[nodiscard]] std::size_t resource_count() const noexcept;
};
using ApiCatalogPtr = std::shared_ptr<const ApiCatalog>;

class Discovery {
 public:
  /// `client` must outlive this.
  explicit Discovery(Client& client) : client_(client) {}

  /// Asks the server. Where it says by ETag that nothing changed, the same catalog again. One part that
  /// cannot be read is a failure in the catalog, not an error. Errors: those of the client, and kInternal for
  /// answers that are no discovery.
  Result<ApiCatalogPtr> load(Ctx& ctx);

 private:
  /// One of the two roots, "/api" and "/apis", as last seen.
  struct Root {
    std::string etag = {};
    std::vector<ApiGroup> groups = {};
    std::vector<DiscoveryFailure> failures = {};
  };

  /// True if there is something new in `root`.
  Result<bool> load_root(Ctx& ctx, std::string_view path, Root& root);
  Result<> load_legacy(Ctx& ctx, const Object& answer, std::string_view path, Root& root);

  Client& client_;
  Root core_;
  Root groups_;
  bool changed_ = true;  // since current_ was made
  ApiCatalogPtr current_;
};

/// Reads an APIGroupDiscoveryList of either version. What is malformed in it is left out.
void read_aggregated(const Object& list, std::vector<ApiGroup>& groups,
                     std::vector<DiscoveryFailure>& failures);
/// Reads an APIResourceList; kInternal if it is none.
Result<ApiVersion> read_resource_list(const Object& list, const GroupVersion& group_version);

}  // namespace klutch::kube
