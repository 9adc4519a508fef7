// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/value.h"

#include <functional>
#include <utility>

#include "apiserver/cel/heap.h"
#include "apiserver/cel/schema.h"
#include "base/check.h"

namespace klutch::apiserver::cel {

using detail::HeapObject;
using detail::ListObject;
using detail::MapObject;
using detail::OptionalObject;
using detail::TextObject;

namespace {

constexpr std::string_view kNoSuchOverload = "no such overload";

bool is_text_kind(Kind kind) {
  return kind == Kind::kString || kind == Kind::kBytes || kind == Kind::kType || kind == Kind::kError;
}

}  // namespace

Value::Value(const Value& other) noexcept
    : kind_(other.kind_),
      storage_(other.storage_),
      size_(other.size_),
      payload_(other.payload_),
      extra_(other.extra_) {
  retain();
}

Value::Value(Value&& other) noexcept
    : kind_(other.kind_),
      storage_(other.storage_),
      size_(other.size_),
      payload_(other.payload_),
      extra_(other.extra_) {
  other.kind_ = Kind::kNull;
  other.storage_ = Storage::kInline;
}

Value& Value::operator=(const Value& other) noexcept {
  return *this = Value(other);
}

Value& Value::operator=(Value&& other) noexcept {
  std::swap(kind_, other.kind_);
  std::swap(storage_, other.storage_);
  std::swap(size_, other.size_);
  std::swap(payload_, other.payload_);
  std::swap(extra_, other.extra_);
  return *this;
}

Value::~Value() {
  release();
}

void Value::retain() const noexcept {
  if (storage_ == Storage::kHeap) {
    payload_.object->retain();
  } else if (is_text_kind(kind_) && extra_.owner != nullptr) {
    extra_.owner->retain();
  }
}

void Value::release() noexcept {
  if (storage_ == Storage::kHeap) {
    payload_.object->release();
  } else if (is_text_kind(kind_) && extra_.owner != nullptr) {
    extra_.owner->release();
  }
}

Value Value::boolean(bool truth) noexcept {
  Value value;
  value.kind_ = Kind::kBool;
  value.payload_.truth = truth;
  return value;
}

Value Value::integer(std::int64_t number) noexcept {
  Value value;
  value.kind_ = Kind::kInt;
  value.payload_.integer = number;
  return value;
}

Value Value::uinteger(std::uint64_t number) noexcept {
  Value value;
  value.kind_ = Kind::kUint;
  value.payload_.uinteger = number;
  return value;
}

Value Value::real(double number) noexcept {
  Value value;
  value.kind_ = Kind::kDouble;
  value.payload_.real = number;
  return value;
}

Value Value::owned_text(Kind kind, std::string_view text) {
  Value value;
  auto* owner = new TextObject(text);  // released with the last copy of the value
  value.kind_ = kind;
  value.size_ = static_cast<std::uint32_t>(text.size());
  value.payload_.chars = owner->text.data();
  value.extra_.owner = owner;
  return value;
}

Value Value::string(std::string_view text) {
  return owned_text(Kind::kString, text);
}

Value Value::bytes(std::string_view content) {
  return owned_text(Kind::kBytes, content);
}

Value Value::string_view(std::string_view text) noexcept {
  Value value;
  value.kind_ = Kind::kString;
  value.size_ = static_cast<std::uint32_t>(text.size());
  value.payload_.chars = text.data();
  return value;
}

Value Value::timestamp(Timestamp time) noexcept {
  Value value;
  value.kind_ = Kind::kTimestamp;
  value.size_ = time.nanos;
  value.payload_.integer = time.seconds;
  value.extra_.offset = time.offset;
  return value;
}

Value Value::duration(std::int64_t nanos) noexcept {
  Value value = integer(nanos);
  value.kind_ = Kind::kDuration;
  return value;
}

Value Value::type(std::string_view name) {
  return owned_text(Kind::kType, name);
}

Value Value::optional_none() noexcept {
  Value value;
  value.kind_ = Kind::kOptional;
  return value;
}

Value Value::optional_of(Value content) {
  return adopt(Kind::kOptional, new OptionalObject(std::move(content)));
}

Value Value::error(std::string_view message) {
  return owned_text(Kind::kError, message);
}

Value Value::no_such_overload() {
  Value value = string_view(kNoSuchOverload);
  value.kind_ = Kind::kError;
  return value;
}

Value Value::list(std::span<const Value> elements) {
  auto* list = new ListObject;
  list->reserve(elements.size());
  for (const Value& element : elements) list->add(element);
  return adopt(Kind::kList, list);
}

Value Value::adopt(Kind kind, HeapObject* object) noexcept {
  Value value;
  value.kind_ = kind;
  value.storage_ = Storage::kHeap;
  value.payload_.object = object;
  return value;
}

Value Value::view_of(Kind kind, const json::Value& content, const Schema* schema) noexcept {
  Value value;
  value.kind_ = kind;
  value.storage_ = Storage::kJson;
  value.payload_.json = &content;
  value.extra_.schema = schema;
  return value;
}

bool Value::as_bool() const {
  CHECK(kind_ == Kind::kBool);
  return payload_.truth;
}

std::int64_t Value::as_int() const {
  CHECK(kind_ == Kind::kInt);
  return payload_.integer;
}

std::uint64_t Value::as_uint() const {
  CHECK(kind_ == Kind::kUint);
  return payload_.uinteger;
}

double Value::as_double() const {
  CHECK(kind_ == Kind::kDouble);
  return payload_.real;
}

std::string_view Value::as_text() const {
  CHECK(is_text_kind(kind_));
  return {payload_.chars, size_};
}

Timestamp Value::as_timestamp() const {
  CHECK(kind_ == Kind::kTimestamp);
  return {.seconds = payload_.integer, .nanos = size_, .offset = static_cast<std::int32_t>(extra_.offset)};
}

std::int64_t Value::as_duration() const {
  CHECK(kind_ == Kind::kDuration);
  return payload_.integer;
}

const Value* Value::as_optional() const {
  CHECK(kind_ == Kind::kOptional);
  if (storage_ != Storage::kHeap) return nullptr;
  return &static_cast<const OptionalObject*>(payload_.object)->content;
}

const detail::OpaqueObject& Value::as_opaque() const {
  CHECK(kind_ == Kind::kOpaque);
  return *static_cast<const detail::OpaqueObject*>(payload_.object);
}

ListObject* Value::heap_list() const noexcept {
  return kind_ == Kind::kList && storage_ == Storage::kHeap ? static_cast<ListObject*>(payload_.object)
                                                            : nullptr;
}

MapObject* Value::heap_map() const noexcept {
  return kind_ == Kind::kMap && storage_ == Storage::kHeap ? static_cast<MapObject*>(payload_.object)
                                                           : nullptr;
}

const json::Value* Value::json_content() const noexcept {
  return storage_ == Storage::kJson ? payload_.json : nullptr;
}

const Schema* Value::schema() const noexcept {
  if (storage_ == Storage::kJson) return extra_.schema;
  const ListObject* list = heap_list();
  return list == nullptr ? nullptr : list->schema;
}

bool Value::is_sole_owner() const noexcept {
  if (storage_ == Storage::kHeap) return !payload_.object->is_shared();
  return is_text_kind(kind_) && extra_.owner != nullptr && !extra_.owner->is_shared();
}

std::uint32_t Value::depth() const noexcept {
  return storage_ == Storage::kHeap ? payload_.object->depth() : 0;
}

std::size_t Value::size() const noexcept {
  if (kind_ != Kind::kList && kind_ != Kind::kMap) return 0;
  if (storage_ == Storage::kJson) return payload_.json->size();
  if (const ListObject* list = heap_list()) return list->elements().size();
  return heap_map()->entries().size();
}

std::string_view Value::type_name() const noexcept {
  switch (kind_) {
    case Kind::kError: return "error";
    case Kind::kNull: return "null_type";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kUint: return "uint";
    case Kind::kDouble: return "double";
    case Kind::kString: return "string";
    case Kind::kBytes: return "bytes";
    case Kind::kTimestamp: return "google.protobuf.Timestamp";
    case Kind::kDuration: return "google.protobuf.Duration";
    case Kind::kType: return "type";
    case Kind::kList: return "list";
    case Kind::kMap: return "map";
    case Kind::kOptional: return "optional_type";
    case Kind::kOpaque: return as_opaque().type_name();
    case Kind::kUnknown: return "unknown";
  }
  return "";
}

namespace detail {
namespace {

std::size_t key_hash(const Value& key) noexcept {
  switch (key.kind()) {
    case Kind::kBool: return key.as_bool() ? 1 : 2;
    case Kind::kInt: return std::hash<std::int64_t>()(key.as_int());
    case Kind::kUint: return std::hash<std::uint64_t>()(key.as_uint());
    case Kind::kDouble: return std::hash<double>()(key.as_double());
    case Kind::kString: return std::hash<std::string_view>()(key.as_text());
    default: return 0;
  }
}

bool to_int_exactly(double number, std::int64_t& out) {
  if (!(number > -9223372036854775808.0 && number < 9223372036854775808.0)) return false;
  out = static_cast<std::int64_t>(number);
  return static_cast<double>(out) == number;
}

bool to_uint_exactly(double number, std::uint64_t& out) {
  if (!(number >= 0 && number < 18446744073709551616.0)) return false;
  out = static_cast<std::uint64_t>(number);
  return static_cast<double>(out) == number;
}

}  // namespace

bool is_same_key(const Value& a, const Value& b) noexcept {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull: return true;
    case Kind::kBool: return a.as_bool() == b.as_bool();
    case Kind::kInt: return a.as_int() == b.as_int();
    case Kind::kUint: return a.as_uint() == b.as_uint();
    case Kind::kDouble: return a.as_double() == b.as_double();
    case Kind::kDuration: return a.as_duration() == b.as_duration();
    case Kind::kString:
    case Kind::kType: return a.as_text() == b.as_text();
    case Kind::kTimestamp: {
      const Timestamp x = a.as_timestamp();
      const Timestamp y = b.as_timestamp();
      return x.seconds == y.seconds && x.nanos == y.nanos && x.offset == y.offset;
    }
    default: return false;
  }
}

std::size_t MapObject::position(const Value& key) const noexcept {
  if (index_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (is_same_key(entries_[i].first, key)) return i;
    }
    return kNone;
  }
  const auto [first, last] = index_.equal_range(key_hash(key));
  for (auto it = first; it != last; ++it) {
    if (is_same_key(entries_[it->second].first, key)) return it->second;
  }
  return kNone;
}

