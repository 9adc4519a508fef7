// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kube/client/kubeconfig.h"

// Where kubeconfigs are found, by the rules of kubectl. Blocks on the disk: for the start of a program, or
// for Ctx::blocking. Errors name the file.

namespace klutch::kube {

struct KubeconfigFiles {
  std::vector<std::string> paths = {};
  /// Whether a missing file is an error; otherwise it is passed over.
  bool required = false;

  /// `explicit_path` alone, which must exist; without it the list in KUBECONFIG, and where that is not set
  /// ~/.kube/config.
  static KubeconfigFiles find(const std::string& explicit_path = {});
  /// For messages: "/a, /b".
  [[nodiscard]] std::string to_string() const;
};

/// All of `files` merged: of entries with one name the first counts, and of what is current. Empty if no file
/// exists.
Result<Kubeconfig> load_kubeconfig(const KubeconfigFiles& files);

/// Replaces `path`, readable by its owner only.
Result<> save_kubeconfig(const Kubeconfig& config, const std::string& path);

}  // namespace klutch::kube
