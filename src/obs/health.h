// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What /livez, /readyz and /healthz answer, in the words of the Kubernetes API server. Pure logic: the HTTP
// route passes the query in and the report out. Safe from any thread. Checks are called by whoever asks, so
// they must be quick and must not wait: they look at a flag or a time that others keep.

namespace klutch::obs {

enum class Probe {
  kLive,    ///< /livez: restart me when this fails.
  kReady,   ///< /readyz: send me no requests while this fails.
  kHealth,  ///< /healthz: the older name for all checks that count for life.
};

struct HealthQuery {
  bool verbose = false;                   ///< ?verbose: list the checks even when all is well.
  std::vector<std::string> exclude = {};  ///< ?exclude=name, any number of times.
};

struct HealthReport {
  bool healthy = true;
  int http_status = 200;  ///< 200 or 500; 404 when a single check was asked for that does not exist.
  std::string body;       ///< text/plain. Never says why a check fails: anybody may ask.
  /// Why, for the log: the name of each failing check with its error.
  std::vector<std::pair<std::string, Error>> failures = {};
};

class HealthChecks {
 public:
  using Check = std::function<Result<>()>;

  /// Begins with the check "ping", which always succeeds.
  HealthChecks();

  /// A check for all three probes. Checks are listed in the order they were added; names are unique (else it
  /// aborts), made of letters, digits, '-', '_', '.' and '/'.
  void add(std::string name, Check check);
  /// A check for /readyz only: something others need, while a restart would not help.
  void add_readiness(std::string name, Check check);
  /// Takes a check away again. Whether it was there.
  bool remove(std::string_view name);

  /// Runs the checks of `probe`.
  [[nodiscard]] HealthReport run(Probe probe, const HealthQuery& query = {}) const;
  /// Runs one check, as for /readyz/name.
  [[nodiscard]] HealthReport run_one(Probe probe, std::string_view name) const;

 private:
  struct Entry {
    std::string name;
    Check check;
    bool readiness_only;
  };
  void add_entry(Entry entry);
  [[nodiscard]] std::vector<Entry> entries_of(Probe probe) const;

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

/// "livez", "readyz" or "healthz".
std::string_view probe_name(Probe probe) noexcept;

}  // namespace klutch::obs
