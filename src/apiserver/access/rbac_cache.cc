// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/rbac_cache.h"

#include <array>
#include <map>
#include <string>
#include <utility>

#include "apiserver/auth/bootstrap_policy.h"

namespace klutch::apiserver {

struct RbacCache::State {
  template <class T>
  using ByName = std::map<std::string, std::shared_ptr<const T>, std::less<>>;
  /// By namespace, which is empty for the whole cluster; an empty map of names is not kept.
  template <class T>
  using ByNamespace = std::map<std::string, ByName<T>, std::less<>>;

  struct Source {
    std::string_view type;
    bool bindings;
    std::unique_ptr<StoreWatch> watch = {};
  };

  explicit State(Storage& store) : storage(store) {}

  Storage& storage;
  std::array<Source, 4> sources = {Source{kRolesType, false}, Source{kClusterRolesType, false},
                                   Source{kRoleBindingsType, true}, Source{kClusterRoleBindingsType, true}};
  bool loaded = false;
  Revision seen = 0;
  ByNamespace<PolicyRules> roles = {};
  ByNamespace<Binding> bindings = {};

  void refresh();
  void refresh(Source& source);
  void load(Source& source);
  void put(const Source& source, const StoredObject& object);
  void remove(const Source& source, const kube::Key& key);
};

void RbacCache::State::refresh() {
  const Revision now = storage.revision();
  if (loaded && seen == now) return;
  for (auto& source : sources) refresh(source);
  seen = now;
  loaded = true;
}

void RbacCache::State::refresh(Source& source) {
  if (source.watch == nullptr) load(source);
  while (true) {
    const auto event = source.watch->poll();
    if (!event) {
      load(source);
      return;
    }
    if (*event == nullptr) return;
    const StoreEvent& change = **event;
    if (change.deleted) {
      remove(source, change.after->key());
    } else {
      put(source, *change.after);
    }
  }
}

void RbacCache::State::load(Source& source) {
  // Both types of a kind share a map: those of the whole cluster are the ones without a namespace.
  const bool cluster_wide = source.type == kClusterRolesType || source.type == kClusterRoleBindingsType;
  const auto is_of_source = [cluster_wide](const auto& entry) { return entry.first.empty() == cluster_wide; };
  if (source.bindings) {
    std::erase_if(bindings, is_of_source);
  } else {
    std::erase_if(roles, is_of_source);
  }
  // The present is always there, and so is the history behind it.
  const auto page = storage.list(source.type, {});
  source.watch = *storage.watch(source.type, page->revision);
  for (const auto& object : page->objects) put(source, *object);
}

void RbacCache::State::put(const Source& source, const StoredObject& object) {
  const auto& [ns, name] = object.key();
  const json::Value value = object.to_value();
  if (!source.bindings) {
    roles[ns][name] = std::make_shared<const PolicyRules>(policy_rules_of(value));
    return;
  }
  // What counts is where it is stored, not what it says about itself.
  auto binding = Binding::from_json(value);
  binding.name = name;
  binding.ns = ns;
  bindings[ns][name] = std::make_shared<const Binding>(std::move(binding));
}

void RbacCache::State::remove(const Source& source, const kube::Key& key) {
  const auto remove_from = [&](auto& by_namespace) {
    const auto found = by_namespace.find(key.ns);
    if (found == by_namespace.end()) return;
    found->second.erase(key.name);
    if (found->second.empty()) by_namespace.erase(found);
  };
  if (source.bindings) {
    remove_from(bindings);
  } else {
    remove_from(roles);
  }
}

RbacCache::RbacCache(Storage& storage) : state_(std::make_unique<State>(storage)) {}

RbacCache::~RbacCache() = default;

std::vector<RbacObjects::BindingPtr> RbacCache::cluster_role_bindings() const {
  return role_bindings("");
}

std::vector<RbacObjects::BindingPtr> RbacCache::role_bindings(std::string_view ns) const {
  state_->refresh();
  std::vector<BindingPtr> some;
  const auto found = state_->bindings.find(ns);
  if (found == state_->bindings.end()) return some;
  some.reserve(found->second.size());
  for (const auto& [name, binding] : found->second) some.push_back(binding);
  return some;
}

std::shared_ptr<const PolicyRules> RbacCache::rules_of_role(std::string_view ns,
                                                            std::string_view name) const {
  state_->refresh();
  const auto in_namespace = state_->roles.find(ns);
  if (in_namespace == state_->roles.end()) return nullptr;
  const auto found = in_namespace->second.find(name);
  return found == in_namespace->second.end() ? nullptr : found->second;
}

}  // namespace klutch::apiserver