const Value* MapObject::find_same(const Value& key) const noexcept {
  const std::size_t at = position(key);
  return at == kNone ? nullptr : &entries_[at].second;
}

const Value* MapObject::find(const Value& key) const noexcept {
  if (const Value* same = find_same(key)) return same;
  std::int64_t integer = 0;
  std::uint64_t uinteger = 0;
  switch (key.kind()) {
    case Kind::kDouble:
      if (to_int_exactly(key.as_double(), integer)) {
        if (const Value* found = find_same(Value::integer(integer))) return found;
      }
      return to_uint_exactly(key.as_double(), uinteger) ? find_same(Value::uinteger(uinteger)) : nullptr;
    case Kind::kInt:
      return key.as_int() < 0 ? nullptr
                              : find_same(Value::uinteger(static_cast<std::uint64_t>(key.as_int())));
    case Kind::kUint:
      return key.as_uint() > INT64_MAX ? nullptr
                                       : find_same(Value::integer(static_cast<std::int64_t>(key.as_uint())));
    default: return nullptr;
  }
}

void MapObject::set(const Value& key, Value value) {
  holds(key);
  holds(value);
  if (const std::size_t at = position(key); at != kNone) {
    entries_[at].second = std::move(value);
    return;
  }
  entries_.emplace_back(key, std::move(value));
  if (!index_.empty()) {
    index_.emplace(key_hash(key), entries_.size() - 1);
  } else if (entries_.size() >= kIndexedFrom) {
    rebuild_index();
  }
}

void MapObject::erase(const Value& key) {
  const std::size_t at = position(key);
  if (at == kNone) return;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  rebuild_index();
}

void MapObject::rebuild_index() {
  index_.clear();
  if (entries_.size() < kIndexedFrom) return;
  for (std::size_t i = 0; i < entries_.size(); ++i) index_.emplace(key_hash(entries_[i].first), i);
}

}  // namespace detail
}  // namespace klutch::apiserver::cel
