// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/object_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace klutch::kube {
namespace {

/// Sorted and without duplicates, so that two answers can be compared.
std::vector<std::string> index_values(const IndexFunction& function, const Object& object) {
  std::vector<std::string> values = function(object);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

KeyView key_view(const Object& object) noexcept {
  return {ns(object), name(object)};
}

Lookup ObjectStore::get(const Key& key) const {
  if (ObjectPtr object = find({key.ns, key.name})) return {Presence::kPresent, std::move(object)};
  return {synced_ ? Presence::kAbsent : Presence::kUnknown, nullptr};
}

std::vector<ObjectPtr> ObjectStore::list() const {
  std::vector<ObjectPtr> all;
  all.reserve(table_.size());
  for (const auto& [key, held] : table_) all.push_back(held.object);
  return all;
}

std::vector<ObjectPtr> ObjectStore::list_namespace(std::string_view ns) const {
  std::vector<ObjectPtr> found;
  for (auto at = table_.lower_bound({ns, {}}); at != table_.end() && at->first.ns == ns; ++at) {
    found.push_back(at->second.object);
  }
  return found;
}

std::vector<ObjectPtr> ObjectStore::by_index(std::string_view name, std::string_view value) const {
  const auto index = indexes_.find(name);
  CHECK(index != indexes_.end());
  std::vector<ObjectPtr> found;
  const auto entries = index->second.entries.find(value);
  if (entries == index->second.entries.end()) return found;
  found.reserve(entries->second.size());
  for (const Entry* entry : entries->second) found.push_back(entry->second.object);
  return found;
}

ObjectPtr ObjectStore::find(KeyView key) const {
  const auto at = table_.find(key);
  return at == table_.end() ? nullptr : at->second.object;
}

ObjectPtr ObjectStore::put(ObjectPtr object) {
  const KeyView key = key_view(*object);
  const auto at = table_.lower_bound(key);
  if (at != table_.end() && at->first == key) {
    mark_seen(at->second);
    ObjectPtr before = at->second.object;  // keeps the old key alive while it is replaced
    replace(at, std::move(object));
    return before;
  }
  const auto added = table_.emplace_hint(at, key, Held{std::move(object)});
  mark_seen(added->second);
  for (auto& [name, index] : indexes_) {
    index.add(*added, index_values(index.function, *added->second.object));
  }
  return nullptr;
}

void ObjectStore::replace(Table::iterator at, ObjectPtr object) {
  for (auto& [name, index] : indexes_) {
    const auto before = index_values(index.function, *at->second.object);
    const auto now = index_values(index.function, *object);
    if (before == now) continue;
    index.remove(*at, before);
    index.add(*at, now);
  }
  // The key has to move into the new object. It compares the same, so the place in the table stays the same,
  // and with it the order of the indexes.
  const auto next = std::next(at);
  auto node = table_.extract(at);
  node.mapped().object = std::move(object);
  node.key() = key_view(*node.mapped().object);
  table_.insert(next, std::move(node));
}

ObjectPtr ObjectStore::remove(KeyView key) {
  const auto at = table_.find(key);
  if (at == table_.end()) return nullptr;
  for (auto& [name, index] : indexes_) {
    index.remove(*at, index_values(index.function, *at->second.object));
  }
  ObjectPtr removed = at->second.object;
  table_.erase(at);
  return removed;
}

void ObjectStore::begin_round() noexcept {
  ++round_;
  seen_ = 0;
}

bool ObjectStore::mark_seen(Held& held) noexcept {
  if (held.round == round_) return false;
  held.round = round_;
  ++seen_;
  return true;
}

bool ObjectStore::mark_seen(KeyView key) noexcept {
  const auto at = table_.find(key);
  return at != table_.end() && mark_seen(at->second);
}

std::vector<ObjectPtr> ObjectStore::unseen() const {
  std::vector<ObjectPtr> rest;
  for (const auto& [key, held] : table_) {
    if (held.round != round_) rest.push_back(held.object);
  }
  return rest;
}

void ObjectStore::add_index(const std::string& name, IndexFunction function) {
  const auto [at, added] = indexes_.try_emplace(name, Index{std::move(function)});
  if (!added) return;
  Index& index = at->second;
  for (const Entry& entry : table_) index.add(entry, index_values(index.function, *entry.second.object));
}

void ObjectStore::Index::add(const Entry& entry, const std::vector<std::string>& values) {
  for (const std::string& value : values) entries[value].insert(&entry);
}

void ObjectStore::Index::remove(const Entry& entry, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    const auto at = entries.find(value);
    CHECK(at != entries.end() && at->second.erase(&entry) == 1);  // the function gave another answer before
    if (at->second.empty()) entries.erase(at);
  }
}

}  // namespace klutch::kube
