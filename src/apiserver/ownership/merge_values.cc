// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "apiserver/ownership/type_walk.h"
#include "apiserver/ownership/typed.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using List = MergeType::List;
using Map = MergeType::Map;

/// What one place becomes; nothing: it is left out.
using Merged = std::optional<Value>;

Merged merge_place(const Value* live, const Value* config, TypeRef type, WalkErrors& errors);

/// The config's value where it has one.
Merged take_whole(const Value* live, const Value* config) {
  if (config != nullptr) return *config;
  if (live != nullptr) return *live;
  return std::nullopt;
}

Merged merge_part(const PathElement& element, const Value* live, const Value* config, TypeRef type,
                  WalkErrors& errors) {
  WalkErrors below;
  auto merged = merge_place(live, config, type, below);
  if (!below.empty()) errors.append(std::move(below), element.to_string());
  return merged;
}

Merged merge_maps(const Map& map, const Value* live, const Value* config, WalkErrors& errors) {
  auto out = Value::empty_object();
  const auto merge_field = [&](std::string_view name, const Value* live_field, const Value* config_field) {
    const auto element = PathElement::field(name);
    const TypeRef type = map.type_of(name);
    if (type == nullptr) {
      errors.add(element.to_string(), "field not declared in schema");
      return;
    }
    if (auto merged = merge_part(element, live_field, config_field, type, errors))
      out.set(name, *std::move(merged));
  };
  if (live != nullptr) {
    for (const auto& [name, field] : live->members()) {
      merge_field(name, &field, config != nullptr ? config->find(name) : nullptr);
    }
  }
  if (config != nullptr) {
    for (const auto& [name, field] : config->members()) {
      if (live == nullptr || !live->contains(name)) merge_field(name, nullptr, &field);
    }
  }
  if (out.empty()) return std::nullopt;
  return out;
}

/// The items of a set or list map in their order, and by what identifies them.
struct IndexedList {
  std::vector<PathElement> order;
  std::vector<const Value*> items;
  std::map<PathElement, const Value*> by_element;

  [[nodiscard]] bool has(const PathElement& element) const { return by_element.contains(element); }
  [[nodiscard]] const Value* find(const PathElement& element) const {
    const auto found = by_element.find(element);
    return found == by_element.end() ? nullptr : found->second;
  }
};

/// Items of the live object that occur twice stand for null: they are kept or replaced as they are, never
/// merged.
IndexedList index_list(const List& list, const Value* value, Duplicates duplicates, WalkErrors& errors) {
  static const Value kNull;
  IndexedList out;
  if (value == nullptr) return out;
  for (std::size_t i = 0; i < value->size(); ++i) {
    auto element = element_of(list, value->at(i));
    if (!element) {
      errors.add("element " + std::to_string(i) + ": " + element.error().message());
      continue;
    }
    const auto [slot, is_new] = out.by_element.try_emplace(*element, &value->at(i));
    if (!is_new) {
      if (duplicates == Duplicates::kRefuse) {
        errors.add("duplicate entries for key " + element->to_string());
        continue;
      }
      slot->second = &kNull;
    }
    out.order.push_back(*std::move(element));
    out.items.push_back(&value->at(i));
  }
  return out;
}

/// Lays the items of `config` over those of `live`: they keep their own order; items that only live has stay
/// near their neighbours. Follows the order of structured-merge-diff exactly.
class ListMerge {
 public:
  ListMerge(const List& list, const IndexedList& live, const IndexedList& config, WalkErrors& errors)
      : list_(list), live_(live), config_(config), errors_(errors) {
    for (const auto& element : config_.order) {
      if (live_.has(element)) shared_.push_back(&element);
    }
  }

