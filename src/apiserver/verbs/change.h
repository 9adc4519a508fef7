// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/verbs/verbs.h"

// What every change of an object goes through, apart from the store: reading, ownership, preparation,
// admission, validation. Private to verbs/. A Change lives during one decision; its functions are pure apart
// from the clock that was read before.

namespace klutch::apiserver {

class Change {
 public:
  Change(const ServedResource& resource, const kube::Key& key, const User& user, const WriteOptions& options,
         const std::vector<std::shared_ptr<const Admission>>& admission, Time now)
      : resource_(resource), key_(key), user_(user), options_(options), admission_(admission), now_(now) {}

  /// Whether `object` is of this resource; fills in apiVersion and kind if they are missing.
  Result<> check_kind(json::Value& object) const;
  /// Whether namespace and name of `object` are those of the URL; fills in the namespace.
  Result<> check_identity(json::Value& object) const;

  /// How Strict field validation and mistakes of decoding are told: of a whole body, or of a patch.
  enum class Source { kBody, kPatch };
  /// Types, unknown fields, defaults.
  Result<json::Value> read(json::Value object, Source source) const;
  /// The object that is to be created, as it will be served. `owned`: managedFields are right already.
  Result<json::Value> finish_create(json::Value object, bool owned) const;
  /// The object that replaces `live`, as it will be served. Equal to `live` when nothing changes.
  Result<json::Value> finish_update(const json::Value& live, json::Value object, bool owned) const;
  /// `config` applied to `live` (an empty object: there is none), managedFields included.
  Result<json::Value> apply(const json::Value& live, const json::Value& config) const;

  /// Asks all that have a say.
  Result<> admit(Admission::Change::Operation operation, const json::Value* object,
                 const json::Value* old) const;

 private:
  [[nodiscard]] WriteIdentity identity() const;
  Result<> check_fields(const std::vector<std::string>& unknown, Source source,
                        const std::string& sent) const;
  [[nodiscard]] Error decoding_error(Source source, const std::string& sent, const std::string& text) const;
  Result<> check_version(const json::Value& live, json::Value& metadata) const;
  void keep_other_half(const json::Value& live, json::Value& object) const;
  void count_generation(const json::Value& live, json::Value& object) const;
  void warn(const std::vector<std::string>& texts) const;

  const ServedResource& resource_;
  const kube::Key& key_;
  const User& user_;
  const WriteOptions& options_;
  const std::vector<std::shared_ptr<const Admission>>& admission_;
  Time now_;
};

/// Whether two objects differ in nothing but the times of their managedFields.
bool same_but_for_times(const json::Value& a, const json::Value& b);
/// Whether anything but metadata, apiVersion, kind and (if `ignore_status`) status differs.
bool differs_in_content(const json::Value& a, const json::Value& b, bool ignore_status);
/// metadata of `object`, made when missing.
json::Value& metadata_of(json::Value& object);
/// Whether nothing keeps an object that is being deleted.
bool may_go(const ServedResource& resource, const json::Value& object);
/// `served` as the store keeps it, with the revision that the change gets; or what watchers of its deletion
/// see.
Decision put_decision(const ServedResource& resource, json::Value served, Revision revision);
Decision remove_decision(const ServedResource& resource, json::Value served, Revision revision);

}  // namespace klutch::apiserver
