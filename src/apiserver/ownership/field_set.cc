// SPDX-License-Identifier: Apache-2.0
#include "apiserver/ownership/field_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/strings.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

using json::Value;

/// Numbers before strings before booleans before the rest, as the reference implementation sorts them.
int scalar_rank(const Value& value) {
  if (value.is_number()) return 0;
  if (value.is_string()) return 1;
  if (value.is_bool()) return 2;
  return 3;
}

std::strong_ordering compare_numbers(const Value& a, const Value& b) {
  if (a.is_int() && b.is_int()) return a.as_int() <=> b.as_int();
  const double left = a.to_double();
  const double right = b.to_double();
  return left < right   ? std::strong_ordering::less
         : left > right ? std::strong_ordering::greater
                        : std::strong_ordering::equal;
}

std::strong_ordering compare_scalars(const Value& a, const Value& b) {
  if (const auto order = scalar_rank(a) <=> scalar_rank(b); order != 0) return order;
  if (a.is_number()) return compare_numbers(a, b);
  if (a.is_string()) return a.as_string() <=> b.as_string();
  if (a.is_bool()) return a.as_bool() <=> b.as_bool();
  return json::print(a) <=> json::print(b);
}

std::strong_ordering compare_keys(const Value& a, const Value& b) {
  const auto left = a.members();
  const auto right = b.members();
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (const auto order = left[i].key() <=> right[i].key(); order != 0) return order;
    if (const auto order = compare_scalars(left[i].value(), right[i].value()); order != 0) return order;
  }
  return left.size() <=> right.size();
}

/// As Go prints a value in a message.
std::string printed_scalar(const Value& value) {
  return value.is_string() ? quote(value.as_string()) : json::print(value);
}

Result<Value> parse_content(std::string_view text, std::string_view whole) {
  auto value = json::parse(text);
  if (!value) return fail(Code::kInvalid, quote(whole) + " is no field key: " + value.error().message());
  return *std::move(value);
}

Result<FieldSet> read_set(const Value& fields, int depth) {
  if (depth > FieldSet::kMaxDepth) return fail(Code::kInvalid, "fieldsV1 is nested too deeply");
  if (!fields.is_object()) return fail(Code::kInvalid, "fieldsV1 holds something that is no object");
  FieldSet set;
  for (const auto& [key, below] : fields.members()) {
    if (key == ".") continue;  // says that the parent is a member; its reader has seen that
    // Kinds of a later version are left out, as the reference implementation does.
    if (key.size() >= 2 && key[1] == ':' && std::string_view("fkvi").find(key[0]) == std::string_view::npos)
      continue;
    auto element = TRY(PathElement::parse(key));
    auto children = TRY(read_set(below, depth + 1));
    const bool member = children.empty() || below.contains(".");
    set.entries().push_back({std::move(element), member, std::move(children)});
  }
  std::ranges::sort(set.entries(), {}, &FieldSet::Entry::element);
  return set;
}

}  // namespace

PathElement PathElement::field(std::string_view name) {
  return {Kind::kField, Value(name)};
}

PathElement PathElement::key(Value keys) {
  std::vector<std::pair<std::string, Value>> sorted;
  for (auto& [name, value] : keys.members()) sorted.emplace_back(std::string(name), std::move(value));
  std::ranges::sort(sorted, {}, &std::pair<std::string, Value>::first);
  auto object = Value::empty_object();
  for (auto& [name, value] : sorted) object.set(name, std::move(value));
  return {Kind::kKey, std::move(object)};
}

PathElement PathElement::value(Value scalar) {
  return {Kind::kValue, std::move(scalar)};
}

PathElement PathElement::index(std::int64_t index) {
  return {Kind::kIndex, Value(index)};
}

Result<PathElement> PathElement::parse(std::string_view text) {
  if (text.size() < 2 || text[1] != ':') return fail(Code::kInvalid, quote(text) + " is no field key");
  const auto content = text.substr(2);
  switch (text[0]) {
    case 'f': return field(content);
    case 'v': return value(TRY(parse_content(content, text)));
    case 'k': {
      auto keys = TRY(parse_content(content, text));
      if (!keys.is_object()) return fail(Code::kInvalid, quote(text) + " is no field key: it has no object");
      return key(std::move(keys));
    }
    case 'i': {
      std::int64_t number = 0;
      const auto* const end = content.data() + content.size();
      if (const auto read = std::from_chars(content.data(), end, number);
          read.ec == std::errc() && read.ptr == end) {
        return index(number);
      }
      return fail(Code::kInvalid, quote(text) + " is no field key: it has no whole number");
    }
    default: return fail(Code::kInvalid, quote(text) + " is no field key: it begins with none of f, k, v, i");
  }
}

