// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "async/event.h"
#include "base/result.h"
#include "kube/api/object.h"
#include "kube/api/resource.h"
#include "kube/client/discovery.h"

// From a kind, or from what a person types, to the resource that an API server serves for it. Asks for
// discovery when first needed, and again when something is not found, because a custom type may be new; but
// not more often than every few seconds. Of several matches the first in the server's order counts, as in
// kubectl. Belongs to one loop; any number of fibers may ask at once, and they share one reload.
//
//   kube::RestMapper mapper(client);
//   const auto type = TRY(mapper.by_argument(ctx, "deploy"));  // apps/v1 deployments

namespace klutch::kube {

class RestMapper {
 public:
  struct Options {
    /// The shortest time between two reloads because of a miss.
    Duration reload_interval = std::chrono::seconds(3);
  };

  /// `client` must outlive this.
  explicit RestMapper(Client& client) : RestMapper(client, Options{}) {}
  RestMapper(Client& client, Options options) : discovery_(client), options_(options) {}

  /// In the version that the server prefers. kNotFound, like the next three, if the server has no such type.
  Result<ResourceType> by_kind(Ctx& ctx, const GroupKind& kind);
  Result<ResourceType> by_kind(Ctx& ctx, const GroupVersion& version, std::string_view kind);
  /// By apiVersion and kind. kInvalid if the object lacks them.
  Result<ResourceType> by_object(Ctx& ctx, const Object& object);
  /// By what follows `kubectl get`: plural, singular, short name or kind, perhaps with ".group" or
  /// ".version.group"; the beginning of a group will do.
  Result<ResourceType> by_argument(Ctx& ctx, std::string_view argument);
  /// All resources of a category, such as "all", each in the preferred version of its group. Empty if there
  /// is no such category.
  Result<std::vector<ResourceType>> by_category(Ctx& ctx, std::string_view category);

  /// What is known now, loaded if nothing is.
  Result<ApiCatalogPtr> catalog(Ctx& ctx);
  /// Asks the server now.
  Result<ApiCatalogPtr> reload(Ctx& ctx);

 private:
  using Search = std::function<const ApiResource*(const ApiCatalog&)>;
  struct Flight;
  Result<ResourceType> find(Ctx& ctx, const Search& search, const std::string& not_found);
  [[nodiscard]] bool may_reload(const Ctx& ctx) const;

  Discovery discovery_;
  Options options_;
  ApiCatalogPtr catalog_;
  Instant loaded_at_{};
  std::shared_ptr<Flight> flight_;
};

/// The search behind by_argument(), without a server.
const ApiResource* find_by_argument(const ApiCatalog& catalog, std::string_view argument);

}  // namespace klutch::kube
