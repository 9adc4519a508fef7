// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/quota_status.h"

#include <utility>

#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kQuotas = "resourcequotas";
constexpr std::string_view kCountPrefix = "count/";

/// How much of what a quota calls `name` is used in `ns`.
std::string used_of(const ControllerAccess& access, std::string_view name, std::string_view ns) {
  if (name.starts_with(kCountPrefix)) name.remove_prefix(kCountPrefix.size());
  // What is no type in the store, such as "requests.cpu", counts as 0.
  return std::to_string(access.storage().count(name, ns));
}

}  // namespace

void QuotaStatus::begin(const ControllerAccess& access, const Enqueue& enqueue) {
  for (const auto& quota : access.list(kQuotas)) {
    const auto key = kube::key(quota);
    quotas_[key.ns].insert(key.name);
    enqueue(key.to_string());
  }
}

void QuotaStatus::observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) {
  const auto& key = event.after->key();
  if (type == kQuotas) {
    if (event.deleted) {
      quotas_[key.ns].erase(key.name);
      if (quotas_[key.ns].empty()) quotas_.erase(key.ns);
    } else {
      quotas_[key.ns].insert(key.name);
      enqueue(key.to_string());
    }
  }
  // Numbers change when objects come and go.
  if (quotas_.empty() || (event.before != nullptr && !event.deleted)) return;
  const auto here = quotas_.find(key.ns);
  if (here == quotas_.end()) return;
  for (const auto& quota : here->second) enqueue(kube::Key{key.ns, quota}.to_string());
}

Result<std::optional<Duration>> QuotaStatus::reconcile(Ctx& ctx, ControllerAccess& access,
                                                       const std::string& key) {
  const auto place = TRY(kube::Key::parse(key));
  auto quota = access.get(kQuotas, place);
  if (!quota) return kUntilChange;
  json::Value hard = json::Value::empty_object();
  json::Value used = json::Value::empty_object();
  const auto* spec = quota->find_object("spec");
  const auto* limits = spec == nullptr ? nullptr : spec->find_object("hard");
  if (limits != nullptr) {
    hard = *limits;
    for (const auto& [name, limit] : limits->members()) used.set(name, used_of(access, name, place.ns));
  }
  json::Value updated = *quota;
  json::Value& status = updated["status"];
  if (!status.is_object()) status = json::Value::empty_object();
  status.set("hard", std::move(hard));
  status.set("used", std::move(used));
  if (updated == *quota) return kUntilChange;
  TRY(access.update(ctx, kQuotas, std::move(updated), "status"));
  return kUntilChange;
}

}  // namespace klutch::apiserver
