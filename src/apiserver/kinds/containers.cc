// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "apiserver/builtin/quantity.h"
#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/pods.h"

namespace klutch::apiserver {
namespace {

using json::Value;

void check_container_ports(FieldErrors& errors, const Value& container, const FieldPath& path) {
  std::set<std::string_view> names;
  const auto ports = list_at(container, {"ports"});
  for (std::size_t i = 0; i < ports.size(); ++i) {
    auto at = path.child("ports").index(i);
    const auto name = text_at(ports[i], {"name"});
    if (!name.empty()) {
      const auto problems = check_port_name(name);
      add_problems(errors, at.child("name"), name, problems);
      if (problems.empty() && !names.insert(name).second) {
        errors.push_back(FieldError::duplicate(at.child("name"), name));
      }
    }
    const auto number = number_at(ports[i], {"containerPort"});
    if (number == 0) {
      errors.push_back(FieldError::required(at.child("containerPort")));
    } else {
      add_problems(errors, at.child("containerPort"), number, check_port_number(number));
    }
    const auto host = number_at(ports[i], {"hostPort"});
    if (host != 0) add_problems(errors, at.child("hostPort"), host, check_port_number(host));
    check_protocol(errors, at.child("protocol"), text_at(ports[i], {"protocol"}));
  }
}

void check_variable_name(FieldErrors& errors, const FieldPath& path, std::string_view name) {
  const bool good = std::ranges::all_of(name, [](char c) { return c >= ' ' && c < 0x7f && c != '='; });
  if (good) return;
  errors.push_back(FieldError::invalid(path, name,
                                       "a valid environment variable name must consist only of printable "
                                       "ASCII characters other than '='"));
}

void check_key_selector(FieldErrors& errors, const Value& selector, const FieldPath& path) {
  const auto name = text_at(selector, {"name"});
  add_problems(errors, path.child("name"), name, check_dns1123_subdomain(name));
  const auto key = text_at(selector, {"key"});
  if (key.empty()) {
    errors.push_back(FieldError::required(path.child("key")));
  } else {
    add_problems(errors, path.child("key"), key, check_config_key(key));
  }
}

bool is_pod_field(std::string_view field) {
  constexpr std::string_view kFields[] = {"metadata.annotations",    "metadata.labels", "metadata.name",
                                          "metadata.namespace",      "metadata.uid",    "spec.nodeName",
                                          "spec.restartPolicy",      "spec.host",       "status.phase",
                                          "spec.serviceAccountName", "status.hostIP",   "status.hostIPs",
                                          "spec.schedulerName",      "status.podIP",    "status.podIPs"};
  return std::ranges::find(kFields, field) != std::end(kFields);
}

void check_field_selector(FieldErrors& errors, const Value& selector, const FieldPath& path) {
  const auto field = text_at(selector, {"fieldPath"});
  const auto at = path.child("fieldPath");
  if (field.empty()) {
    errors.push_back(FieldError::required(at));
  } else if (!is_pod_field(field.substr(0, field.find('[')))) {
    errors.push_back(FieldError::invalid(
        at, field, "error converting fieldPath: field label not supported: " + std::string(field)));
  }
}

void check_value_from(FieldErrors& errors, const Value& variable, const FieldPath& path) {
  if (!has_at(variable, {"valueFrom"})) return;
  const auto& from = value_at(variable, {"valueFrom"});
  int sources = 0;
  if (has_at(from, {"fieldRef"})) {
    ++sources;
    check_field_selector(errors, value_at(from, {"fieldRef"}), path.child("fieldRef"));
  }
  if (has_at(from, {"resourceFieldRef"})) {
    ++sources;
    if (text_at(from, {"resourceFieldRef", "resource"}).empty()) {
      errors.push_back(FieldError::required(path.child("resourceFieldRef").child("resource")));
    }
  }
  for (const std::string_view name : {"configMapKeyRef", "secretKeyRef"}) {
    if (!has_at(from, {name})) continue;
    ++sources;
    check_key_selector(errors, value_at(from, {name}), path.child(name));
  }
  if (sources == 0) {
    errors.push_back(FieldError::invalid(
        path, "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"));
  } else if (!text_at(variable, {"value"}).empty()) {
    errors.push_back(FieldError::invalid(path, "", "may not be specified when `value` is not empty"));
  } else if (sources > 1) {
    errors.push_back(FieldError::invalid(path, "", "may not have more than one field specified at a time"));
  }
}

void check_environment(FieldErrors& errors, const Value& container, const FieldPath& path) {
  const auto variables = list_at(container, {"env"});
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto at = path.child("env").index(i);
    const auto name = text_at(variables[i], {"name"});
    if (name.empty()) {
      errors.push_back(FieldError::required(at.child("name")));
    } else {
      check_variable_name(errors, at.child("name"), name);
    }
    check_value_from(errors, variables[i], at.child("valueFrom"));
  }
  const auto list = path.child("envFrom");
  const auto sources = list_at(container, {"envFrom"});
  for (std::size_t i = 0; i < sources.size(); ++i) {
    check_variable_name(errors, list.index(i).child("prefix"), text_at(sources[i], {"prefix"}));
    int count = 0;
    for (const std::string_view kind : {"configMapRef", "secretRef"}) {
      if (!has_at(sources[i], {kind})) continue;
      ++count;
      const auto name = text_at(sources[i], {kind, "name"});
      const auto at = list.index(i).child(kind).child("name");
      if (name.empty()) {
        errors.push_back(FieldError::required(at));
      } else {
        add_problems(errors, at, name, check_dns1123_subdomain(name));
      }
    }
    if (count == 0) {
      errors.push_back(FieldError::invalid(list, "", "must specify one of: `configMapRef` or `secretRef`"));
    } else if (count > 1) {
      errors.push_back(FieldError::invalid(list, "", "may not have more than one field specified at a time"));
    }
  }
}

void check_descending(FieldErrors& errors, const FieldPath& path, std::string_view text) {
  if (text.starts_with('/')) {
    errors.push_back(FieldError::invalid(path, text, "must be a relative path"));
  }
  const std::string framed = "/" + std::string(text) + "/";
  if (framed.find("/../") != std::string::npos) {
    errors.push_back(FieldError::invalid(path, text, "must not contain '..'"));
  }
}

void check_mounts(FieldErrors& errors, const Value& container, const FieldPath& path,
                  const std::set<std::string, std::less<>>& volumes) {
  const auto list = path.child("volumeMounts");
  const auto mounts = list_at(container, {"volumeMounts"});
  std::set<std::string_view> places;
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const auto at = list.index(i);
    const auto name = text_at(mounts[i], {"name"});
    const auto place = text_at(mounts[i], {"mountPath"});
    if (name.empty()) errors.push_back(FieldError::required(at.child("name")));
    if (!volumes.contains(name)) errors.push_back(FieldError::not_found(at.child("name"), name));
    if (place.empty()) errors.push_back(FieldError::required(at.child("mountPath")));
    if (!places.insert(place).second) {
      errors.push_back(FieldError::invalid(at.child("mountPath"), place, "must be unique"));
    }
    for (const std::string_view sub : {"subPath", "subPathExpr"}) {
      check_descending(errors, list.child(sub), text_at(mounts[i], {sub}));
    }
  }
}

