// SPDX-License-Identifier: Apache-2.0
#include "apiserver/ownership/typed.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "apiserver/ownership/type_walk.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using List = MergeType::List;
using Map = MergeType::Map;

// --- check_type ---

WalkErrors check_value(const Value& value, TypeRef type, Duplicates duplicates);

void check_fields(const Map& map, const Value& value, Duplicates duplicates, WalkErrors& errors) {
  for (const auto& [name, field] : value.members()) {
    const auto path = PathElement::field(name).to_string();
    const TypeRef type = map.type_of(name);
    if (type == nullptr) {
      errors.add(path, "field not declared in schema");
      return;
    }
    errors.append(check_value(field, type, duplicates), path);
  }
}

void check_items(const List& list, const Value& value, Duplicates duplicates, WalkErrors& errors) {
  std::set<PathElement> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto element = PathElement::index(static_cast<std::int64_t>(i));
    if (list.kind != List::Kind::kAtomic) {
      auto found = element_of(list, value.at(i));
      if (!found) {
        errors.add("element " + std::to_string(i) + ": " + found.error().message());
        return;
      }
      element = *std::move(found);
      if (!seen.insert(element).second && duplicates == Duplicates::kRefuse) {
        errors.add("duplicate entries for key " + element.to_string());
      }
    }
    errors.append(check_value(value.at(i), list.element, duplicates), element.to_string());
  }
}

WalkErrors check_value(const Value& value, TypeRef type, Duplicates duplicates) {
  WalkErrors errors;
  const auto forms = forms_of(type, &value);
  const auto unexpected = [&](const char* wanted) { errors.add(unexpected_value(wanted, value)); };
  if (forms.map != nullptr) {
    if (value.is_object()) {
      check_fields(*forms.map, value, duplicates, errors);
    } else if (!value.is_null()) {
      unexpected("map");
    }
  } else if (forms.scalar != nullptr) {
    if (auto text = scalar_error(*forms.scalar, &value)) errors.add(*std::move(text));
  } else if (forms.list != nullptr) {
    if (value.is_array()) {
      check_items(*forms.list, value, duplicates, errors);
    } else if (!value.is_null()) {
      unexpected("list");
    }
  } else {
    errors.add("schema error: the type has no form");
  }
  return errors;
}

// --- fields_of ---

void collect(const Value& value, TypeRef type, OwnedPath& path, FieldSet& out);

void collect_items(const List& list, const Value& value, OwnedPath& path, FieldSet& out) {
  std::map<PathElement, int> counts;
  std::vector<std::optional<PathElement>> elements;
  for (const auto& item : value.elements()) {
    auto element = element_of(list, item);
    elements.push_back(element ? std::optional(*std::move(element)) : std::nullopt);
    if (elements.back()) ++counts[*elements.back()];
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!elements[i]) continue;
    path.push_back(*elements[i]);
    // Items that occur twice are owned as one, without their parts.
    if (counts[*elements[i]] == 1) collect(value.at(i), list.element, path, out);
    out.insert(path);
    path.pop_back();
  }
}

void collect_fields(const Map& map, const Value& value, OwnedPath& path, FieldSet& out) {
  for (const auto& [name, field] : value.members()) {
    const TypeRef type = map.type_of(name);
    path.push_back(PathElement::field(name));
    if (type != nullptr) collect(field, type, path, out);
    const bool is_leaf = field.is_null() || (field.is_object() && field.empty());
    if (is_leaf || !map.declares(name)) out.insert(path);
    path.pop_back();
  }
}

void collect(const Value& value, TypeRef type, OwnedPath& path, FieldSet& out) {
  const auto forms = forms_of(type, &value);
  if (forms.map != nullptr) {
    if (forms.map->atomic) {
      out.insert(path);
    } else if (value.is_object()) {
      collect_fields(*forms.map, value, path, out);
    }
  } else if (forms.scalar != nullptr) {
    out.insert(path);
  } else if (forms.list != nullptr) {
    if (forms.list->kind == List::Kind::kAtomic) {
      out.insert(path);
    } else if (value.is_array()) {
      collect_items(*forms.list, value, path, out);
    }
  }
}

// --- compare_values ---

class Comparer {
 public:
  explicit Comparer(Comparison& out) : out_(out) {}

  void compare(const Value* before, const Value* after, TypeRef type, WalkErrors& errors) {
    const auto old_forms = forms_of(type, before);
    const auto new_forms = forms_of(type, after);
    bool leaf = false;
    if (after == nullptr) {
      leaf = visit(old_forms, before, after, errors);
    } else if (before == nullptr || old_forms == new_forms) {
      leaf = visit(new_forms, before, after, errors);
    } else {
      visit(old_forms, before, after, errors);
      leaf = visit(new_forms, before, after, errors);
    }
    if (leaf) return;
    if (before == nullptr) out_.added.insert(path_);
    if (before != nullptr && after == nullptr) out_.removed.insert(path_);
  }