  Merged run() {
    while (l_ < live_.order.size() || r_ < config_.order.size()) step();
    if (out_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  [[nodiscard]] const PathElement* next_shared() const {
    return next_shared_ < shared_.size() ? shared_[next_shared_] : nullptr;
  }

  void step() {
    if (l_ < live_.order.size() && r_ < config_.order.size()) {
      const auto& element = live_.order[l_];
      if (element == config_.order[r_]) {
        take(element, live_.find(element), config_.find(element));
        merged_.insert(element);
        ++l_;
        ++r_;
        ++next_shared_;
        return;
      }
      if (config_.has(element) && next_shared() != nullptr && *next_shared() != element) {
        ++l_;  // shared, but not the one whose turn it is
        return;
      }
    }
    if (l_ < live_.order.size()) {
      const auto& element = live_.order[l_];
      if (!config_.has(element)) {
        take(element, live_.items[l_], nullptr);
        ++l_;
        return;
      }
      if (merged_.contains(element)) ++l_;
    }
    if (r_ < config_.order.size()) {
      const auto& element = config_.order[r_];
      merged_.insert(element);
      take(element, live_.find(element), config_.find(element));
      ++r_;
      if (next_shared() != nullptr && *next_shared() == element) ++next_shared_;
    }
  }

  void take(const PathElement& element, const Value* live, const Value* config) {
    if (auto merged = merge_part(element, live, config, list_.element, errors_))
      out_.push_back(*std::move(merged));
  }

  const List& list_;
  const IndexedList& live_;
  const IndexedList& config_;
  WalkErrors& errors_;
  std::vector<const PathElement*> shared_;
  std::size_t next_shared_ = 0;
  std::set<PathElement> merged_;
  std::size_t l_ = 0;
  std::size_t r_ = 0;
  Value out_ = Value::empty_array();
};

Merged merge_lists(const List& list, const Value* live, const Value* config, WalkErrors& errors) {
  const auto config_items = index_list(list, config, Duplicates::kRefuse, errors);
  const auto live_items = index_list(list, live, Duplicates::kAllow, errors);
  if (!errors.empty()) return std::nullopt;
  return ListMerge(list, live_items, config_items, errors).run();
}

Merged merge_form(const Forms& forms, const Value* live, const Value* config, WalkErrors& errors) {
  if (forms.map != nullptr) {
    const auto* live_map = as_map(live);
    const auto* config_map = as_map(config);
    // Two empty ones are taken as a whole, which keeps {} apart from null.
    if (forms.map->atomic || (is_empty(live_map) && is_empty(config_map))) return take_whole(live, config);
    return merge_maps(*forms.map, live_map, config_map, errors);
  }
  if (forms.scalar != nullptr) {
    const auto live_error = scalar_error(*forms.scalar, live);
    const auto config_error = scalar_error(*forms.scalar, config);
    if (live_error && config_error) {
      errors.add("lhs: " + *live_error);
      errors.add("rhs: " + *config_error);
      return std::nullopt;
    }
    return take_whole(live, config);
  }
  if (forms.list == nullptr) {
    errors.add("schema error: the type has no form");
    return std::nullopt;
  }
  const auto* live_list = as_list(live);
  const auto* config_list = as_list(config);
  if (forms.list->kind == List::Kind::kAtomic || (is_empty(live_list) && is_empty(config_list))) {
    return take_whole(live, config);
  }
  return merge_lists(*forms.list, live_list, config_list, errors);
}

Merged merge_place(const Value* live, const Value* config, TypeRef type, WalkErrors& errors) {
  if (config == nullptr) return merge_form(forms_of(type, live), live, config, errors);
  const auto config_forms = forms_of(type, config);
  if (live != nullptr) {
    // A value that has changed its form is looked at in both; the new one decides.
    if (const auto live_forms = forms_of(type, live); live_forms != config_forms) {
      static_cast<void>(merge_form(live_forms, live, config, errors));
    }
  }
  return merge_form(config_forms, live, config, errors);
}

}  // namespace

Result<Value> merge_values(const Value& live, const Value& config, TypeRef type) {
  WalkErrors errors;
  auto merged = merge_place(&live, &config, type, errors);
  if (!errors.empty()) return fail(errors.to_error());
  return merged ? *std::move(merged) : Value();
}

}  // namespace klutch::apiserver
