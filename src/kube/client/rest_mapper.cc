// SPDX-License-Identifier: Apache-2.0
#include "kube/client/rest_mapper.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace klutch::kube {
namespace {

/// How the group of a resource has to look. `version` empty: any.
struct GroupFilter {
  std::optional<std::string_view> group = {};  ///< nothing: any
  std::string_view version = {};
  bool prefix = false;

  [[nodiscard]] bool takes(const ApiGroup& candidate) const {
    if (!group) return true;
    return prefix ? candidate.name.starts_with(*group) : candidate.name == *group;
  }
};

template <class Predicate>
const ApiResource* first_match(const ApiCatalog& catalog, const GroupFilter& filter, Predicate matches) {
  for (const auto& group : catalog.groups) {
    if (!filter.takes(group)) continue;
    for (const auto& version : group.versions) {
      if (!filter.version.empty() && version.version != filter.version) continue;
      for (const auto& resource : version.resources) {
        if (matches(resource)) return &resource;
      }
    }
  }
  return nullptr;
}

/// By plural or singular name; a short name only where there is no such name.
const ApiResource* by_name(const ApiCatalog& catalog, const GroupFilter& filter, std::string_view name) {
  const auto lower = to_lower(name);
  const auto full = [&](const ApiResource& resource) {
    return resource.type.resource == lower || resource.singular == lower;
  };
  if (const auto* found = first_match(catalog, filter, full)) return found;
  return first_match(catalog, filter, [&](const ApiResource& resource) {
    const auto& names = resource.short_names;
    return std::find(names.begin(), names.end(), lower) != names.end();
  });
}

const ApiResource* by_kind_in(const ApiCatalog& catalog, const GroupFilter& filter, std::string_view kind) {
  return first_match(catalog, filter,
                     [&](const ApiResource& resource) { return resource.type.kind == kind; });
}

/// The first failures, for whom they may explain why something is not found.
std::string mention_failures(const ApiCatalog& catalog) {
  constexpr std::size_t kMost = 3;
  if (catalog.failures.empty()) return {};
  std::string text = "; parts of its API cannot be read now: ";
  for (std::size_t i = 0; i < catalog.failures.size() && i < kMost; ++i) {
    const auto& [version, error] = catalog.failures[i];
    if (i > 0) text += ", ";
    text += version.version.empty() ? error.message() : version.to_string() + " (" + error.message() + ")";
  }
  if (catalog.failures.size() > kMost) text += " and more";
  return text;
}

}  // namespace

const ApiResource* find_by_argument(const ApiCatalog& catalog, std::string_view argument) {
  const auto rest = split_once(argument, ".");
  const auto name = rest ? rest->first : argument;
  if (rest) {
    // "resource.version.group" before "resource.group", because a group has dots of its own.
    if (const auto parts = split_once(rest->second, ".")) {
      const GroupFilter exact{.group = parts->second, .version = parts->first};
      if (const auto* found = by_name(catalog, exact, name)) return found;
    }
    for (const bool prefix : {false, true}) {
      const GroupFilter group{.group = rest->second, .prefix = prefix};
      if (const auto* found = by_name(catalog, group, name)) return found;
    }
    if (const auto parts = split_once(rest->second, ".")) {
      const GroupFilter exact{.group = parts->second, .version = parts->first};
      if (const auto* found = by_kind_in(catalog, exact, name)) return found;
    }
    return by_kind_in(catalog, {.group = rest->second}, name);
  }
  if (const auto* found = by_name(catalog, {}, name)) return found;
  return by_kind_in(catalog, {}, name);
}

/// One reload that several fibers wait for.
struct RestMapper::Flight {
  async::Event ended;
  Result<ApiCatalogPtr> outcome = fail(Code::kCancelled, "the reload was given up");
};

Result<ApiCatalogPtr> RestMapper::reload(Ctx& ctx) {
  while (flight_) {
    const auto flight = flight_;
    TRY(flight->ended.wait(ctx));
    const bool given_up = !flight->outcome && (is(flight->outcome.error(), Code::kCancelled) ||
                                               is(flight->outcome.error(), Code::kTimeout));
    if (!given_up) return flight->outcome;
    TRY(ctx.check());
  }
  // Lands whatever happens, so that nobody waits for ever.
  struct Landing {
    ~Landing() {
      owner.flight_.reset();
      flight->ended.set();
    }
    RestMapper& owner;
    std::shared_ptr<Flight> flight;
  };
  flight_ = std::make_shared<Flight>();
  const Landing landing{*this, flight_};
  landing.flight->outcome = discovery_.load(ctx);
  if (landing.flight->outcome) {
    catalog_ = *landing.flight->outcome;
    loaded_at_ = ctx.now();
  }
  return landing.flight->outcome;
}

Result<ApiCatalogPtr> RestMapper::catalog(Ctx& ctx) {
  if (catalog_) return catalog_;
  return reload(ctx);
}

bool RestMapper::may_reload(const Ctx& ctx) const {
  return flight_ || ctx.now() - loaded_at_ >= options_.reload_interval;
}

Result<ResourceType> RestMapper::find(Ctx& ctx, const Search& search, const std::string& not_found) {
  auto known = TRY(catalog(ctx));
  const auto* found = search(*known);
  if (found == nullptr && may_reload(ctx)) {
    known = TRY(reload(ctx));
    found = search(*known);
  }
  if (found != nullptr) return found->type;
  return fail(Code::kNotFound, not_found + mention_failures(*known));
}

Result<ResourceType> RestMapper::by_kind(Ctx& ctx, const GroupKind& kind) {
  const auto search = [&](const ApiCatalog& catalog) {
    return by_kind_in(catalog, {.group = kind.group}, kind.kind);
  };
  return find(ctx, search, "no matches for kind " + quote(kind.kind) + " in group " + quote(kind.group));
}

Result<ResourceType> RestMapper::by_kind(Ctx& ctx, const GroupVersion& version, std::string_view kind) {
  const auto search = [&](const ApiCatalog& catalog) {
    return by_kind_in(catalog, {.group = version.group, .version = version.version}, kind);
  };
  return find(ctx, search,
              "no matches for kind " + quote(kind) + " in version " + quote(version.to_string()));
}

Result<ResourceType> RestMapper::by_object(Ctx& ctx, const Object& object) {
  const auto version =
      TRY(GroupVersion::parse(api_version(object)).map_error(context("cannot read apiVersion")));
  if (kind(object).empty()) return fail(Code::kInvalid, "the object has no kind");
  return by_kind(ctx, version, kind(object));
}

Result<ResourceType> RestMapper::by_argument(Ctx& ctx, std::string_view argument) {
  const auto search = [&](const ApiCatalog& catalog) { return find_by_argument(catalog, argument); };
  const auto name = argument.substr(0, argument.find('.'));
  return find(ctx, search, "the server doesn't have a resource type " + quote(name));
}

Result<std::vector<ResourceType>> RestMapper::by_category(Ctx& ctx, std::string_view category) {
  const auto known = TRY(catalog(ctx));
  std::vector<ResourceType> types;
  for (const auto& group : known->groups) {
    for (const auto& version : group.versions) {
      for (const auto& resource : version.resources) {
        const auto& categories = resource.categories;
        if (std::find(categories.begin(), categories.end(), category) == categories.end()) continue;
        const bool have = std::any_of(types.begin(), types.end(), [&](const ResourceType& type) {
          return type.group_resource() == resource.type.group_resource();
        });
        if (!have) types.push_back(resource.type);
      }
    }
  }
  return types;
}

}  // namespace klutch::kube