 private:
  /// True if this place was compared as a whole.
  bool visit(const Forms& forms, const Value* before, const Value* after, WalkErrors& errors) {
    if (forms.map != nullptr) {
      const auto* old_map = as_map(before);
      const auto* new_map = as_map(after);
      if (forms.map->atomic || (is_empty(old_map) && is_empty(new_map))) return whole(before, after);
      compare_fields(*forms.map, old_map, new_map, errors);
      return false;
    }
    if (forms.scalar != nullptr) {
      const auto old_error = scalar_error(*forms.scalar, before);
      const auto new_error = scalar_error(*forms.scalar, after);
      if (old_error && new_error) {
        errors.add("lhs: " + *old_error);
        errors.add("rhs: " + *new_error);
        return false;
      }
      return whole(before, after);
    }
    if (forms.list == nullptr) {
      errors.add("schema error: the type has no form");
      return false;
    }
    const auto* old_list = as_list(before);
    const auto* new_list = as_list(after);
    if (forms.list->kind == List::Kind::kAtomic || (is_empty(old_list) && is_empty(new_list))) {
      return whole(before, after);
    }
    compare_items(*forms.list, old_list, new_list, errors);
    return false;
  }

  bool whole(const Value* before, const Value* after) {
    if (before == nullptr) {
      out_.added.insert(path_);
    } else if (after == nullptr) {
      out_.removed.insert(path_);
    } else if (*before != *after) {
      out_.modified.insert(path_);
    }
    return true;
  }

  void compare_part(const PathElement& element, const Value* before, const Value* after, TypeRef type,
                    WalkErrors& errors) {
    path_.push_back(element);
    WalkErrors below;
    compare(before, after, type, below);
    path_.pop_back();
    if (!below.empty()) errors.append(std::move(below), element.to_string());
  }

  void compare_fields(const Map& map, const Value* before, const Value* after, WalkErrors& errors) {
    const auto compare_field = [&](std::string_view name, const Value* old_field, const Value* new_field) {
      const auto element = PathElement::field(name);
      if (const TypeRef type = map.type_of(name); type != nullptr) {
        compare_part(element, old_field, new_field, type, errors);
      } else {
        errors.add(element.to_string(), "field not declared in schema");
      }
    };
    if (before != nullptr) {
      for (const auto& [name, field] : before->members()) {
        compare_field(name, &field, after != nullptr ? after->find(name) : nullptr);
      }
    }
    if (after == nullptr) return;
    for (const auto& [name, field] : after->members()) {
      if (before == nullptr || !before->contains(name)) compare_field(name, nullptr, &field);
    }
  }

  using Items = std::map<PathElement, std::vector<const Value*>>;

  static Items index_items(const List& list, const Value* value, WalkErrors& errors) {
    Items items;
    if (value == nullptr) return items;
    for (std::size_t i = 0; i < value->size(); ++i) {
      auto element = element_of(list, value->at(i));
      if (!element) {
        errors.add("element " + std::to_string(i) + ": " + element.error().message());
        continue;
      }
      items[*std::move(element)].push_back(&value->at(i));
    }
    return items;
  }

  void compare_items(const List& list, const Value* before, const Value* after, WalkErrors& errors) {
    const auto old_items = index_items(list, before, errors);
    const auto new_items = index_items(list, after, errors);
    static const std::vector<const Value*> kNone;
    const auto compare_one = [&](const PathElement& element) {
      const auto old_found = old_items.find(element);
      const auto new_found = new_items.find(element);
      compare_item(list, element, old_found == old_items.end() ? kNone : old_found->second,
                   new_found == new_items.end() ? kNone : new_found->second, errors);
    };
    for (const auto& [element, items] : old_items) compare_one(element);
    for (const auto& [element, items] : new_items) {
      if (!old_items.contains(element)) compare_one(element);
    }
  }

  /// Items that occur twice are compared as a whole and owned without their parts.
  void compare_item(const List& list, const PathElement& element, const std::vector<const Value*>& before,
                    const std::vector<const Value*>& after, WalkErrors& errors) {
    const auto first = [](const std::vector<const Value*>& items) {
      return items.empty() ? nullptr : items.front();
    };
    path_.push_back(element);
    const auto path = path_;
    path_.pop_back();
    if (before.size() <= 1 && after.size() <= 1) {
      compare_part(element, first(before), first(after), list.element, errors);
    } else if (before.size() >= 2 && after.size() >= 2) {
      const bool equal =
          std::ranges::equal(before, after, [](const Value* a, const Value* b) { return *a == *b; });
      if (!equal) out_.modified.insert(path);
    } else if (before.size() >= 2) {
      if (!after.empty()) compare_part(element, nullptr, after.front(), list.element, errors);
      out_.removed.insert(path);
    } else {
      if (!before.empty()) compare_part(element, before.front(), nullptr, list.element, errors);
      out_.added.insert(path);
    }
  }