std::string PathElement::to_field_key() const {
  switch (kind_) {
    case Kind::kField: return fmt::format("f:{}", content_.as_string());
    case Kind::kKey: return "k:" + json::print(content_);
    case Kind::kValue: return "v:" + json::print(content_);
    case Kind::kIndex: break;
  }
  return fmt::format("i:{}", content_.as_int());
}

std::string PathElement::to_string() const {
  switch (kind_) {
    case Kind::kField: return fmt::format(".{}", content_.as_string());
    case Kind::kKey: {
      std::string keys;
      for (const auto& [name, value] : content_.members()) {
        keys += fmt::format("{}{}={}", keys.empty() ? "" : ",", name, printed_scalar(value));
      }
      return "[" + keys + "]";
    }
    case Kind::kValue: return "[=" + printed_scalar(content_) + "]";
    case Kind::kIndex: break;
  }
  return fmt::format("[{}]", content_.as_int());
}

std::strong_ordering PathElement::operator<=>(const PathElement& other) const {
  if (const auto order = kind_ <=> other.kind_; order != 0) return order;
  return kind_ == Kind::kKey ? compare_keys(content_, other.content_)
                             : compare_scalars(content_, other.content_);
}

std::string to_string(const OwnedPath& path) {
  std::string text;
  for (const auto& element : path) text += element.to_string();
  return text;
}

FieldSet::FieldSet() = default;
FieldSet::FieldSet(const FieldSet&) = default;
FieldSet::FieldSet(FieldSet&&) noexcept = default;
FieldSet& FieldSet::operator=(const FieldSet&) = default;
FieldSet& FieldSet::operator=(FieldSet&&) noexcept = default;
FieldSet::~FieldSet() = default;

Result<FieldSet> FieldSet::from_json(const Value& fields) {
  return read_set(fields, 0);
}

Value FieldSet::to_json() const {
  auto object = Value::empty_object();
  object.reserve(entries_.size());
  for (const auto& entry : entries_) {
    auto below = entry.below.to_json();
    if (entry.member && !entry.below.empty()) {
      auto with_self = Value::empty_object();
      with_self.set(".", Value::empty_object());
      for (auto& [key, value] : below.members()) with_self.set(key, std::move(value));
      below = std::move(with_self);
    }
    object.set(entry.element.to_field_key(), std::move(below));
  }
  return object;
}

const FieldSet::Entry* FieldSet::find(const PathElement& element) const {
  const auto found = std::ranges::lower_bound(entries_, element, {}, &Entry::element);
  return found != entries_.end() && found->element == element ? &*found : nullptr;
}

FieldSet::Entry& FieldSet::at(const PathElement& element) {
  const auto found = std::ranges::lower_bound(entries_, element, {}, &Entry::element);
  if (found != entries_.end() && found->element == element) return *found;
  return *entries_.insert(found, Entry{element});
}

void FieldSet::insert(const OwnedPath& path) {
  FieldSet* set = this;
  for (std::size_t i = 0; i < path.size(); ++i) {
    auto& entry = set->at(path[i]);
    if (i + 1 == path.size()) entry.member = true;
    set = &entry.below;
  }
}

bool FieldSet::has(const OwnedPath& path) const {
  const FieldSet* set = this;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto* entry = set->find(path[i]);
    if (entry == nullptr) return false;
    if (i + 1 == path.size()) return entry->member;
    set = &entry->below;
  }
  return false;
}

bool FieldSet::has_member(const PathElement& element) const {
  const auto* entry = find(element);
  return entry != nullptr && entry->member;
}

const FieldSet* FieldSet::below(const PathElement& element) const {
  const auto* entry = find(element);
  return entry == nullptr || entry->below.empty() ? nullptr : &entry->below;
}

