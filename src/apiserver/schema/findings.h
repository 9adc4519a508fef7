// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/validation.h"

// What the validator finds, in order and each thing once. Private to src/apiserver/schema.

namespace klutch::apiserver {

/// An error, and the message by which Kubernetes recognises that it has been reported already.
struct Finding {
  FieldError error;
  std::string message;
};

/// Errors in order. Those of an alternative (anyOf, oneOf) are collected apart, for they may be dropped.
class Findings {
 public:
  void add(Finding finding) {
    if (findings_.size() >= kMaxValidationErrors) return;
    const auto same = [&](const Finding& other) { return other.message == finding.message; };
    if (std::any_of(findings_.begin() + scope_, findings_.end(), same)) return;
    findings_.push_back(std::move(finding));
  }
  void add_all(std::vector<Finding> more) {
    for (Finding& finding : more) add(std::move(finding));
  }

  [[nodiscard]] std::ptrdiff_t size() const { return std::ssize(findings_); }
  void truncate(std::ptrdiff_t size) { findings_.erase(findings_.begin() + size, findings_.end()); }

  /// Begins to collect apart; gives what end_apart() needs.
  std::ptrdiff_t begin_apart() { return std::exchange(scope_, size()); }
  std::vector<Finding> end_apart(std::ptrdiff_t outer) {
    std::vector<Finding> apart(std::make_move_iterator(findings_.begin() + scope_),
                               std::make_move_iterator(findings_.end()));
    truncate(scope_);
    scope_ = outer;
    return apart;
  }

  FieldErrors take() && {
    FieldErrors errors;
    errors.reserve(findings_.size());
    for (Finding& finding : findings_) errors.push_back(std::move(finding.error));
    return errors;
  }

 private:
  std::vector<Finding> findings_ = {};
  std::ptrdiff_t scope_ = 0;
};

}  // namespace klutch::apiserver
