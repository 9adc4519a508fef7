// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "apiserver/ownership/managed_fields.h"
#include "apiserver/ownership/typed.h"
#include "kube/api/object.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using Operation = ManagerId::Operation;

/// More entries of updates than these are merged into one.
constexpr std::size_t kMaxUpdateManagers = 10;
constexpr std::string_view kMergedManager = "ancient-changes";
constexpr std::string_view kFirstManager = "before-first-apply";

/// What no manager ever owns.
const FieldSet& never_owned() {
  static const FieldSet set = [] {
    FieldSet fields;
    const auto metadata = PathElement::field("metadata");
    for (const char* name : {"apiVersion", "kind", "metadata"}) fields.insert({PathElement::field(name)});
    for (const char* name : {"name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName",
                             "generation", "managedFields", "resourceVersion"}) {
      fields.insert({metadata, PathElement::field(name)});
    }
    return fields;
  }();
  return set;
}

Value without_managed_fields(const Value& object) {
  Value copy = object;
  if (auto* metadata = copy.find("metadata"); metadata != nullptr && metadata->is_object()) {
    metadata->erase("managedFields");
  }
  return copy;
}

const Value& managed_entries(const Value& object) {
  static const Value kNone;
  const auto* metadata = object.find_object("metadata");
  const auto* entries = metadata != nullptr ? metadata->find("managedFields") : nullptr;
  return entries != nullptr ? *entries : kNone;
}

void store_managed_fields(Value& object, const ManagedFields& managed) {
  if (managed.empty()) {
    object = without_managed_fields(object);
    return;
  }
  object["metadata"].set("managedFields", print_managed_fields(managed));
}

void drop_empty(ManagedFields& managed) {
  std::erase_if(managed, [](const auto& entry) { return entry.second.fields.empty(); });
}

/// One write: keeps comparisons per version, since entries may have been written through others.
class OwnershipUpdate {
 public:
  OwnershipUpdate(const Value& live, const OwnershipTypes& types) : live_(live), types_(types) {}

  /// Entries in the form their types have today; those of versions that are gone are dropped.
  [[nodiscard]] ManagedFields reconcile(const ManagedFields& managed) const {
    ManagedFields out;
    for (const auto& [id, set] : managed) {
      const TypeRef type = types_.type_of(set.api_version);
      if (type == nullptr) continue;
      auto kept = set;
      kept.fields = reconcile_fields(set.fields, type);
      out.emplace(id, std::move(kept));
    }
    return out;
  }

  [[nodiscard]] FieldSet without_reset(const FieldSet& fields, std::string_view version) const {
    return types_.reset_fields ? fields.without_subtrees(types_.reset_fields(version)) : fields;
  }

  /// What the change from the live object to `updated` is, as `version` sees it.
  Result<const Comparison*> compare(const Value& updated, const std::string& version) {
    auto& slot = comparisons_[version];
    if (slot == nullptr) {
      auto comparison = TRY(compare_values(live_, updated, types_.type_of(version)));
      comparison.removed = without_reset(comparison.removed, version);
      comparison.modified = without_reset(comparison.modified, version);
      comparison.added = without_reset(comparison.added, version);
      slot = std::make_unique<Comparison>(std::move(comparison));
    }
    return slot.get();
  }

  /// Takes from all but `writer` what the write changes; without force, changing what another owns is a
  /// conflict.
  Result<> settle(const Value& updated, ManagedFields& managed, const ManagerId* writer, Force force) {
    std::map<ManagerId, FieldSet> conflicts;
    std::map<ManagerId, FieldSet> removed;
    for (const auto& [id, set] : managed) {
      if (writer != nullptr && id == *writer) continue;
      const auto* comparison = TRY(compare(updated, set.api_version));
      auto touched = set.fields & (comparison->modified | comparison->added);
      if (!touched.empty()) conflicts.emplace(id, std::move(touched));
      if (!comparison->removed.empty()) removed.emplace(id, comparison->removed);
    }
    if (force == Force::kNo && !conflicts.empty()) return fail(conflict_error(conflicts));
    for (const auto& [id, fields] : conflicts) managed[id].fields = managed[id].fields - fields;
    for (const auto& [id, fields] : removed) managed[id].fields = managed[id].fields - fields;
    drop_empty(managed);
    return {};
  }

