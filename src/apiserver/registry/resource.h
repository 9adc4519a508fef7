// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/user.h"
#include "apiserver/builtin/facts.h"
#include "apiserver/ownership/managed_fields.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/storage/stored_object.h"
#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "json/value.h"
#include "kube/api/resource.h"

// One resource in one version as the server offers it: what discovery says of it, and what happens to its
// objects on their way in and out. Built-in kinds and custom ones differ in nothing else. Immutable once
// published in a Registry (registry.h) and shared: a request keeps the ServedPtr that it began with, also
// when the resource is redefined meanwhile. Functions are pure unless they take a Ctx.

namespace klutch::apiserver {

struct SubresourceDescription {
  std::string name = {};  ///< "status", "scale", "token"
  /// Of the kind that it reads and writes: "autoscaling/v1".
  std::string api_version = {};
  std::string kind = {};
  std::vector<std::string> verbs = {};  ///< sorted
};

/// What discovery tells.
struct ResourceDescription {
  kube::ResourceType type = {};
  std::string singular = {};
  std::string list_kind = {};
  std::vector<std::string> short_names = {};
  std::vector<std::string> categories = {};
  std::vector<std::string> verbs = {};  ///< sorted
  std::vector<SubresourceDescription> subresources = {};
  /// Comes from a CustomResourceDefinition: no protobuf, no strategic merge patch.
  bool custom = false;
  /// Goes with every answer as a warning; empty: none.
  std::string deprecation_warning = {};

  [[nodiscard]] bool allows(std::string_view verb) const;
  /// Null if there is none of that name.
  [[nodiscard]] const SubresourceDescription* subresource(std::string_view name) const;
};

/// An object that came from a client, in the form in which it is served.
struct ReadObject {
  json::Value object = {};
  /// Paths of fields that nobody knows and that were removed: `spec.bogus`, sorted.
  std::vector<std::string> unknown_fields = {};
};

/// Where the numbers of a Scale are in an object, as members from the root.
struct ScalePaths {
  std::vector<std::string> spec_replicas = {};
  std::vector<std::string> status_replicas = {};
  std::vector<std::string> label_selector = {};  ///< empty: none
};

/// A column of the tables that `kubectl get` prints.
struct TableColumn {
  std::string name = {};
  std::string type = "string";
  std::string format = {};
  std::string description = {};
  int priority = 0;
};

class TableShape {
 public:
  virtual ~TableShape() = default;
  [[nodiscard]] virtual const std::vector<TableColumn>& columns() const = 0;
  /// One value for each column; null: nothing is known.
  [[nodiscard]] virtual std::vector<json::Value> cells(const json::Value& object, Time now) const = 0;
};

/// What a kind of objects goes through. All of it is pure, and runs inside of a store's decision.
class ResourceBehavior {
 public:
  virtual ~ResourceBehavior() = default;

  /// Checks the types of the fields of what a client sent (apiVersion and kind are right already), removes
  /// unknown ones, sets defaults. kBadRequest in the words of Go's decoder. `metadata` is included.
  [[nodiscard]] virtual Result<ReadObject> read(json::Value object) const = 0;

  /// What read() makes of an object in which nothing is set, without defaults: fields that are always there
  /// get an owner only when they change.
  [[nodiscard]] virtual json::Value blank() const { return json::Value::empty_object(); }

  /// Whether an object that is stored so can be served as it is.
  [[nodiscard]] virtual bool serves_as_stored(const StoredObject& /*stored*/) const { return true; }
  /// From the form that is stored to the one that is served: version, defaults of later schemas.
  virtual void from_stored(json::Value& /*object*/) const {}
  /// The way back.
  virtual void to_stored(json::Value& /*object*/) const {}