bool is_container_resource(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" || name.starts_with("hugepages-");
}

void check_resource_entry(FieldErrors& errors, const json::Member& entry, const FieldPath& path) {
  const auto name = entry.key();
  const auto before = errors.size();
  add_problems(errors, path, name, check_qualified_name(name));
  if (errors.size() == before && name.find('/') == std::string_view::npos && !is_container_resource(name)) {
    if (name != "pods" && name != "storage" && name != "services") {
      errors.push_back(
          FieldError::invalid(path, name, "must be a standard resource type or fully qualified"));
    }
    errors.push_back(FieldError::invalid(path, name, "must be a standard resource for containers"));
  }
  const auto text = entry.value().is_string() ? entry.value().as_string() : std::string_view();
  const auto quantity = Quantity::parse(text);
  if (quantity && quantity->sign() < 0) {
    errors.push_back(FieldError::invalid(path, text, "must be greater than or equal to 0"));
  }
}

bool has_one_handler(FieldErrors& errors, const Value& probe, const FieldPath& path) {
  int handlers = 0;
  for (const std::string_view kind : {"exec", "httpGet", "tcpSocket", "grpc"}) {
    if (!has_at(probe, {kind})) continue;
    const auto at = path.child(kind);
    if (++handlers > 1) {
      errors.push_back(FieldError::forbidden(at, "may not specify more than 1 handler type"));
      continue;
    }
    if (kind == "exec") {
      if (list_at(probe, {"exec", "command"}).empty()) {
        errors.push_back(FieldError::required(at.child("command")));
      }
    } else {
      check_port(errors, at.child("port"), value_at(probe, {kind, "port"}));
    }
    if (kind == "httpGet") {
      check_supported(errors, at.child("scheme"), text_at(probe, {kind, "scheme"}), {"HTTP", "HTTPS"});
    }
  }
  return handlers > 0;
}

