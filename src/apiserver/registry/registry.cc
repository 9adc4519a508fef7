// SPDX-License-Identifier: Apache-2.0
#include "apiserver/registry/registry.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

namespace klutch::apiserver {
namespace {

/// A version as its parts: v1beta2 is {1, stability 1, 2}. Stability: 2 stable, 1 beta, 0 alpha; -1: another
/// text.
struct VersionRank {
  int stability = -1;
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
};

/// Takes a number without sign and leading zeros from the front of `text`; 0: there is none.
std::uint64_t take_version_number(std::string_view& text) {
  std::uint64_t number = 0;
  if (text.empty() || text.front() == '0') return 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

VersionRank rank_of_version(std::string_view text) {
  VersionRank rank;
  if (!text.starts_with('v')) return {};
  text.remove_prefix(1);
  rank.major = take_version_number(text);
  if (rank.major == 0) return {};
  if (text.empty()) {
    rank.stability = 2;
    return rank;
  }
  const bool beta = text.starts_with("beta");
  if (!beta && !text.starts_with("alpha")) return {};
  text.remove_prefix(beta ? 4 : 5);
  rank.minor = take_version_number(text);
  if (rank.minor == 0 || !text.empty()) return {};
  rank.stability = beta ? 1 : 0;
  return rank;
}

bool comes_before(const ServedPtr& a, const ServedPtr& b) {
  return a->description.type.resource < b->description.type.resource;
}

}  // namespace

bool is_preferred_version(std::string_view a, std::string_view b) {
  const VersionRank rank_a = rank_of_version(a);
  const VersionRank rank_b = rank_of_version(b);
  const auto key_a = std::tuple(rank_a.stability, rank_a.major, rank_a.minor);
  const auto key_b = std::tuple(rank_b.stability, rank_b.major, rank_b.minor);
  if (key_a != key_b) return key_a > key_b;
  return a < b;
}

bool ResourceDescription::allows(std::string_view verb) const {
  return std::ranges::find(verbs, verb) != verbs.end();
}

const SubresourceDescription* ResourceDescription::subresource(std::string_view name) const {
  const auto found = std::ranges::find(subresources, name, &SubresourceDescription::name);
  return found == subresources.end() ? nullptr : &*found;
}

struct Registry::State {
  State(Storage& store, std::vector<ServedPtr> fixed, DefinitionReader reader)
      : storage(store), builtin(std::move(fixed)), read_definition(std::move(reader)) {}

  Storage& storage;
  std::vector<ServedPtr> builtin;
  DefinitionReader read_definition;

  std::unique_ptr<StoreWatch> watch = {};
  std::map<std::string, std::vector<ServedPtr>, std::less<>> custom = {};  // by the definition's name
  std::vector<Group> groups = {};
  std::map<std::tuple<std::string, std::string, std::string>, ServedPtr> by_path = {};
  std::map<std::string, ServedPtr, std::less<>> by_storage_type = {};
  std::uint64_t generation = 0;

  void refresh();
  void reload();
  /// True if what is served may have changed.
  bool take(const StoreEvent& event);
  void index();
  void add(const ServedPtr& served);
};

void Registry::State::refresh() {
  if (watch == nullptr) reload();
  bool changed = false;
  while (true) {
    const auto event = watch->poll();
    if (!event) {
      reload();
      return;
    }
    if (*event == nullptr) break;
    changed = take(**event) || changed;
  }
  if (changed) index();
}

void Registry::State::reload() {
  custom.clear();
  // The present is always there, and so is the history behind it.
  auto page = storage.list(kDefinitionsType, {});
  auto fresh = storage.watch(kDefinitionsType, page->revision);
  watch = *std::move(fresh);
  for (const auto& definition : page->objects) {
    auto resources = read_definition(definition);
    if (!resources.empty()) custom[definition->key().name] = std::move(resources);
  }
  index();
}

bool Registry::State::take(const StoreEvent& event) {
  const std::string& name = event.after->key().name;
  auto resources = event.deleted ? std::vector<ServedPtr>() : read_definition(event.after);
  if (resources.empty()) return custom.erase(name) != 0;
  custom[name] = std::move(resources);
  return true;
}

void Registry::State::index() {
  ++generation;
  groups.clear();
  by_path.clear();
  by_storage_type.clear();
  for (const auto& served : builtin) add(served);
  for (const auto& [name, resources] : custom) {
    for (const auto& served : resources) add(served);
  }
  std::ranges::sort(groups, {}, &Group::name);
  for (auto& group : groups) {
    std::ranges::sort(group.versions, is_preferred_version, &Version::version);
    for (auto& version : group.versions) std::ranges::sort(version.resources, comes_before);
    for (const auto& version : group.versions) {
      for (const auto& served : version.resources) {
        const auto& type = served->description.type;
        if (served->storage_type.empty()) continue;
        auto& stored = by_storage_type[served->storage_type];
        if (stored == nullptr || type.api_version() == served->stored_api_version) stored = served;
      }
    }
  }
}

void Registry::State::add(const ServedPtr& served) {
  const auto& type = served->description.type;
  // A definition cannot take the place of what is there already.
  if (!by_path.try_emplace({type.group, type.version, type.resource}, served).second) return;
  auto group = std::ranges::find(groups, type.group, &Group::name);
  if (group == groups.end()) group = groups.insert(groups.end(), Group{.name = type.group});
  auto version = std::ranges::find(group->versions, type.version, &Version::version);
  if (version == group->versions.end()) {
    version = group->versions.insert(group->versions.end(), Version{.version = type.version});
  }
  version->resources.push_back(served);
}

Registry::Registry(Storage& storage, std::vector<ServedPtr> builtin, DefinitionReader read_definition)
    : state_(std::make_unique<State>(storage, std::move(builtin), std::move(read_definition))) {}

Registry::~Registry() = default;

ServedPtr Registry::find(std::string_view group, std::string_view version, std::string_view resource) {
  state_->refresh();
  const auto found = state_->by_path.find({std::string(group), std::string(version), std::string(resource)});
  return found == state_->by_path.end() ? nullptr : found->second;
}

ServedPtr Registry::find_stored(std::string_view storage_type) {
  state_->refresh();
  const auto found = state_->by_storage_type.find(storage_type);
  return found == state_->by_storage_type.end() ? nullptr : found->second;
}

ServedPtr Registry::find_kind(std::string_view api_version, std::string_view kind) {
  for (const auto& group : groups()) {
    for (const auto& version : group.versions) {
      for (const auto& served : version.resources) {
        const auto& type = served->description.type;
        if (type.kind == kind && type.api_version() == api_version) return served;
      }
    }
  }
  return nullptr;
}

const std::vector<Registry::Group>& Registry::groups() {
  state_->refresh();
  return state_->groups;
}

std::uint64_t Registry::generation() {
  state_->refresh();
  return state_->generation;
}

}  // namespace klutch::apiserver