 private:
  static Error conflict_error(const std::map<ManagerId, FieldSet>& conflicts) {
    auto status = std::make_shared<kube::Status>();
    std::string list;
    std::string single;
    for (const auto& [id, fields] : conflicts) {
      list += fmt::format("{}conflicts with {}:", list.empty() ? "" : "\n", id.to_string());
      fields.for_each([&, who = id.to_string()](const OwnedPath& path) {
        const auto field = to_string(path);
        list += "\n- " + field;
        single = fmt::format("conflict with {}: {}", who, field);
        status->causes.push_back({"FieldManagerConflict", "conflict with " + who, field});
      });
    }
    const auto count = status->causes.size();
    status->http_status = 409;
    status->reason = "Conflict";
    status->message = count == 1 ? "Apply failed with 1 conflict: " + single
                                 : fmt::format("Apply failed with {} conflicts: {}", count, list);
    auto message = status->message;
    return Error(Code::kConflict, std::move(message)).with_detail(std::move(status));
  }

  const Value& live_;
  const OwnershipTypes& types_;
  std::map<std::string, std::unique_ptr<Comparison>> comparisons_;
};

/// The oldest updates share one entry per version once there are too many.
void cap_managers(ManagedFields& managed) {
  std::vector<ManagerId> updates;
  for (const auto& [id, set] : managed) {
    if (id.operation == Operation::kUpdate && id.subresource.empty()) updates.push_back(id);
  }
  if (updates.size() <= kMaxUpdateManagers) return;
  std::ranges::stable_sort(updates, {}, [&](const ManagerId& id) { return managed[id].time; });
  std::size_t count = updates.size();
  std::set<std::string> merged_versions;
  for (const auto& id : updates) {
    if (count <= kMaxUpdateManagers) break;
    if (id.manager == kMergedManager) continue;
    auto entry = managed.extract(id);
    auto& set = entry.mapped();
    const ManagerId merged{std::string(kMergedManager), Operation::kUpdate, set.api_version, {}};
    const bool existed = managed.contains(merged);
    auto& target = managed[merged];
    target.fields = target.fields | set.fields;
    target.api_version = set.api_version;
    target.time = std::max(target.time, set.time);
    if (existed) --count;
  }
}

/// As track_update, on objects without managedFields.
Result<> update_ownership(const Value& live, const Value& updated, const WriteIdentity& write,
                          const OwnershipTypes& types, ManagedFields& managed) {
  const TypeRef type = types.type_of(write.api_version);
  if (type == nullptr) return {};
  TRY(check_type(updated, type, Duplicates::kAllow));
  TRY(check_type(live, type, Duplicates::kAllow));
  OwnershipUpdate update(live, types);
  auto next = update.reconcile(managed);
  const auto* comparison = TRY(update.compare(updated, write.api_version));
  TRY(update.settle(updated, next, nullptr, Force::kYes));
  const auto taken =
      update.without_reset(comparison->modified | comparison->added, write.api_version) - never_owned();
  if (!taken.empty()) {
    const ManagerId id{write.manager, Operation::kUpdate, write.api_version, write.subresource};
    auto& mine = next[id];
    mine.fields = mine.fields | taken;
    mine.api_version = write.api_version;
    mine.time = std::chrono::floor<std::chrono::seconds>(write.now);
    cap_managers(next);
  }
  managed = std::move(next);
  return {};
}

/// Whether a request asks to forget all owners: an empty list, or a list of one empty entry.
bool asks_for_reset(const Value& entries) {
  if (!entries.is_array()) return false;
  return entries.empty() || (entries.size() == 1 && entries.at(0).is_object() && entries.at(0).empty());
}

/// The entries a write starts from: those it sends if they make sense, else those of the live object.
ManagedFields entries_to_start_from(const Value& live, const Value& updated, bool through_subresource) {
  if (!through_subresource) {
    const auto& sent = managed_entries(updated);
    if (asks_for_reset(sent)) return {};
    if (auto managed = read_managed_fields(sent); managed && !managed->empty()) return *std::move(managed);
  }
  return read_managed_fields(managed_entries(live)).value_or(ManagedFields{});
}