void check_probe(FieldErrors& errors, const Value& container, std::string_view name, const FieldPath& path) {
  const auto& probe = value_at(container, {name});
  if (!probe.is_object()) return;
  const auto at = path.child(name);
  if (!has_one_handler(errors, probe, at)) {
    errors.push_back(FieldError::required(at, "must specify a handler type"));
  }
  for (const std::string_view number :
       {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"}) {
    check_not_negative(errors, probe, at, number);
  }
  const auto successes = number_at(probe, {"successThreshold"});
  if (name != "readinessProbe" && successes != 1) {
    errors.push_back(FieldError::invalid(at.child("successThreshold"), successes, "must be 1"));
  }
}

}  // namespace

void check_resources(FieldErrors& errors, const Value& resources, const FieldPath& path) {
  for (const auto& entry : map_at(resources, {"limits"})) {
    check_resource_entry(errors, entry, path.child("limits").key(entry.key()));
  }
  for (const auto& entry : map_at(resources, {"requests"})) {
    check_resource_entry(errors, entry, path.child("requests").key(entry.key()));
    const auto text = entry.value().is_string() ? entry.value().as_string() : std::string_view();
    const auto request = Quantity::parse(text);
    const auto limit = Quantity::parse(text_at(resources, {"limits", entry.key()}));
    if (!request || !limit || request->compare(*limit) <= 0) continue;
    errors.push_back(FieldError::invalid(
        path.child("requests"), text,
        "must be less than or equal to " + std::string(entry.key()) + " limit of " + limit->to_string()));
  }
}

void check_probes(FieldErrors& errors, const Value& container, const FieldPath& path) {
  for (const std::string_view name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    check_probe(errors, container, name, path);
  }
}

void check_container(FieldErrors& errors, const Value& container, const FieldPath& path,
                     const std::set<std::string, std::less<>>& volumes) {
  const auto name = text_at(container, {"name"});
  if (name.empty()) {
    errors.push_back(FieldError::required(path.child("name")));
  } else {
    add_problems(errors, path.child("name"), name, check_dns1123_label(name));
  }
  if (text_at(container, {"image"}).empty()) errors.push_back(FieldError::required(path.child("image")));
  check_supported(errors, path.child("terminationMessagePolicy"),
                  text_at(container, {"terminationMessagePolicy"}), {"File", "FallbackToLogsOnError"});
  check_container_ports(errors, container, path);
  check_environment(errors, container, path);
  check_mounts(errors, container, path, volumes);
  check_supported(errors, path.child("imagePullPolicy"), text_at(container, {"imagePullPolicy"}),
                  {"Always", "IfNotPresent", "Never"});
  check_resources(errors, value_at(container, {"resources"}), path.child("resources"));
}

}  // namespace klutch::apiserver
