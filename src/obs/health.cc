// SPDX-License-Identifier: Apache-2.0
#include "obs/health.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace klutch::obs {
namespace {

constexpr int kOk = 200;
constexpr int kNotFound = 404;
constexpr int kFailed = 500;

bool is_check_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./").find(c) != std::string_view::npos;
  });
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The excluded names that no check has, quoted and in order.
std::vector<std::string> without_match(std::vector<std::string> excluded,
                                       const std::vector<std::string>& matched) {
  constexpr std::size_t kMostNamed = 16;
  std::erase_if(excluded, [&](const auto& name) { return contains(matched, name); });
  std::sort(excluded.begin(), excluded.end());
  excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
  if (excluded.size() > kMostNamed) excluded.resize(kMostNamed);
  for (auto& name : excluded) name = quote(name, 64);
  return excluded;
}

}  // namespace

std::string_view probe_name(Probe probe) noexcept {
  switch (probe) {
    case Probe::kLive: return "livez";
    case Probe::kReady: return "readyz";
    case Probe::kHealth: break;
  }
  return "healthz";
}

HealthChecks::HealthChecks() {
  add("ping", [] { return Result<>{}; });
}

void HealthChecks::add(std::string name, Check check) {
  add_entry({std::move(name), std::move(check), false});
}

void HealthChecks::add_readiness(std::string name, Check check) {
  add_entry({std::move(name), std::move(check), true});
}

void HealthChecks::add_entry(Entry entry) {
  CHECK(is_check_name(entry.name));
  const std::lock_guard lock(mutex_);
  CHECK(std::none_of(entries_.begin(), entries_.end(),
                     [&](const Entry& other) { return other.name == entry.name; }));
  entries_.push_back(std::move(entry));
}

bool HealthChecks::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(entries_, [name](const Entry& entry) { return entry.name == name; }) > 0;
}

std::vector<HealthChecks::Entry> HealthChecks::entries_of(Probe probe) const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> entries;
  std::copy_if(entries_.begin(), entries_.end(), std::back_inserter(entries),
               [probe](const Entry& entry) { return probe == Probe::kReady || !entry.readiness_only; });
  return entries;
}

HealthReport HealthChecks::run(Probe probe, const HealthQuery& query) const {
  HealthReport report;
  std::string list;
  std::vector<std::string> excluded;
  for (const Entry& entry : entries_of(probe)) {
    if (contains(query.exclude, entry.name)) {
      excluded.push_back(entry.name);
      list.append("[+]").append(entry.name).append(" excluded: ok\n");
    } else if (auto result = entry.check(); result) {
      list.append("[+]").append(entry.name).append(" ok\n");
    } else {
      list.append("[-]").append(entry.name).append(" failed: reason withheld\n");
      report.failures.emplace_back(entry.name, std::move(result).error());
    }
  }
  if (const auto unknown = without_match(query.exclude, excluded); !unknown.empty()) {
    list += "warn: some health checks cannot be excluded: no matches for " + join(unknown, ",") + "\n";
  }
  report.healthy = report.failures.empty();
  report.http_status = report.healthy ? kOk : kFailed;
  if (report.healthy && !query.verbose) {
    report.body = "ok";
  } else {
    report.body =
        list.append(probe_name(probe)).append(report.healthy ? " check passed\n" : " check failed\n");
  }
  return report;
}

HealthReport HealthChecks::run_one(Probe probe, std::string_view name) const {
  for (const Entry& entry : entries_of(probe)) {
    if (entry.name != name) continue;
    auto result = entry.check();
    if (result) return {.healthy = true, .http_status = kOk, .body = "ok"};
    HealthReport report{
        .healthy = false, .http_status = kFailed, .body = "internal server error: reason withheld\n"};
    report.failures.emplace_back(entry.name, std::move(result).error());
    return report;
  }
  return {.healthy = false, .http_status = kNotFound, .body = "no such check\n"};
}

}  // namespace klutch::obs
