// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/strategic_patch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

using json::Kind;
using json::Value;
using Items = std::vector<Value>;

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFromList = "$deleteFromPrimitiveList/";
constexpr std::string_view kSetOrder = "$setElementOrder/";

/// How a field is patched: by its facts, or generically where nothing is known of it.
struct FieldPatch {
  bool merge = false;
  std::string_view merge_key = {};
  const MessageFacts* message = nullptr;  ///< of its items or of itself
};

FieldPatch patch_of(const MessageFacts* message, std::string_view field) {
  const auto* facts = message != nullptr ? message->find(field) : nullptr;
  if (facts == nullptr) return {};
  const auto* inner = facts->message != nullptr && !facts->message->special ? facts->message : nullptr;
  return {facts->patch_merge, facts->merge_key, inner};
}

/// What an object of `field` is described by: the values of a map have one type, a message describes itself.
const MessageFacts* described_by(const MessageFacts* message, std::string_view field) {
  const auto* facts = message != nullptr ? message->find(field) : nullptr;
  if (facts == nullptr || facts->shape == FieldFacts::Shape::kMap) return nullptr;
  return patch_of(message, field).message;
}

Result<> merge_object(Value& original, Value patch, const MessageFacts* message);

bool is_list_directive(std::string_view name) {
  return name == kRetainKeys || name.starts_with(kDeleteFromList) || name.starts_with(kSetOrder);
}

/// Without directives; nothing if the value is one itself.
std::optional<Value> without_directives(Value value) {
  if (value.is_object()) {
    if (value.contains(kPatch)) return std::nullopt;
    auto kept = Value::empty_object();
    for (auto& [name, member] : value.members()) {
      if (is_list_directive(name)) continue;
      if (auto clean = without_directives(std::move(member))) kept.set(name, *std::move(clean));
    }
    return kept;
  }
  if (!value.is_array()) return value;
  auto kept = Value::empty_array();
  for (auto& item : value.elements()) {
    if (auto clean = without_directives(std::move(item))) kept.push_back(*std::move(clean));
  }
  return kept;
}

/// Nulls of a patch mean "delete"; where there is nothing to delete they are dropped.
void drop_nulls(Value& patch) {
  if (patch.is_object()) {
    patch.erase_if([](const json::Member& member) { return member.value().is_null(); });
    for (auto& [name, member] : patch.members()) drop_nulls(member);
  } else if (patch.is_array()) {
    for (auto& item : patch.elements()) drop_nulls(item);
  }
}

/// What a part of a patch says where there was nothing before.
std::optional<Value> as_new(Value patch) {
  drop_nulls(patch);
  return without_directives(std::move(patch));
}

void replace_field(Value& original, std::string_view name, Value patch) {
  if (auto value = as_new(std::move(patch))) {
    original.set(name, *std::move(value));
  } else {
    original.erase(name);
  }
}

Items items_of(Value& list) {
  Items items;
  for (auto& item : list.elements()) items.push_back(std::move(item));
  return items;
}

Value list_of(Items items) {
  auto list = Value::empty_array();
  for (auto& item : items) list.push_back(std::move(item));
  return list;
}

tl::unexpected<Error> no_merge_key(const Value& item, std::string_view merge_key) {
  return fail(Code::kInvalid, "map: " + json::print(item) +
                                  " does not contain declared merge key: " + std::string(merge_key));
}

/// What tells items apart: their merge key, or the items themselves.
struct ItemKey {
  std::string_view merge_key;

  [[nodiscard]] const Value* of(const Value& item) const {
    if (merge_key.empty()) return &item;
    return item.is_object() ? item.find(merge_key) : nullptr;
  }
  [[nodiscard]] Result<> check(const Items& items) const {
    if (merge_key.empty()) return {};
    for (const auto& item : items) {
      if (of(item) == nullptr) return no_merge_key(item, merge_key);
    }
    return {};
  }
  /// The position of the item with the same key; items.size() if there is none.
  [[nodiscard]] std::size_t find(const Items& items, const Value& item) const {
    const auto* key = of(item);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto* other = of(items[i]);
      if (key != nullptr && other != nullptr && *key == *other) return i;
    }
    return items.size();
  }
  [[nodiscard]] bool contains(const Items& items, const Value& item) const {
    return find(items, item) < items.size();
  }
};

/// kInvalid unless all are objects, or none is and all have the same kind. True for objects.
Result<bool> holds_objects(const Items& a, const Items& b) {
  std::optional<Kind> kind;
  for (const auto* items : {&a, &b}) {
    for (const auto& item : *items) {
      if (item.is_null() || item.is_array())
        return fail(Code::kInvalid, "lists of lists or of nulls are not supported");
      const auto this_kind = item.is_number() ? Kind::kInt : item.kind();
      if (kind && *kind != this_kind) return fail(Code::kInvalid, "list element types are not identical");
      kind = this_kind;
    }
  }
  return kind == Kind::kObject;
}

