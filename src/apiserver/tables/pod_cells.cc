// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>

#include "apiserver/tables/cell_values.h"
#include "base/duration.h"
#include "base/time.h"

namespace klutch::apiserver {
namespace {

/// What the containers of a pod are about.
struct PodState {
  std::string reason = {};
  std::int64_t ready = 0;
  std::int64_t total = 0;
  std::int64_t restarts = 0;
  std::optional<Time> last_restart = {};
};

void note_restarts(PodState& state, const json::Value& status) {
  state.restarts += number_at(status, "restartCount");
  const auto finished = parse_rfc3339(text_at(status, "lastState.terminated.finishedAt"));
  if (finished && (!state.last_restart || *state.last_restart < *finished)) state.last_restart = *finished;
}

/// "Signal:9" or "ExitCode:1", unless the container says why it ended.
std::string end_of(const json::Value& terminated) {
  if (auto reason = text_at(terminated, "reason"); !reason.empty()) return reason;
  if (const auto signal = number_at(terminated, "signal"); signal != 0) {
    return "Signal:" + std::to_string(signal);
  }
  return "ExitCode:" + std::to_string(number_at(terminated, "exitCode"));
}

bool has_condition(const json::Value& pod, std::string_view type) {
  return std::ranges::any_of(list_at(pod, "status.conditions"), [&](const json::Value& condition) {
    return text_at(condition, "type") == type && text_at(condition, "status") == "True";
  });
}

/// An init container that goes on running beside the others.
bool is_sidecar(const json::Value& pod, std::string_view name) {
  return std::ranges::any_of(list_at(pod, "spec.initContainers"), [&](const json::Value& container) {
    return text_at(container, "name") == name && text_at(container, "restartPolicy") == "Always";
  });
}

/// The reason of an init container that holds the pod up; nothing if it does not.
std::optional<std::string> holdup_of(const json::Value& pod, const json::Value& status, std::size_t index) {
  const json::Value& terminated = value_at(status, "state.terminated");
  if (terminated.is_object() && number_at(terminated, "exitCode") == 0) return std::nullopt;
  if (is_sidecar(pod, text_at(status, "name")) && truth_at(status, "started")) return std::nullopt;
  if (terminated.is_object()) return "Init:" + end_of(terminated);
  const auto waiting = text_at(status, "state.waiting.reason");
  if (!waiting.empty() && waiting != "PodInitializing") return "Init:" + waiting;
  return "Init:" + std::to_string(index) + "/" + std::to_string(list_at(pod, "spec.initContainers").size());
}

/// True if the pod is still about its init containers. `sidecars` gets the restarts of those that stay.
bool read_init_containers(const json::Value& pod, PodState& state, PodState& sidecars) {
  const auto statuses = list_at(pod, "status.initContainerStatuses");
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const json::Value& status = statuses[i];
    note_restarts(state, status);
    const bool sidecar = is_sidecar(pod, text_at(status, "name"));
    if (sidecar) note_restarts(sidecars, status);
    if (auto holdup = holdup_of(pod, status, i)) {
      state.reason = std::move(*holdup);
      return true;
    }
    const json::Value& terminated = value_at(status, "state.terminated");
    const bool succeeded = terminated.is_object() && number_at(terminated, "exitCode") == 0;
    if (sidecar && !succeeded && truth_at(status, "ready")) ++state.ready;
  }
  return false;
}

void read_containers(const json::Value& pod, PodState& state) {
  bool has_running = false;
  const auto statuses = list_at(pod, "status.containerStatuses");
  // The first container's reason wins.
  for (std::size_t i = statuses.size(); i-- > 0;) {
    const json::Value& status = statuses[i];
    note_restarts(state, status);
    const auto waiting = text_at(status, "state.waiting.reason");
    const json::Value& terminated = value_at(status, "state.terminated");
    if (!waiting.empty()) {
      state.reason = waiting;
    } else if (terminated.is_object()) {
      state.reason = end_of(terminated);
    } else if (truth_at(status, "ready") && value_at(status, "state.running").is_object()) {
      has_running = true;
      ++state.ready;
    }
  }
  if (state.reason == "Completed" && has_running) {
    state.reason = has_condition(pod, "Ready") ? "Running" : "NotReady";
  }
}

PodState read_state(const json::Value& pod) {
  PodState state;
  const auto phase = text_at(pod, "status.phase");
  state.reason = text_or(pod, "status.reason", phase);
  for (const json::Value& condition : list_at(pod, "status.conditions")) {
    const bool gated = text_at(condition, "reason") == "SchedulingGated";
    if (gated && text_at(condition, "type") == "PodScheduled") state.reason = "SchedulingGated";
  }
  state.total = static_cast<std::int64_t>(list_at(pod, "spec.containers").size());
  for (const json::Value& container : list_at(pod, "spec.initContainers")) {
    if (text_at(container, "restartPolicy") == "Always") ++state.total;
  }
  PodState sidecars;
  const bool initializing = read_init_containers(pod, state, sidecars);
  if (!initializing || has_condition(pod, "Initialized")) {
    state.restarts = sidecars.restarts;
    state.last_restart = sidecars.last_restart;
    read_containers(pod, state);
  }
  if (is_being_deleted(pod)) {
    if (text_at(pod, "status.reason") == "NodeLost") {
      state.reason = "Unknown";
    } else if (phase != "Failed" && phase != "Succeeded") {
      state.reason = "Terminating";
    }
  }
  return state;
}

std::string readiness_gates(const json::Value& pod) {
  const auto gates = list_at(pod, "spec.readinessGates");
  if (gates.empty()) return "<none>";
  const auto open = std::ranges::count_if(
      gates, [&](const json::Value& gate) { return has_condition(pod, text_at(gate, "conditionType")); });
  return std::to_string(open) + "/" + std::to_string(gates.size());
}

}  // namespace

std::vector<json::Value> pod_cells(const json::Value& pod, Time now) {
  const PodState state = read_state(pod);
  std::string restarts = std::to_string(state.restarts);
  if (state.restarts != 0 && state.last_restart) {
    restarts += " (" + format_age(now - *state.last_restart) + " ago)";
  }
  const auto ips = list_at(pod, "status.podIPs");
  return cells_of(name_of(pod), std::to_string(state.ready) + "/" + std::to_string(state.total), state.reason,
                  restarts, age_of(pod, now), none_if_empty(ips.empty() ? "" : text_at(ips.front(), "ip")),
                  text_or(pod, "spec.nodeName", "<none>"), text_or(pod, "status.nominatedNodeName", "<none>"),
                  readiness_gates(pod));
}

}  // namespace klutch::apiserver
