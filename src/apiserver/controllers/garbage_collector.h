// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "apiserver/controllers/controller.h"
#include "kube/api/object.h"

namespace klutch::apiserver {

/// Deletes objects whose owners are all gone, and carries out the deletion of owners in the foreground or
/// with orphans (Kubernetes, "Garbage Collection"). Never deletes for an owner of a kind that it does not
/// know. Holds the names of objects that have owners, nothing of others.
class GarbageCollector final : public Controller {
 public:
  [[nodiscard]] std::string_view name() const override { return "garbage-collector"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  /// Keys are "type namespace name", namespace "-" if there is none.
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;

 private:
  struct Place {
    std::string type = {};
    kube::Key key = {};
    auto operator<=>(const Place&) const = default;
  };
  /// How an owner stands.
  enum class OwnerState { kSolid, kGone, kWaiting, kUnknown };

  static std::string to_key(const Place& place);
  static Place from_key(const std::string& key);
  void note(const Place& place, std::vector<std::string> owners);
  static OwnerState state_of(const ControllerAccess& access, const kube::OwnerReference& owner,
                             const std::string& ns);
  Result<> orphan(Ctx& ctx, ControllerAccess& access, const Place& place, const json::Value& object);
  Result<bool> delete_dependents(Ctx& ctx, ControllerAccess& access, const json::Value& object);
  Result<std::optional<Duration>> collect(Ctx& ctx, ControllerAccess& access, const Place& place,
                                          const json::Value& object);
  [[nodiscard]] std::vector<Place> dependents_of(std::string_view uid) const;

  std::map<std::string, std::set<Place>, std::less<>> dependents_ = {};  // by the owner's uid
  std::map<Place, std::vector<std::string>> owners_ = {};                // their uids
  std::map<std::string, Place> waiting_ = {};  // owners that are deleted in the foreground, by uid
};

}  // namespace klutch::apiserver
