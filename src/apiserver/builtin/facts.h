// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/api/resource.h"

// What is known of the built-in kinds of Kubernetes: their resources, fields, protobuf numbers, list types
// and merge keys. Read once from facts.txt, which is part of the program (README.md tells how it is made).
// Immutable; any thread.

namespace klutch::apiserver {

struct MessageFacts;

struct FieldFacts {
  enum class Type : std::uint8_t { kString, kBool, kInt32, kInt64, kDouble, kBytes, kMessage };
  enum class Shape : std::uint8_t { kSingle, kList, kMap };
  enum class ListType : std::uint8_t { kAtomic, kSet, kMap };

  std::string_view name = {};  ///< in JSON
  std::uint32_t number = 0;    ///< in protobuf
  Type type = Type::kString;
  Shape shape = Shape::kSingle;
  const MessageFacts* message = nullptr;  ///< of kMessage
  bool inlined = false;                   ///< the message's fields stand in the place of this field in JSON
  bool required = false;
  bool is_pointer = false;    ///< zero is a value, absence is another
  bool keeps_zero = false;    ///< written to JSON even if zero
  bool written_null = false;  ///< written to JSON as null if absent
  ListType list_type = ListType::kAtomic;
  std::vector<std::string_view> list_keys = {};  ///< of ListType::kMap
  bool atomic_map = false;
  bool patch_merge = false;  ///< strategic merge patch: by merge_key, or as a set if that is empty
  bool patch_retains_keys = false;
  std::string_view merge_key = {};
  std::string_view default_value = {};  ///< JSON; empty: none
  std::string_view go_type = {};        ///< where it does not follow from the other facts: "v1.ServiceType"
};

struct MessageFacts {
  std::string_view name = {};  ///< "core.v1.Pod"
  /// Not written in JSON as an object of its fields: times, quantities, raw JSON and the like.
  bool special = false;
  bool atomic_map = false;
  std::vector<FieldFacts> fields = {};

  /// Also those of inlined messages; null if there is none.
  [[nodiscard]] const FieldFacts* find(std::string_view json_name) const;
  [[nodiscard]] const FieldFacts* find_number(std::uint32_t number) const;
};

struct SubresourceFacts {
  std::string_view name = {};         ///< "status"
  std::string_view api_version = {};  ///< of the kind: "autoscaling/v1"
  std::string_view kind = {};
  std::vector<std::string_view> verbs = {};
};

struct ResourceFacts {
  kube::ResourceType type = {};
  std::string_view singular = {};
  std::vector<std::string_view> short_names = {};
  std::vector<std::string_view> categories = {};
  std::vector<std::string_view> verbs = {};
  std::vector<SubresourceFacts> subresources = {};
  const MessageFacts* message = nullptr;
};

class BuiltinFacts {
 public:
  /// Read when first called.
  static const BuiltinFacts& get();

  [[nodiscard]] std::span<const ResourceFacts> resources() const noexcept { return resources_; }
  /// Sorted by name.
  [[nodiscard]] std::span<const std::unique_ptr<MessageFacts>> messages() const noexcept { return messages_; }
  /// By group, version and plural name; null if unknown.
  [[nodiscard]] const ResourceFacts* find_resource(std::string_view group, std::string_view version,
                                                   std::string_view resource) const;
  /// "core.v1.Pod"; null if unknown.
  [[nodiscard]] const MessageFacts* find_message(std::string_view name) const;
  /// The message of a kind, also of kinds that only requests carry, such as DeleteOptions; null if unknown.
  [[nodiscard]] const MessageFacts* message_of(std::string_view api_version, std::string_view kind) const;

  BuiltinFacts(const BuiltinFacts&) = delete;
  BuiltinFacts& operator=(const BuiltinFacts&) = delete;

 private:
  class Reader;
  BuiltinFacts();
  std::vector<ResourceFacts> resources_;
  std::vector<std::unique_ptr<MessageFacts>> messages_;  // sorted by name
};

}  // namespace klutch::apiserver
