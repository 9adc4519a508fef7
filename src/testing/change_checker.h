// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "kube/runtime/informer.h"

// Listens to an informer and says what could not happen to a real object: an object is added before it is
// updated, updated before it is deleted, each state is newer than the one before, the store already has what
// is told, and a UID that was deleted stays so. Loop thread only. For tests only.
//
//   testing::ChangeChecker checker(*informer);
//   ...
//   EXPECT_TRUE(checker.complaints().empty()) << checker.report();

namespace klutch::testing {

struct ChangeCheckerOptions {
  /// With a selector, an object may come and go several times.
  bool may_come_back = false;
};

class ChangeChecker {
 public:
  /// `informer` must outlive this.
  explicit ChangeChecker(kube::Informer& informer, ChangeCheckerOptions options = {});
  ChangeChecker(const ChangeChecker&) = delete;
  ChangeChecker& operator=(const ChangeChecker&) = delete;

  /// What was wrong, the first of it.
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }
  [[nodiscard]] std::string report() const;
  /// Compares what the changes add up to with the store.
  void compare_with_store();
  [[nodiscard]] std::size_t changes() const noexcept { return changes_; }

 private:
  struct Known {
    std::string uid;
    kube::ObjectPtr object;
  };
  void take(const kube::Change& change);
  void take_added(const kube::Change& change);
  void take_updated(const kube::Change& change);
  void take_deleted(const kube::Change& change);
  void complain(const kube::Change& change, const std::string& what);

  kube::Informer& informer_;
  ChangeCheckerOptions options_;
  std::unordered_map<kube::Key, Known> known_;
  std::unordered_map<std::string, std::string> deleted_;  // UID -> its last version
  std::vector<std::string> complaints_;
  std::size_t changes_ = 0;
  kube::Subscription subscription_;  // last: it calls at once
};

}  // namespace klutch::testing
