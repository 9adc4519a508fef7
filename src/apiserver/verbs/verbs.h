// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/registry/registry.h"
#include "apiserver/storage/storage.h"
#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "json/value.h"

// The verbs that change objects, as the HTTP endpoints and the server's own controllers use them: every
// change goes through the same reading, preparation, ownership, admission and validation, decided at once on
// the newest state. Loop thread only.

namespace klutch::apiserver {

enum class FieldValidation { kIgnore, kWarn, kStrict };

/// How a change is to be made: the query parameters of create, update and patch.
struct WriteOptions {
  std::string field_manager = {};
  FieldValidation field_validation = FieldValidation::kWarn;
  bool dry_run = false;
  bool force = false;  ///< of server-side apply
  /// Empty: the object itself; "status", "finalize".
  std::string subresource = {};
  /// What the body said twice, for field validation: `spec.color`.
  std::vector<std::string> duplicate_fields = {};
  /// Told what the client should know, also when the write fails in the end. Called inside of a store's
  /// decision: must not suspend.
  std::function<void(std::string_view text)> warn = {};
};

enum class PatchType { kJson, kMerge, kStrategic, kApply };

struct DeleteOptions {
  enum class Propagation { kDefault, kOrphan, kBackground, kForeground };
  Propagation propagation = Propagation::kDefault;
  std::optional<std::string> uid = {};
  std::optional<std::string> resource_version = {};
  std::optional<std::int64_t> grace_period_seconds = {};
  bool dry_run = false;
};

/// What became of a write.
struct WriteOutcome {
  json::Value object = {};  ///< as it is served; for a deletion the last state
  bool created = false;
  bool changed = false;
  bool deleted = false;  ///< it is gone from the store
};

/// What decides besides a kind's own behavior whether a change is made: namespaces, quotas, escalation.
/// Called inside of a store's decision, so must not suspend or write.
class Admission {
 public:
  struct Change {
    enum class Operation { kCreate, kUpdate, kDelete };
    Operation operation = Operation::kCreate;
    const ServedResource& resource;
    std::string_view subresource = {};
    const kube::Key& key;
    const User& user;
    const json::Value* object = nullptr;  ///< null for deletions
    const json::Value* old = nullptr;     ///< null for creations
    bool dry_run = false;
  };
  virtual ~Admission() = default;
  [[nodiscard]] virtual Result<> admit(const Change& change) const = 0;
};

/// An object as it is stored now, in the form in which `resource` serves it.
json::Value served_value(const ServedResource& resource, const StoredObject& stored);

class Verbs {
 public:
  struct Options {
    /// All of them; in this order.
    std::vector<std::shared_ptr<const Admission>> admission = {};
    const Clock* clock = &system_clock();
  };
  /// `storage` must outlive it.
  Verbs(Storage& storage, Options options) : storage_(storage), options_(std::move(options)) {}

  /// `object` as the client sent it, duplicate keys aside. Names are generated, with retries on collision.
  /// kAlreadyExists; kInvalid with causes; kNotFound if the namespace does not exist.
  Result<WriteOutcome> create(Ctx& ctx, const ServedPtr& resource, std::string_view ns, json::Value object,
                              const User& user, const WriteOptions& options = {});
  /// kConflict when metadata.resourceVersion or uid are not those of the object.
  Result<WriteOutcome> update(Ctx& ctx, const ServedPtr& resource, const kube::Key& key, json::Value object,
                              const User& user, const WriteOptions& options = {});
  /// `patch`: the parsed body.
  Result<WriteOutcome> patch(Ctx& ctx, const ServedPtr& resource, const kube::Key& key, PatchType type,
                             json::Value patch, const User& user, const WriteOptions& options = {});
  /// Deletes, or marks as being deleted what has finalizers.
  Result<WriteOutcome> remove(Ctx& ctx, const ServedPtr& resource, const kube::Key& key, const User& user,
                              const DeleteOptions& options = {});
  /// The Scale of an object (autoscaling/v1), for resources that have one.
  Result<json::Value> get_scale(const ServedPtr& resource, const kube::Key& key) const;
  /// `scale` as a client sent it. Gives the Scale as it is then.
  Result<WriteOutcome> update_scale(Ctx& ctx, const ServedPtr& resource, const kube::Key& key,
                                    json::Value scale, const User& user, const WriteOptions& options = {});
  Result<WriteOutcome> patch_scale(Ctx& ctx, const ServedPtr& resource, const kube::Key& key, PatchType type,
                                   json::Value patch, const User& user, const WriteOptions& options = {});

  [[nodiscard]] Storage& storage() const noexcept { return storage_; }
  [[nodiscard]] const Clock& clock() const noexcept { return *options_.clock; }

 private:
  Storage& storage_;
  Options options_;
};

}  // namespace klutch::apiserver