void sort_by(Items& items, const Items& order, const ItemKey& key) {
  std::ranges::stable_sort(items, {}, [&](const Value& item) { return key.find(order, item); });
}

/// The patch's items in the patch's order, and between them the others in the server's order.
Items in_order(Items merged, const Items& patch_order, const Items& server_order, const ItemKey& key) {
  Items from_patch;
  Items server_only;
  for (auto& item : merged)
    (key.contains(patch_order, item) ? from_patch : server_only).push_back(std::move(item));
  sort_by(from_patch, patch_order, key);
  sort_by(server_only, server_order, key);
  Items all;
  std::size_t left = 0;
  std::size_t right = 0;
  while (left < server_only.size() || right < from_patch.size()) {
    bool take_left = right == from_patch.size();
    if (left < server_only.size() && right < from_patch.size()) {
      const auto l = key.find(server_order, server_only[left]);
      const auto r = key.find(server_order, from_patch[right]);
      take_left = l < r && r < server_order.size();
    }
    all.push_back(std::move(take_left ? server_only[left++] : from_patch[right++]));
  }
  return all;
}

Items merge_scalars(const Items& original, const Items& patch) {
  Items merged;
  for (const auto* items : {&original, &patch}) {
    for (const auto& item : *items) {
      if (std::ranges::find(merged, item) == merged.end()) merged.push_back(item);
    }
  }
  return merged;
}

/// Carries out and removes the items that are directives; true if the list is to be replaced by the rest.
Result<bool> take_directives(Items& original, Items& patch, const ItemKey& key) {
  bool replace = false;
  Items rest;
  for (auto& item : patch) {
    const auto* directive = item.find(kPatch);
    if (directive == nullptr) {
      rest.push_back(std::move(item));
    } else if (*directive == Value("delete")) {
      if (key.of(item) == nullptr) return no_merge_key(item, key.merge_key);
      std::erase_if(original, [&](const Value& old) {
        const auto* old_key = key.of(old);
        return old_key != nullptr && *old_key == *key.of(item);
      });
    } else if (*directive == Value("replace")) {
      replace = true;
    } else if (*directive == Value("merge")) {
      return fail(Code::kInvalid, "merging lists cannot yet be specified in the patch");
    } else {
      return fail(Code::kBadRequest,
                  "unknown patch type: " + json::print(*directive) + " in map: " + json::print(item));
    }
  }
  patch = std::move(rest);
  return replace;
}

/// `server_order`, if not null, becomes the order that $setElementOrder puts the server's own items into. The
/// reference implementation deletes and appends in place there, so new items come into the places of deleted
/// ones.
Result<Items> merge_items(Items original, Items patch, const FieldPatch& how, Items* server_order = nullptr) {
  const ItemKey key{how.merge_key};
  if (original.empty() && patch.empty()) return original;
  if (!TRY(holds_objects(original, patch))) {
    auto merged = merge_scalars(original, patch);
    return in_order(std::move(merged), patch, original, ItemKey{});
  }
  if (how.merge_key.empty()) return fail(Code::kInvalid, "cannot merge lists without merge key");
  const auto count = original.size();
  const bool replaces = TRY(take_directives(original, patch, key));
  TRY(key.check(patch));
  if (replaces) return patch;
  TRY(key.check(original));
  Items merged = original;
  for (const auto& item : patch) {
    if (const auto found = key.find(merged, item); found < merged.size()) {
      TRY(merge_object(merged[found], item, how.message));
    } else {
      if (auto added = as_new(item)) merged.push_back(*std::move(added));
    }
  }
  if (server_order != nullptr) {
    server_order->assign(merged.begin(),
                         merged.begin() + static_cast<std::ptrdiff_t>(std::min(count, merged.size())));
  }
  return in_order(std::move(merged), patch, original, key);
}

/// $retainKeys: only the fields of the list survive; the patch may mention no others.
Result<> retain_keys(Value& original, Value& patch) {
  const auto keys = patch.take(kRetainKeys);
  if (!keys) return {};
  const auto invalid = [] { return fail(Code::kBadRequest, "invalid patch format of retainKeys"); };
  if (!keys->is_array()) return invalid();
  const auto is_kept = [&](std::string_view name) {
    return std::ranges::find(keys->elements(), Value(name)) != keys->elements().end();
  };
  for (const auto& [name, value] : patch.members()) {
    if (value.is_null() || name.starts_with(kDeleteFromList) || name.starts_with(kSetOrder)) continue;
    if (!is_kept(name)) return invalid();
  }
  original.erase_if([&](const json::Member& member) { return !is_kept(member.key()); });
  return {};
}

