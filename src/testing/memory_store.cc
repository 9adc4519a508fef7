// SPDX-License-Identifier: Apache-2.0
#include "testing/memory_store.h"

#include <utility>

#include "base/check.h"

namespace klutch::testing {

ServedType& MemoryStore::add_type(ServedType type) {
  auto& table = tables_[type.type.group_resource()];
  if (!table) table = std::make_unique<Table>();
  table->type = std::move(type);
  return table->type;
}

ServedType* MemoryStore::find_type(const kube::GroupResource& name) {
  const auto found = tables_.find(name);
  return found == tables_.end() || !found->second->type.served ? nullptr : &found->second->type;
}

std::vector<const ServedType*> MemoryStore::types() const {
  std::vector<const ServedType*> all;
  for (const auto& [name, table] : tables_) {
    if (table->type.served) all.push_back(&table->type);
  }
  return all;
}

const MemoryStore::Table& MemoryStore::table(const ServedType& type) const {
  const auto found = tables_.find(type.type.group_resource());
  CHECK(found != tables_.end());
  return *found->second;
}

void MemoryStore::compact(std::uint64_t up_to) {
  while (!history_.empty() && history_.front().revision <= up_to) {
    compacted_ = history_.front().revision;
    history_.pop_front();
  }
}

kube::ObjectPtr MemoryStore::find(const ServedType& type, const kube::Key& key) const {
  const auto& all = objects(type);
  const auto found = all.find(key);
  return found == all.end() ? nullptr : found->second;
}

const MemoryStore::Objects& MemoryStore::objects(const ServedType& type) const {
  return table(type).objects;
}

MemoryStore::Objects MemoryStore::objects_at(const ServedType& type, std::uint64_t revision) const {
  CHECK(revision >= compacted_ && revision <= revision_);
  Objects state = objects(type);
  for (auto change = history_.rbegin(); change != history_.rend() && change->revision > revision; ++change) {
    if (change->type != &type) continue;
    if (change->before) {
      state[change->key] = change->before;
    } else {
      state.erase(change->key);
    }
  }
  return state;
}

kube::ObjectPtr MemoryStore::put(const ServedType& type, const kube::Key& key, kube::Object object) {
  object["metadata"].set("resourceVersion", std::to_string(revision_ + 1));
  auto now = std::make_shared<const kube::Object>(std::move(object));
  auto& place = tables_.at(type.type.group_resource())->objects[key];
  auto before = std::exchange(place, now);
  record(type, key, std::move(before), now);
  return now;
}

void MemoryStore::erase(const ServedType& type, const kube::Key& key) {
  auto& all = tables_.at(type.type.group_resource())->objects;
  const auto found = all.find(key);
  CHECK(found != all.end());
  auto before = std::move(found->second);
  all.erase(found);
  record(type, key, std::move(before), nullptr);
}

void MemoryStore::record(const ServedType& type, const kube::Key& key, kube::ObjectPtr before,
                         kube::ObjectPtr now) {
  history_.push_back({++revision_, &type, key, std::move(before), std::move(now)});
  if (history_.size() > history_limit_) compact(history_.front().revision);
  changed_.wake_all();
}

const MemoryStore::Change* MemoryStore::change_after(std::uint64_t revision) const {
  CHECK(revision >= compacted_);
  if (revision >= revision_) return nullptr;
  return &history_[history_.size() - static_cast<std::size_t>(revision_ - revision)];
}

Result<> MemoryStore::wait_for_change(Ctx& ctx, std::uint64_t revision) {
  if (revision < revision_) return {};
  const auto wake = changed_.wait(ctx);
  if (wake == async::Wake::kTimedOut) return {};
  return async::to_result(wake, "a change");
}

}  // namespace klutch::testing
