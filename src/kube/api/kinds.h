// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "kube/api/object.h"

// Typed views of the built-in kinds that more than one program uses. Accessors never fail: what is missing or
// of the wrong kind reads as empty. The whole object stays at hand as object().

namespace klutch::kube {

class Namespace : public Resource {
 public:
  using Resource::Resource;
  explicit Namespace(std::string_view name);
  // Text converts to a JSON value as well as to a view; these decide for the name.
  explicit Namespace(const std::string& name) : Namespace(std::string_view(name)) {}
  explicit Namespace(const char* name) : Namespace(std::string_view(name)) {}
  static const ResourceType& type();
  /// "Active" or "Terminating".
  [[nodiscard]] std::string_view phase() const noexcept;
};

class Secret : public Resource {
 public:
  using Resource::Resource;
  explicit Secret(const Key& key);
  static const ResourceType& type();

  /// `type`, such as "Opaque".
  [[nodiscard]] std::string_view secret_type() const noexcept;
  /// The decoded value; nothing if the key is missing or its value is no Base64.
  [[nodiscard]] std::optional<std::string> data(std::string_view key) const;
  /// Encodes and stores; true if that changed anything.
  bool set_data(std::string_view key, std::string_view bytes);
  /// A new Secret of that key with the same type and data, and no other metadata.
  [[nodiscard]] Secret copy_as(const Key& key) const;
};

class ConfigMap : public Resource {
 public:
  using Resource::Resource;
  explicit ConfigMap(const Key& key);
  static const ResourceType& type();
  [[nodiscard]] std::optional<std::string_view> data(std::string_view key) const noexcept;
  bool set_data(std::string_view key, std::string_view text);
};

class ServiceAccount : public Resource {
 public:
  using Resource::Resource;
  explicit ServiceAccount(const Key& key);
  static const ResourceType& type();
};

/// coordination.k8s.io/v1; times have microseconds.
class Lease : public Resource {
 public:
  using Resource::Resource;
  explicit Lease(const Key& key);
  static const ResourceType& type();

  [[nodiscard]] std::string_view holder() const noexcept;
  [[nodiscard]] std::int64_t duration_seconds() const noexcept;
  [[nodiscard]] std::optional<Time> acquire_time() const noexcept;
  [[nodiscard]] std::optional<Time> renew_time() const noexcept;
  [[nodiscard]] std::int64_t transitions() const noexcept;
  void set_holder(std::string_view holder);
  void set_duration_seconds(std::int64_t seconds);
  void set_acquire_time(Time time);
  void set_renew_time(Time time);
  void set_transitions(std::int64_t count);
};

/// core/v1 Event: what users see in `kubectl describe`.
class Event : public Resource {
 public:
  using Resource::Resource;
  explicit Event(const Key& key);
  static const ResourceType& type();
};

class CustomResourceDefinition : public Resource {
 public:
  using Resource::Resource;
  static const ResourceType& type();
  /// Whether condition Established is True: its objects can be used.
  [[nodiscard]] bool is_established() const;
  /// The type it serves under its storage version, if spec is complete.
  [[nodiscard]] std::optional<ResourceType> served_type() const;
};

}  // namespace klutch::kube