  Comparison& out_;
  OwnedPath path_;
};

// --- remove_fields ---

Value remove_items(const List& list, const Value& value, const FieldSet& fields) {
  if (value.empty() || list.kind == List::Kind::kAtomic) return {};
  auto kept = Value::empty_array();
  for (const auto& item : value.elements()) {
    const auto element = element_of(list, item);
    if (element && fields.has_member(*element)) continue;
    const auto* below = element ? fields.below(*element) : nullptr;
    kept.push_back(below != nullptr ? remove_fields(item, *below, list.element) : item);
  }
  return kept.empty() ? Value() : kept;
}

Value remove_members(const Map& map, const Value& value, const FieldSet& fields) {
  if (value.empty() || map.atomic) return {};
  auto kept = Value::empty_object();
  for (const auto& [name, field] : value.members()) {
    const auto element = PathElement::field(name);
    if (fields.has_member(element)) continue;
    const auto* below = fields.below(element);
    const TypeRef type = map.type_of(name);
    kept.set(name, below != nullptr && type != nullptr ? remove_fields(field, *below, type) : field);
  }
  return kept.empty() ? Value() : kept;
}

}  // namespace

Result<> check_type(const Value& value, TypeRef type, Duplicates duplicates) {
  const auto errors = check_value(value, type, duplicates);
  if (!errors.empty()) return fail(errors.to_error());
  return {};
}

FieldSet fields_of(const Value& value, TypeRef type) {
  FieldSet out;
  OwnedPath path;
  collect(value, type, path, out);
  return out;
}

Result<Comparison> compare_values(const Value& before, const Value& after, TypeRef type) {
  Comparison out;
  WalkErrors errors;
  Comparer(out).compare(&before, &after, type, errors);
  if (!errors.empty()) return fail(errors.to_error());
  return out;
}

Value remove_fields(const Value& value, const FieldSet& fields, TypeRef type) {
  const auto forms = forms_of(type, &value);
  if (forms.map != nullptr) return value.is_object() ? remove_members(*forms.map, value, fields) : Value();
  if (forms.scalar != nullptr) return value;
  if (forms.list != nullptr) return value.is_array() ? remove_items(*forms.list, value, fields) : Value();
  return value;
}

FieldSet with_named_parents(const FieldSet& fields, TypeRef type) {
  const Forms forms = type != nullptr ? forms_of(type, nullptr) : Forms{};
  FieldSet out;
  for (const auto& entry : fields.entries()) {
    TypeRef below = nullptr;
    bool declared = false;
    if (entry.element.kind() == PathElement::Kind::kField && forms.map != nullptr) {
      below = forms.map->type_of(entry.element.name());
      declared = forms.map->declares(entry.element.name());
    } else if (entry.element.kind() == PathElement::Kind::kKey && forms.list != nullptr) {
      below = forms.list->element;
    }
    const bool leads_on = !entry.below.empty();
    out.entries().push_back({entry.element, entry.member || (declared && leads_on),
                             leads_on ? with_named_parents(entry.below, below) : FieldSet()});
  }
  return out;
}

FieldSet reconcile_fields(const FieldSet& fields, TypeRef type) {
  const auto forms = forms_of(type, nullptr);
  const bool untyped = forms.map != nullptr && forms.map->fields.empty() && forms.map->element != nullptr &&
                       forms.map->element->scalar == MergeType::Scalar::kAny;
  if (untyped) return fields;
  FieldSet out;
  for (const auto& entry : fields.entries()) {
    TypeRef below = nullptr;
    if (forms.map != nullptr && entry.element.kind() == PathElement::Kind::kField) {
      below = forms.map->type_of(entry.element.name());
    } else if (forms.map == nullptr && forms.list != nullptr) {
      below = forms.list->element;
    }
    FieldSet::Entry kept = entry;
    if (below != nullptr && !entry.below.empty()) {
      const auto inner = forms_of(below, nullptr);
      const bool atomic = inner.map != nullptr ? inner.map->atomic
                          : inner.scalar != nullptr
                              ? false
                              : inner.list != nullptr && inner.list->kind == List::Kind::kAtomic;
      if (atomic) {
        kept = {entry.element, true, {}};
      } else {
        kept.below = reconcile_fields(entry.below, below);
      }
    }
    out.entries().push_back(std::move(kept));
  }
  return out;
}

}  // namespace klutch::apiserver