/// Whether the items of `patch` come in the same order in `order`.
bool agrees(const Items& patch, const Items& order, const ItemKey& key) {
  if (patch.empty() || order.empty()) return true;
  std::size_t next = 0;
  for (const auto& item : patch) {
    if (item.is_object() && item.contains(kPatch)) continue;
    while (next < order.size()) {
      const auto* a = key.of(item);
      const auto* b = key.of(order[next++]);
      if (a != nullptr && b != nullptr && *a == *b) break;
      if (next == order.size()) return false;
    }
  }
  return true;
}

/// One $setElementOrder/x, together with the list x of the patch.
Result<> order_list(Value& original, Value& patch, const std::string& name, Value order_value,
                    const MessageFacts* message) {
  if (!order_value.is_array()) return fail(Code::kBadRequest, "$setElementOrder/" + name + " is no list");
  auto* old_list = original.find(name);
  auto new_list = patch.take(name);
  if ((old_list != nullptr && !old_list->is_array()) || (new_list && !new_list->is_array())) {
    return fail(Code::kInvalid, quote(name) + " is ordered by the patch but is no list");
  }
  if (old_list == nullptr && !new_list) return {};
  const auto how = patch_of(message, name);
  const ItemKey key{how.merge_key};
  const Items order = items_of(order_value);
  Items before = old_list != nullptr ? items_of(*old_list) : Items();
  Items merged = before;
  if (new_list) {
    auto items = items_of(*new_list);
    if (!agrees(items, order, key)) {
      return fail(Code::kInvalid,
                  "the order in the list " + quote(name) + " of the patch does not match $setElementOrder");
    }
    if (old_list == nullptr) {
      auto clean = as_new(list_of(std::move(items)));
      merged = items_of(*clean);
    } else {
      merged = how.merge ? TRY(merge_items(merged, std::move(items), how, &before)) : std::move(items);
    }
  }
  TRY(key.check(merged));
  TRY(key.check(order));
  original.set(name, list_of(in_order(std::move(merged), order, before, key)));
  return {};
}

Result<> apply_orders(Value& original, Value& patch, const MessageFacts* message) {
  std::vector<std::string> directives;
  for (const auto& [name, value] : patch.members()) {
    if (name.starts_with(kSetOrder)) directives.emplace_back(name);
  }
  for (const auto& directive : directives) {
    auto order = patch.take(directive);
    TRY(order_list(original, patch, directive.substr(kSetOrder.size()), *std::move(order), message));
  }
  return {};
}

Result<> delete_from_list(Value& original, std::string_view name, Value& unwanted) {
  if (!unwanted.is_array()) return fail(Code::kBadRequest, "invalid patch format of primitive list");
  auto* list = original.find(name);
  if (list == nullptr || !list->is_array()) return {};
  auto kept = Value::empty_array();
  for (auto& item : list->elements()) {
    if (std::ranges::find(unwanted.elements(), item) == unwanted.elements().end())
      kept.push_back(std::move(item));
  }
  *list = std::move(kept);
  return {};
}

Result<> merge_field(Value& original, std::string_view name, Value patch, const MessageFacts* message) {
  if (patch.is_null()) {
    original.erase(name);
    return {};
  }
  auto* old = original.find(name);
  if (old == nullptr || old->kind() != patch.kind()) {
    replace_field(original, name, std::move(patch));
    return {};
  }
  if (patch.is_object()) return merge_object(*old, std::move(patch), described_by(message, name));
  if (patch.is_array()) {
    const auto how = patch_of(message, name);
    *old = how.merge ? list_of(TRY(merge_items(items_of(*old), items_of(patch), how)))
                     : *as_new(std::move(patch));
    return {};
  }
  *old = std::move(patch);
  return {};
}

Result<> merge_object(Value& original, Value patch, const MessageFacts* message) {
  if (const auto directive = patch.take(kPatch)) {
    if (*directive == Value("replace")) {
      original = std::move(patch);
    } else if (*directive == Value("delete")) {
      original = Value::empty_object();
    } else {
      return fail(Code::kBadRequest, "unknown patch type: " + json::print(*directive));
    }
    return {};
  }
  if (original.is_null()) original = Value::empty_object();
  TRY(retain_keys(original, patch));
  TRY(apply_orders(original, patch, message));
  for (auto& [name, value] : patch.members()) {
    if (name.starts_with(kDeleteFromList)) {
      TRY(delete_from_list(original, name.substr(kDeleteFromList.size()), value));
    } else {
      TRY(merge_field(original, name, std::move(value), message));
    }
  }
  return {};
}

}  // namespace

Result<Value> apply_strategic_patch(Value original, const Value& patch, const MessageFacts& message) {
  if (!patch.is_object()) return fail(Code::kBadRequest, "a strategic merge patch is an object");
  TRY(merge_object(original, patch, &message));
  return original;
}

}  // namespace klutch::apiserver