bool FieldSet::empty() const noexcept {
  return std::ranges::all_of(entries_,
                             [](const Entry& entry) { return !entry.member && entry.below.empty(); });
}

std::size_t FieldSet::size() const noexcept {
  std::size_t size = 0;
  for (const auto& entry : entries_) size += (entry.member ? 1 : 0) + entry.below.size();
  return size;
}

namespace {

void visit_paths(const FieldSet& set, OwnedPath& path, const std::function<void(const OwnedPath&)>& visit) {
  for (const auto& entry : set.entries()) {
    if (!entry.member) continue;
    path.push_back(entry.element);
    visit(path);
    path.pop_back();
  }
  for (const auto& entry : set.entries()) {
    path.push_back(entry.element);
    visit_paths(entry.below, path, visit);
    path.pop_back();
  }
}

/// Walks two sorted lists of entries together. Each of the functions gives an entry to keep; what is empty is
/// dropped.
template <class Both, class Left, class Right>
std::vector<FieldSet::Entry> combine(const std::vector<FieldSet::Entry>& left,
                                     const std::vector<FieldSet::Entry>& right, Both both, Left only_left,
                                     Right only_right) {
  std::vector<FieldSet::Entry> out;
  const auto keep = [&](FieldSet::Entry entry) {
    if (entry.member || !entry.below.empty()) out.push_back(std::move(entry));
  };
  auto l = left.begin();
  auto r = right.begin();
  while (l != left.end() || r != right.end()) {
    const auto order = l == left.end()    ? std::strong_ordering::greater
                       : r == right.end() ? std::strong_ordering::less
                                          : l->element <=> r->element;
    if (order < 0) {
      keep(only_left(*l++));
    } else if (order > 0) {
      keep(only_right(*r++));
    } else {
      keep(both(*l++, *r++));
    }
  }
  return out;
}

FieldSet::Entry same(const FieldSet::Entry& entry) {
  return entry;
}

FieldSet::Entry nothing(const FieldSet::Entry& entry) {
  return FieldSet::Entry{entry.element};
}

}  // namespace

void FieldSet::for_each(const std::function<void(const OwnedPath&)>& visit) const {
  OwnedPath path;
  visit_paths(*this, path, visit);
}

FieldSet FieldSet::leaves() const {
  FieldSet out;
  for (const auto& entry : entries_) {
    out.entries_.push_back({entry.element, entry.member && entry.below.empty(), entry.below.leaves()});
  }
  return out;
}

FieldSet FieldSet::operator|(const FieldSet& other) const {
  FieldSet out;
  out.entries_ = combine(
      entries_, other.entries_,
      [](const Entry& a, const Entry& b) {
        return Entry{a.element, a.member || b.member, a.below | b.below};
      },
      same, same);
  return out;
}

FieldSet FieldSet::operator&(const FieldSet& other) const {
  FieldSet out;
  out.entries_ = combine(
      entries_, other.entries_,
      [](const Entry& a, const Entry& b) {
        return Entry{a.element, a.member && b.member, a.below & b.below};
      },
      nothing, nothing);
  return out;
}

FieldSet FieldSet::operator-(const FieldSet& other) const {
  FieldSet out;
  out.entries_ = combine(
      entries_, other.entries_,
      [](const Entry& a, const Entry& b) {
        return Entry{a.element, a.member && !b.member, a.below - b.below};
      },
      same, nothing);
  return out;
}

FieldSet FieldSet::without_subtrees(const FieldSet& other) const {
  FieldSet out;
  out.entries_ = combine(
      entries_, other.entries_,
      [](const Entry& a, const Entry& b) {
        return b.member ? Entry{a.element} : Entry{a.element, a.member, a.below.without_subtrees(b.below)};
      },
      same, nothing);
  return out;
}

bool FieldSet::operator==(const FieldSet& other) const {
  // Entries that lead nowhere do not count.
  const auto left = combine(entries_, {}, [](const Entry& a, const Entry&) { return a; }, same, same);
  const auto right = combine(other.entries_, {}, [](const Entry& a, const Entry&) { return a; }, same, same);
  return std::ranges::equal(left, right, [](const Entry& a, const Entry& b) {
    return a.element == b.element && a.member == b.member && a.below == b.below;
  });
}

}  // namespace klutch::apiserver
