// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace klutch::local {

/// The state folder of one local installation: all that `klutch up` writes is in it.
class Layout {
 public:
  explicit Layout(std::string path) : path_(std::move(path)) {}
  /// `chosen`, else $KLUTCH_STATE, else the place for a user's state. Always absolute.
  static Result<Layout> find(const std::string& chosen);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// What was decided once: ports and host names.
  [[nodiscard]] std::string settings() const { return path_ + "/local.json"; }
  /// Held by the supervisor.
  [[nodiscard]] std::string lock() const { return path_ + "/supervisor.lock"; }
  /// Which process runs a program, the supervisor included.
  [[nodiscard]] std::string process_file(std::string_view program) const {
    return path_ + "/run/" + std::string(program);
  }
  [[nodiscard]] std::string log_file(std::string_view program) const {
    return path_ + "/logs/" + std::string(program) + ".log";
  }
  /// The state folder of a cluster's API server: "provider" or "consumer".
  [[nodiscard]] std::string cluster(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] std::string kubeconfig(std::string_view cluster_name) const {
    return cluster(cluster_name) + "/admin.kubeconfig";
  }

 private:
  std::string path_;
};

}  // namespace klutch::local