/// Removes what the applier owned before and does not mention any more, unless somebody else owns it.
Value prune(const Value& merged, const FieldSet& last, TypeRef type, const ManagedFields& managed,
            const OwnershipTypes& types) {
  const auto named = with_named_parents(last, type);
  auto pruned = remove_fields(merged, named, type);
  const auto merged_fields = with_named_parents(fields_of(merged, type), type);
  std::map<std::string, FieldSet> owned;
  for (const auto& [id, set] : managed) owned[set.api_version] = owned[set.api_version] | set.fields;
  for (const auto& [version, fields] : owned) {
    const TypeRef version_type = types.type_of(version);
    if (version_type == nullptr) continue;
    const auto all = with_named_parents(fields_of(merged, version_type), version_type);
    const auto left = with_named_parents(fields_of(pruned, version_type), version_type);
    pruned = remove_fields(merged, all - (left | with_named_parents(fields, version_type)), version_type);
  }
  const auto left = with_named_parents(fields_of(pruned, type), type);
  return remove_fields(merged, (merged_fields - left) & named, type);
}

std::string typed_object_name(const Value& object) {
  const auto version = kube::api_version(object);
  const bool core = version.find('/') == std::string_view::npos;
  return fmt::format("{}/{}; {}{}, Kind={}", kube::ns(object), kube::name(object), core ? "/" : "", version,
                     kube::kind(object));
}

}  // namespace

void track_update(const Value& live, Value& updated, const WriteIdentity& write,
                  const OwnershipTypes& types) {
  auto managed = entries_to_start_from(live, updated, !write.subresource.empty());
  updated = without_managed_fields(updated);
  const bool is_create = kube::uid(live).empty();
  // An object whose owners were forgotten stays without until somebody applies.
  if (!managed.empty() || is_create) {
    static_cast<void>(update_ownership(without_managed_fields(live), updated, write, types, managed));
  }
  store_managed_fields(updated, managed);
}

Result<Value> apply_object(const Value& live, const Value& config, const WriteIdentity& write,
                           const OwnershipTypes& types, Force force) {
  const TypeRef type = types.type_of(write.api_version);
  if (type == nullptr) return fail(Code::kBadRequest, "version " + write.api_version + " is not served");
  if (const auto& sent = managed_entries(config); !sent.is_null()) {
    return fail(Code::kBadRequest, "metadata.managedFields must be nil");
  }
  auto managed =
      TRY(read_managed_fields(managed_entries(live)).map_error(context("failed to decode managed fields")));
  const auto before = without_managed_fields(live);
  if (managed.empty() && !kube::uid(live).empty()) {
    // The first apply: what is there belongs to whoever wrote it before.
    auto first = write;
    first.manager = kFirstManager;
    first.subresource.clear();
    TRY(update_ownership(Value::empty_object(), before, first, types, managed));
  }
  if (auto fits = check_type(config, type); !fits) {
    return fail(Code::kInternal, fmt::format("failed to create typed patch object ({}): {}",
                                             typed_object_name(config), fits.error().message()));
  }
  OwnershipUpdate update(before, types);
  managed = update.reconcile(managed);
  auto merged = TRY(merge_values(before, config, type).map_error([](const Error& error) {
    return error.with_context("failed to merge config").with_code(Code::kInternal);
  }));

  const ManagerId id{write.manager, Operation::kApply, {}, write.subresource};
  const auto found = managed.find(id);
  const auto last = found != managed.end() ? found->second : ManagedSet{};
  managed[id] = {.fields = update.without_reset(fields_of(config, type), write.api_version),
                 .api_version = write.api_version,
                 .time = last.time};
  if (const TypeRef last_type = last.fields.empty() ? nullptr : types.type_of(last.api_version);
      last_type != nullptr) {
    merged = prune(merged, last.fields, last_type, managed, types);
  }
  TRY(update.settle(merged, managed, &id, force));
  if (const auto mine = managed.find(id); mine != managed.end()) {
    mine->second.fields = mine->second.fields - never_owned();
    // An apply that changes nothing but owners leaves the time alone, also where there is none yet.
    if (merged != before) mine->second.time = std::chrono::floor<std::chrono::seconds>(write.now);
  }
  drop_empty(managed);
  store_managed_fields(merged, managed);
  return merged;
}

}  // namespace klutch::apiserver
