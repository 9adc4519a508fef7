// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "apiserver/kinds/defaults.h"
#include "apiserver/kinds/fields.h"
#include "json/build.h"

// Defaults of pods and of what pod templates are made of.

namespace klutch::apiserver {
namespace {

using json::Value;

bool is_part_of_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
}

/// Whether an image has the tag "latest", said or not. A name that cannot be one has none.
bool is_latest(std::string_view image) {
  const auto at = image.find('@');
  const bool has_digest = at != std::string_view::npos;
  image = image.substr(0, at);
  const auto colon = image.rfind(':');
  const bool has_tag = colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos;
  const auto tag = has_tag ? image.substr(colon + 1) : std::string_view();
  auto name = has_tag ? image.substr(0, colon) : image;
  // A registry before the first '/' may have a port and capital letters.
  const auto slash = name.find('/');
  const auto host = name.substr(0, slash);
  if (slash != std::string_view::npos && host.find_first_of(".:") != std::string_view::npos) {
    name.remove_prefix(slash + 1);
  }
  if (name.empty() || !std::ranges::all_of(name, is_part_of_name)) return false;
  return has_tag ? tag == "latest" : !has_digest;
}

void default_container(Value& container) {
  const bool latest = is_latest(text_at(container, {"image"}));
  set_empty(container, "imagePullPolicy", latest ? "Always" : "IfNotPresent");
  set_empty(container, "terminationMessagePath", "/dev/termination-log");
  set_empty(container, "terminationMessagePolicy", "File");
}

void default_pod_spec(Value& spec) {
  set_empty(spec, "dnsPolicy", "ClusterFirst");
  set_empty(spec, "restartPolicy", "Always");
  set_missing(spec, "securityContext", Value::empty_object());
  set_missing(spec, "terminationGracePeriodSeconds", 30);
  set_empty(spec, "schedulerName", "default-scheduler");
  // What the deprecated name says goes for the other, and the other way round.
  const std::string name(text_at(spec, {"serviceAccountName"}));
  const std::string deprecated(text_at(spec, {"serviceAccount"}));
  if (name.empty() && !deprecated.empty()) spec.set("serviceAccountName", deprecated);
  if (!name.empty()) spec.set("serviceAccount", name);
  if (!truth_at(spec, {"hostNetwork"})) return;
  for (const std::string_view list : {"containers", "initContainers"}) {
    auto* containers = spec.find(list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (auto& container : containers->elements()) {
      auto* ports = container.find("ports");
      if (ports == nullptr || !ports->is_array()) continue;
      for (auto& port : ports->elements()) {
        if (number_at(port, {"hostPort"}) == 0) port.set("hostPort", number_at(port, {"containerPort"}));
      }
    }
  }
}

void default_requests(Value& spec, std::string_view list) {
  auto* containers = spec.find(list);
  if (containers == nullptr || !containers->is_array()) return;
  for (auto& container : containers->elements()) {
    const Value limits = value_at(container, {"resources", "limits"});
    if (!limits.is_object() || limits.empty()) continue;
    auto& requests = object_in(object_in(container, "resources"), "requests");
    for (const auto& [name, limit] : limits.members()) set_missing(requests, name, limit);
  }
}

void default_pod(Value& object) {
  auto& spec = object_in(object, "spec");
  default_requests(spec, "containers");
  default_requests(spec, "initContainers");
  set_missing(spec, "enableServiceLinks", true);
}

void default_volume(Value& volume) {
  const bool has_source = std::ranges::any_of(map_at(volume, {}), [](const json::Member& member) {
    return member.key() != "name" && !member.value().is_null();
  });
  if (!has_source) volume.set("emptyDir", Value::empty_object());
  auto* image = volume.find("image");
  if (image == nullptr || !image->is_object()) return;
  set_empty(*image, "pullPolicy", is_latest(text_at(*image, {"reference"})) ? "Always" : "IfNotPresent");
}

void default_probe(Value& probe) {
  constexpr std::pair<std::string_view, int> kNumbers[] = {
      {"timeoutSeconds", 1}, {"periodSeconds", 10}, {"successThreshold", 1}, {"failureThreshold", 3}};
  for (const auto& [name, number] : kNumbers) {
    if (number_at(probe, {name}) == 0) probe.set(name, number);
  }
}

void default_file_mode(Value& source) {
  constexpr int kReadableByAll = 0644;
  set_missing(source, "defaultMode", kReadableByAll);
}

void default_token(Value& source) {
  set_missing(source, "expirationSeconds", 3600);
}

void default_http_get(Value& action) {
  set_empty(action, "path", "/");
  set_empty(action, "scheme", "HTTP");
}

void default_field_selector(Value& selector) {
  set_empty(selector, "apiVersion", "v1");
}

void default_host_path(Value& source) {
  set_missing(source, "type", "");
}

void default_grpc(Value& action) {
  set_missing(action, "service", "");
}

constexpr std::pair<std::string_view, MessageDefaults> kPodDefaults[] = {
    {"core.v1.ConfigMapVolumeSource", default_file_mode},
    {"core.v1.Container", default_container},
    {"core.v1.DownwardAPIVolumeSource", default_file_mode},
    {"core.v1.EphemeralContainerCommon", default_container},
    {"core.v1.GRPCAction", default_grpc},
    {"core.v1.HTTPGetAction", default_http_get},
    {"core.v1.HostPathVolumeSource", default_host_path},
    {"core.v1.ObjectFieldSelector", default_field_selector},
    {"core.v1.Pod", default_pod},
    {"core.v1.PodSpec", default_pod_spec},
    {"core.v1.Probe", default_probe},
    {"core.v1.ProjectedVolumeSource", default_file_mode},
    {"core.v1.SecretVolumeSource", default_file_mode},
    {"core.v1.ServiceAccountTokenProjection", default_token},
    {"core.v1.Volume", default_volume},
};

}  // namespace

MessageDefaults pod_defaults(std::string_view message) {
  const auto* const found =
      std::ranges::find(kPodDefaults, message, &std::pair<std::string_view, MessageDefaults>::first);
  return found == std::end(kPodDefaults) ? nullptr : found->second;
}

}  // namespace klutch::apiserver
