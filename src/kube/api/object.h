// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "json/value.h"
#include "kube/api/conditions.h"
#include "kube/api/resource.h"

// Kubernetes objects are JSON values, so that fields we do not know survive every round trip. The functions
// below read and write `metadata` (API conventions, "Metadata"); they accept any JSON: what is missing or of
// the wrong kind reads as empty. Resource wraps an object for typed views, such as Secret in kinds.h:
//
//   class Secret : public Resource {
//    public:
//     using Resource::Resource;
//     static const ResourceType& type();
//     [[nodiscard]] std::optional<std::string> data(std::string_view key) const;
//   };
//
// Views die with the next mutation of the object.

namespace klutch::kube {

/// One whole object, such as {"apiVersion": "v1", "kind": "Secret", "metadata": {...}, ...}.
using Object = json::Value;
/// An object nobody changes any more; may be shared between fibers and threads.
using ObjectPtr = std::shared_ptr<const Object>;

[[nodiscard]] std::string_view api_version(const Object& object) noexcept;
[[nodiscard]] std::string_view kind(const Object& object) noexcept;
[[nodiscard]] std::string_view name(const Object& object) noexcept;
/// Empty for an object without a namespace.
[[nodiscard]] std::string_view ns(const Object& object) noexcept;
[[nodiscard]] Key key(const Object& object);
[[nodiscard]] std::string_view uid(const Object& object) noexcept;
[[nodiscard]] std::string_view resource_version(const Object& object) noexcept;
/// 0 if there is none.
[[nodiscard]] std::int64_t generation(const Object& object) noexcept;
[[nodiscard]] std::optional<Time> creation_time(const Object& object) noexcept;
/// When the deletion was asked for; nothing for an object that is not being deleted.
[[nodiscard]] std::optional<Time> deletion_time(const Object& object) noexcept;
/// Whether metadata.deletionTimestamp is set: the object lives only until its finalizers are gone.
[[nodiscard]] bool is_deleting(const Object& object) noexcept;

[[nodiscard]] std::optional<std::string_view> label(const Object& object, std::string_view key) noexcept;
[[nodiscard]] std::optional<std::string_view> annotation(const Object& object, std::string_view key) noexcept;
/// True if that changed anything, here and below.
bool set_label(Object& object, std::string_view key, std::string_view value);
bool remove_label(Object& object, std::string_view key);
bool set_annotation(Object& object, std::string_view key, std::string_view value);
bool remove_annotation(Object& object, std::string_view key);

[[nodiscard]] bool has_finalizer(const Object& object, std::string_view finalizer) noexcept;
bool add_finalizer(Object& object, std::string_view finalizer);
/// Removes the list with its last entry.
bool remove_finalizer(Object& object, std::string_view finalizer);

/// An entry of metadata.ownerReferences.
struct OwnerReference {
  std::string api_version = {};
  std::string kind = {};
  std::string name = {};
  std::string uid = {};
  bool controller = false;
  bool block_owner_deletion = false;
  bool operator==(const OwnerReference&) const = default;
};

[[nodiscard]] std::vector<OwnerReference> owner_references(const Object& object);
/// The one owner with `controller: true`, if there is one.
[[nodiscard]] std::optional<OwnerReference> controller_of(const Object& object);
/// Makes `owner` an owner of `object`; `controller` also its controller, blocking the owner's deletion. An
/// existing reference of the same UID is updated. True if that changed anything. kInvalid if the owner lives
/// in another namespace than the object or lacks a UID; kAlreadyExists, naming it, if another controller is
/// there.
Result<bool> set_owner(Object& object, const Object& owner, bool controller);
bool remove_owner(Object& object, std::string_view owner_uid);

/// An object with comfortable access to its metadata; the base of typed views. Copying is deep.
class Resource {
 public:
  Resource() : object_(Object::empty_object()) {}
  explicit Resource(Object object) : object_(std::move(object)) {}

  [[nodiscard]] const Object& object() const noexcept { return object_; }
  [[nodiscard]] Object& object() noexcept { return object_; }
  [[nodiscard]] Object take() && { return std::move(object_); }

  [[nodiscard]] Key key() const { return kube::key(object_); }
  [[nodiscard]] std::string_view name() const noexcept { return kube::name(object_); }
  [[nodiscard]] std::string_view ns() const noexcept { return kube::ns(object_); }
  [[nodiscard]] std::string_view uid() const noexcept { return kube::uid(object_); }
  [[nodiscard]] std::string_view resource_version() const noexcept { return kube::resource_version(object_); }
  [[nodiscard]] std::int64_t generation() const noexcept { return kube::generation(object_); }
  [[nodiscard]] bool is_deleting() const noexcept { return kube::is_deleting(object_); }

  /// The object's `spec` or `status`, an empty object if there is none. The mutable ones add it when missing.
  [[nodiscard]] const json::Value& spec() const noexcept;
  [[nodiscard]] json::Value& spec();
  [[nodiscard]] const json::Value& status() const noexcept;
  [[nodiscard]] json::Value& status();

  /// status.conditions, for reading and writing. Valid while this Resource stays where it is.
  [[nodiscard]] Conditions conditions(const Clock& clock = system_clock()) { return {object_, clock}; }

 protected:
  /// An object that has only its apiVersion, kind, namespace and name.
  static Object blank(const ResourceType& type, const Key& key);

 private:
  Object object_;
};

/// A typed view: knows its ResourceType and wraps an Object.
template <class T>
concept Kind = std::derived_from<T, Resource> && std::constructible_from<T, Object> && requires {
  { T::type() } -> std::same_as<const ResourceType&>;
};

}  // namespace klutch::kube
