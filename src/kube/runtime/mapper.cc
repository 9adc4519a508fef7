// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/mapper.h"

#include <array>
#include <utility>

namespace klutch::kube {
namespace {

bool spec_changed(const Change& change) {
  if (change.before == nullptr || change.now == nullptr) return true;
  return generation(*change.now) == 0 || generation(*change.before) != generation(*change.now) ||
         is_deleting(*change.before) != is_deleting(*change.now) || uid(*change.before) != uid(*change.now);
}

bool same_metadata_member(const Object& a, const Object& b, std::string_view member) {
  const auto* in_a = a.find_object("metadata");
  const auto* in_b = b.find_object("metadata");
  const auto* left = in_a != nullptr ? in_a->find(member) : nullptr;
  const auto* right = in_b != nullptr ? in_b->find(member) : nullptr;
  if (left == nullptr || right == nullptr) return left == right;
  return *left == *right;
}

}  // namespace

Mapper enqueue_singleton(Key key) {
  return [key = std::move(key)](const Object&) { return std::vector<Key>{key}; };
}

Mapper enqueue_same_key() {
  return [](const Object& object) { return std::vector<Key>{key(object)}; };
}

Mapper enqueue_owner(const ResourceType& owner) {
  return [owner](const Object& object) -> std::vector<Key> {
    const auto controller = controller_of(object);
    if (!controller || controller->kind != owner.kind) return {};
    const auto version = GroupVersion::parse(controller->api_version);
    if (!version || version->group != owner.group) return {};
    return {Key{owner.namespaced ? std::string(ns(object)) : std::string(), controller->name}};
  };
}

Predicate generation_changed() {
  return spec_changed;
}

Predicate not_only_status() {
  return [](const Change& change) {
    if (spec_changed(change)) return true;
    constexpr std::array<std::string_view, 4> kMeant = {"labels", "annotations", "finalizers",
                                                        "ownerReferences"};
    for (const auto member : kMeant) {
      if (!same_metadata_member(*change.before, *change.now, member)) return true;
    }
    return false;
  };
}

}  // namespace klutch::kube
