// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/store_writer.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "json/pack.h"
#include "kube/runtime/resource_version.h"

namespace klutch::kube {
namespace {

constexpr std::string_view kPartialKind = "PartialObjectMetadata";
constexpr std::string_view kPartialApiVersion = "meta.k8s.io/v1";

bool is_partial(const Object& object) {
  return kind(object) == kPartialKind && api_version(object) == kPartialApiVersion;
}

bool same_uid(const Object& a, const Object& b) {
  return uid(a) == uid(b);
}

/// Whether `object` says more than `stored`, the same object at an earlier look.
bool is_news(const Object& object, const Object& stored) {
  const std::string_view now = resource_version(object);
  const std::string_view before = resource_version(stored);
  return now.empty() || (now != before && !is_older_version(now, before));
}

/// The server holds only metadata for us, but sent everything.
void keep_metadata_only(Object& object) {
  object.erase_if([](const json::Member& member) { return member.key() != "metadata"; });
  object.set("kind", kPartialKind);
  object.set("apiVersion", kPartialApiVersion);
}

}  // namespace

void StoreWriter::Graves::add(std::string_view uid, std::string_view version) {
  const auto number = version_number(version);
  if (uid.empty() || !number) return;
  const Grave grave{std::hash<std::string_view>{}(uid), *number};
  for (Grave& other : graves_) {
    if (other.uid_hash != grave.uid_hash) continue;
    other.version = std::max(other.version, grave.version);
    return;
  }
  if (graves_.size() < kMost) {
    graves_.push_back(grave);
  } else {
    graves_[oldest_] = grave;
    oldest_ = (oldest_ + 1) % kMost;
  }
}

bool StoreWriter::Graves::has(std::string_view uid, std::string_view version) const noexcept {
  const auto number = version_number(version);
  if (graves_.empty() || !number) return false;
  const std::size_t hash = std::hash<std::string_view>{}(uid);
  return std::any_of(graves_.begin(), graves_.end(),
                     [&](const Grave& grave) { return grave.uid_hash == hash && *number <= grave.version; });
}

StoreWriter::StoreWriter(ObjectStore& store, Intake intake, Tell tell)
    : store_(store),
      intake_(std::move(intake)),
      api_version_(intake_.type.api_version()),
      tell_(std::move(tell)) {}

void StoreWriter::begin_list() {
  store_.begin_round();
  // A server that was set back to an older state may list objects that were deleted since.
  graves_.clear();
  listing_ = true;
}

Result<> StoreWriter::add_listed(Object object) {
  TRY(check(object));
  const KeyView key = key_view(object);
  const ObjectPtr before = store_.find(key);
  if (before && same_uid(*before, object) && !resource_version(object).empty() &&
      resource_version(*before) == resource_version(object)) {
    store_.mark_seen(key);
    return {};
  }
  return store(std::move(object), before);
}

void StoreWriter::end_list(std::string_view resource_version) {
  for (const ObjectPtr& gone : store_.unseen()) remove(gone, resource_version);
  listing_ = false;
  store_.set_resource_version(resource_version);
  store_.set_synced();
}

Result<bool> StoreWriter::apply(WatchEvent event) {
  CHECK(event.type != EventType::kBookmark);
  Object& object = event.object;
  TRY(check(object));
  const KeyView key = key_view(object);
  const ObjectPtr before = store_.find(key);
  const bool same = before && same_uid(*before, object);

  if (event.type == EventType::kDeleted) {
    // A deletion normally has a version of its own. One that has that of the last state is believed as well.
    const bool news = same && !is_older_version(resource_version(object), resource_version(*before));
    graves_.add(uid(object), resource_version(object));
    if (news) remove(before, resource_version(object));
    return news;
  }
  if (listing_ && before && store_.mark_seen(key)) {
    TRY(add_listed(std::move(object)));
    return true;
  }
  if (same && !is_news(object, *before)) return false;
  if (!same && graves_.has(uid(object), resource_version(object))) return false;
  TRY(store(std::move(object), before));
  return true;
}

Result<> StoreWriter::check(const Object& object) const {
  const auto refuse = [this](const std::string& why) {
    return fail(Code::kInternal, "the server sent " + why + " when asked for " + intake_.type.to_string());
  };
  if (name(object).empty()) return refuse("something without a name");
  const bool expected = intake_.metadata_only && is_partial(object);
  if (!expected && (kind(object) != intake_.type.kind || api_version(object) != api_version_)) {
    return refuse("an object of kind " + quote(kind(object)) + " in " + quote(api_version(object)));
  }
  const std::string_view space = ns(object);
  if (intake_.type.namespaced == space.empty()) {
    return refuse(quote(name(object)) + (space.empty() ? " without" : " with") + " a namespace");
  }
  if (!intake_.ns.empty() && space != intake_.ns) {
    return refuse("an object of namespace " + quote(space) + " instead of " + quote(intake_.ns));
  }
  return {};
}

ObjectPtr StoreWriter::prepare(Object object) const {
  if (intake_.metadata_only && !is_partial(object)) keep_metadata_only(object);
  if (!intake_.keep_managed_fields) object["metadata"].erase("managedFields");
  if (intake_.transform) {
    const Key key_before = key(object);
    const std::string uid_before(uid(object));
    const std::string version_before(resource_version(object));
    intake_.transform(object);
    CHECK(key(object) == key_before && uid(object) == uid_before &&
          resource_version(object) == version_before);
  }
  return json::pack(object);
}

Result<> StoreWriter::store(Object object, const ObjectPtr& before) {
  if (!before && store_.size() >= intake_.max_objects) {
    return fail(Code::kTooLarge, "more than " + std::to_string(intake_.max_objects) + " " +
                                     intake_.type.to_string() + ", the limit of this cache");
  }
  ObjectPtr now = prepare(std::move(object));
  if (before && !same_uid(*before, *now)) {
    remove(before, resource_version(*now));
    store_.put(now);
    tell(Change::Kind::kAdded, nullptr, std::move(now));
  } else {
    store_.put(now);
    tell(before ? Change::Kind::kUpdated : Change::Kind::kAdded, before, std::move(now));
  }
  return {};
}

void StoreWriter::remove(const ObjectPtr& before, std::string_view version) {
  store_.remove(key_view(*before));
  graves_.add(uid(*before), version);
  tell(Change::Kind::kDeleted, before, nullptr);
}

void StoreWriter::tell(Change::Kind kind, ObjectPtr before, ObjectPtr now) {
  Change change{.kind = kind, .before = std::move(before), .now = std::move(now)};
  change.key = key(change.now ? *change.now : *change.before);
  change.initial = kind == Change::Kind::kAdded && !store_.synced();
  tell_(change);
}

}  // namespace klutch::kube