  /// Main endpoint and /status write different halves of an object.
  [[nodiscard]] virtual bool has_status_subresource() const { return false; }
  /// metadata.generation counts changes of what is neither metadata nor (with a status subresource) status.
  [[nodiscard]] virtual bool counts_generations() const { return false; }
  /// With that: changes of annotations count, too.
  [[nodiscard]] virtual bool generations_count_annotations() const { return false; }
  /// An update without metadata.resourceVersion replaces whatever is there.
  [[nodiscard]] virtual bool allows_unconditional_update() const { return true; }
  /// A PUT to a name that does not exist creates it.
  [[nodiscard]] virtual bool allows_create_on_update() const { return false; }

  /// What the server decides about a new object: fields that clients cannot set, allocated values. Status has
  /// been dropped and metadata filled already. The name may not be generated yet.
  virtual void prepare_create(json::Value& /*object*/, Time /*now*/) const {}
  /// The same for an object that replaces `old`; `subresource` is empty on the main endpoint. The halves that
  /// this endpoint does not write have been restored already.
  virtual void prepare_update(json::Value& /*object*/, const json::Value& /*old*/,
                              std::string_view /*subresource*/, Time /*now*/) const {}

  /// All that is wrong, metadata included.
  [[nodiscard]] virtual FieldErrors validate_create(const json::Value& object) const = 0;
  [[nodiscard]] virtual FieldErrors validate_update(const json::Value& object, const json::Value& old,
                                                    std::string_view subresource) const = 0;
  /// What a client should know although nothing is wrong; `old` is null for a new object.
  [[nodiscard]] virtual std::vector<std::string> warnings(const json::Value& /*object*/,
                                                          const json::Value* /*old*/) const {
    return {};
  }

  /// Why this object must not be deleted at all, such as kForbidden for the namespace "default".
  [[nodiscard]] virtual Result<> may_delete(const json::Value& /*object*/) const { return {}; }
  /// Called when a deletion is asked for the first time; deletionTimestamp has been set if the object stays.
  virtual void begin_delete(json::Value& /*object*/, Time /*now*/) const {}
  /// Whether something besides finalizers keeps a deleted object: a namespace has its spec.finalizers.
  [[nodiscard]] virtual bool is_held(const json::Value& /*object*/) const { return false; }

  /// The value of a field that field selectors know; nothing: they do not. metadata.name and
  /// metadata.namespace are known everywhere and not asked for here.
  [[nodiscard]] virtual std::optional<std::string> selectable_field(const json::Value& /*object*/,
                                                                    std::string_view /*field*/) const {
    return std::nullopt;
  }
  /// Whether field selectors may name `field`.
  [[nodiscard]] virtual bool is_selectable(std::string_view /*field*/) const { return false; }

  /// Which parts have owners of their own, for all served versions.
  [[nodiscard]] virtual OwnershipTypes ownership(std::string_view subresource) const = 0;
  /// Nothing: there is no scale subresource.
  [[nodiscard]] virtual const ScalePaths* scale() const { return nullptr; }
  /// The JSON schema (OpenAPI v3, extensions of Kubernetes included) of a custom kind; null for built-in
  /// ones, whose schema is in their facts.
  [[nodiscard]] virtual json::Value openapi_schema() const { return {}; }
};

/// A request that stores nothing by itself: reviews, tokens, evictions.
struct ActionRequest {
  const User& user;
  kube::Key key = {};  ///< of the object whose subresource it is
  bool dry_run = false;
};
/// From the object that was sent, read already, to the answer (201).
using Action = std::function<Result<json::Value>(Ctx&, const ActionRequest&, json::Value)>;

struct ServedResource {
  ResourceDescription description = {};
  /// The type in the store: "widgets.ex.io". Empty: nothing of it is stored (reviews).
  std::string storage_type = {};
  /// What apiVersion stored objects have.
  std::string stored_api_version = {};
  std::shared_ptr<const ResourceBehavior> behavior = {};  ///< never null
  std::shared_ptr<const TableShape> table = {};           ///< null: name and age
  const MessageFacts* message = nullptr;                  ///< null for custom kinds
  /// What creating through a subresource does; "" is the resource itself.
  std::map<std::string, Action, std::less<>> actions = {};
};
using ServedPtr = std::shared_ptr<const ServedResource>;

}  // namespace klutch::apiserver
