// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kube/runtime/store.h"

// The Store that informers keep. Readers see it as `const Store&`; only who owns it can change it, which is
// what makes "nobody but the informer writes" a matter of types. Each object is held once: the table is
// ordered by key with the keys lying inside of the objects, and indexes point into the table. Objects should
// be packed (json/pack.h). Loop thread only; never suspends, never fails.

namespace klutch::kube {

/// A Key that lies somewhere else.
struct KeyView {
  std::string_view ns = {};
  std::string_view name = {};
  auto operator<=>(const KeyView&) const = default;
};

/// The key of `object`, which must outlive it.
KeyView key_view(const Object& object) noexcept;

class ObjectStore final : public Store {
 public:
  ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  // --- Reading ---

  [[nodiscard]] Lookup get(const Key& key) const override;
  [[nodiscard]] bool synced() const noexcept override { return synced_; }
  [[nodiscard]] std::size_t size() const noexcept override { return table_.size(); }
  [[nodiscard]] std::vector<ObjectPtr> list() const override;
  [[nodiscard]] std::vector<ObjectPtr> list_namespace(std::string_view ns) const override;
  [[nodiscard]] std::vector<ObjectPtr> by_index(std::string_view name, std::string_view value) const override;
  [[nodiscard]] const std::string& resource_version() const noexcept override { return resource_version_; }

  // --- Writing ---

  /// What is stored under `key`, whether synced or not; null if nothing is.
  [[nodiscard]] ObjectPtr find(KeyView key) const;
  /// Stores `object` under its own key, as seen in this round; gives what it replaces, or null.
  ObjectPtr put(ObjectPtr object);
  /// Gives what was removed, or null.
  ObjectPtr remove(KeyView key);

  /// Rounds tell which objects a list had. Begins one in which nothing has been seen.
  void begin_round() noexcept;
  /// Counts what is stored under `key` as seen in this round; false if it was already, or is not there.
  bool mark_seen(KeyView key) noexcept;
  /// How many objects have been seen in this round, those removed since included.
  [[nodiscard]] std::size_t seen() const noexcept { return seen_; }
  [[nodiscard]] std::vector<ObjectPtr> unseen() const;

  void set_resource_version(std::string_view version) { resource_version_ = version; }
  /// The whole list is known from now on.
  void set_synced() noexcept { synced_ = true; }
  /// Fills the index from what is there. An index of that name keeps its function.
  void add_index(const std::string& name, IndexFunction function);

 private:
  struct Held {
    ObjectPtr object;
    std::uint32_t round = 0;
  };
  using Table = std::map<KeyView, Held>;
  using Entry = Table::value_type;  // its address stays while the object under a key is replaced
  struct ByKey {
    bool operator()(const Entry* a, const Entry* b) const noexcept { return a->first < b->first; }
  };
  struct Index {
    IndexFunction function;
    std::map<std::string, std::set<const Entry*, ByKey>, std::less<>> entries = {};

    void add(const Entry& entry, const std::vector<std::string>& values);
    void remove(const Entry& entry, const std::vector<std::string>& values);
  };

  bool mark_seen(Held& held) noexcept;
  void replace(Table::iterator at, ObjectPtr object);

  Table table_;
  std::map<std::string, Index, std::less<>> indexes_;
  std::string resource_version_;
  std::uint32_t round_ = 1;
  std::size_t seen_ = 0;
  bool synced_ = false;
};

}  // namespace klutch::kube
