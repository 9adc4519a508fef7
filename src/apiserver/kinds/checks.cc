// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/checks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "apiserver/kinds/fields.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_decimal(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::vector<const json::Member*> in_order(std::span<const json::Member> members) {
  std::vector<const json::Member*> sorted;
  for (const auto& member : members) sorted.push_back(&member);
  std::ranges::sort(sorted, {}, [](const auto* member) { return member->key(); });
  return sorted;
}

/// The bytes of an address: 4, 16 or none.
std::vector<unsigned char> ip_bytes(std::string_view text) {
  const std::string copy(text);
  std::array<unsigned char, 16> bytes = {};
  if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1 && copy.size() == text.size()) {
    return {bytes.begin(), bytes.begin() + 4};
  }
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return {bytes.begin(), bytes.end()};
  // Leading zeros, which Kubernetes still takes.
  const auto parts = split(text, '.');
  std::vector<unsigned char> out;
  if (parts.size() != 4) return {};
  for (const auto part : parts) {
    if (part.empty() || part.size() > 9 || !std::ranges::all_of(part, is_decimal)) return {};
    const int number = std::stoi(std::string(part));
    if (number > 255) return {};
    out.push_back(static_cast<unsigned char>(number));
  }
  return out;
}

bool has_label(std::span<const json::Member> labels, std::string_view key) {
  return std::ranges::any_of(labels, [&](const auto& label) { return label.key() == key; });
}

std::string_view label_of(std::span<const json::Member> labels, std::string_view key) {
  for (const auto& label : labels) {
    if (label.key() == key && label.value().is_string()) return label.value().as_string();
  }
  return {};
}

void check_requirement(FieldErrors& errors, const json::Value& requirement, const FieldPath& path) {
  const auto op = text_at(requirement, {"operator"});
  const auto values = list_at(requirement, {"values"});
  if (op == "In" || op == "NotIn") {
    if (values.empty()) {
      errors.push_back(
          FieldError::required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!values.empty()) {
      errors.push_back(FieldError::forbidden(
          path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else {
    errors.push_back(FieldError::invalid(path.child("operator"), op, "not a valid selector operator"));
  }
  const auto key = text_at(requirement, {"key"});
  add_problems(errors, path.child("key"), key, check_qualified_name(key));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].is_string()) continue;
    const auto value = values[i].as_string();
    add_problems(errors, path.child("values").index(i), value, check_label_value(value));
  }
}

bool requirement_matches(const json::Value& requirement, std::span<const json::Member> labels) {
  const auto op = text_at(requirement, {"operator"});
  const auto key = text_at(requirement, {"key"});
  const bool has = has_label(labels, key);
  if (op == "Exists") return has;
  if (op == "DoesNotExist") return !has;
  const auto values = list_at(requirement, {"values"});
  const auto value = label_of(labels, key);
  const bool is_in = has && std::ranges::any_of(values, [&](const auto& each) {
                       return each.is_string() && each.as_string() == value;
                     });
  return op == "In" ? is_in : !is_in;
}

}  // namespace

void add_problems(FieldErrors& errors, const FieldPath& path, std::string_view bad,
                  const Problems& problems) {
  for (const auto& problem : problems) errors.push_back(FieldError::invalid(path, bad, problem));
}

void add_problems(FieldErrors& errors, const FieldPath& path, std::int64_t bad, const Problems& problems) {
  for (const auto& problem : problems) errors.push_back(FieldError::invalid(path, bad, problem));
}

Problems check_config_key(std::string_view key) {
  Problems problems;
  constexpr std::size_t kMax = 253;
  if (key.size() > kMax) problems.emplace_back("must be no more than 253 characters");
  const bool has_shape = !key.empty() && std::ranges::all_of(key, [](char c) {
    return is_letter(c) || is_decimal(c) || c == '-' || c == '_' || c == '.';
  });
  if (!has_shape) {
    problems.emplace_back(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
        "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
  }
  if (key == "." || key == "..") {
    problems.push_back("must not be '" + std::string(key) + "'");
  } else if (key.starts_with("..")) {
    problems.emplace_back("must not start with '..'");
  }
  return problems;
}

Problems check_port_number(std::int64_t port) {
  if (port >= 1 && port <= 65535) return {};
  return {"must be between 1 and 65535, inclusive"};
}

Problems check_port_name(std::string_view name) {
  Problems problems;
  if (name.size() > 15) problems.emplace_back("must be no more than 15 characters");
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool has_shape = !name.empty() && std::ranges::all_of(name, [&](char c) {
    return is_lower(c) || is_decimal(c) || c == '-';
  });
  if (!has_shape) {
    problems.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!std::ranges::any_of(name, is_lower)) {
    problems.emplace_back("must contain at least one letter (a-z)");
  }
  if (name.find("--") != std::string_view::npos) {
    problems.emplace_back("must not contain consecutive hyphens");
  }
  if (!name.empty() && (name.front() == '-' || name.back() == '-')) {
    problems.emplace_back("must not begin or end with a hyphen");
  }
  return problems;
}

void check_immutable(FieldErrors& errors, const json::Value& now, const json::Value& old,
                     const FieldPath& path) {
  if (now == old) return;
  errors.push_back(FieldError::invalid_json(path, now, "field is immutable"));
}

void check_supported(FieldErrors& errors, const FieldPath& path, std::string_view text,
                     const std::vector<std::string>& supported) {
  if (std::ranges::find(supported, text) == supported.end()) {
    errors.push_back(FieldError::not_supported(path, text, supported));
  }
}

void check_not_negative(FieldErrors& errors, const json::Value& parent, const FieldPath& path,
                        std::string_view name) {
  const auto number = number_at(parent, {name});
  if (number >= 0) return;
  errors.push_back(FieldError::invalid(path.child(name), number, "must be greater than or equal to 0"));
}

void check_labels(FieldErrors& errors, std::span<const json::Member> labels, const FieldPath& path) {
  for (const auto* label : in_order(labels)) {
    add_problems(errors, path, label->key(), check_qualified_name(label->key()));
    if (!label->value().is_string()) continue;
    const auto value = label->value().as_string();
    add_problems(errors, path, value, check_label_value(value));
  }
}

void check_label_selector(FieldErrors& errors, const json::Value& selector, const FieldPath& path) {
  if (!selector.is_object()) return;
  check_labels(errors, map_at(selector, {"matchLabels"}), path.child("matchLabels"));
  const auto expressions = list_at(selector, {"matchExpressions"});
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    check_requirement(errors, expressions[i], path.child("matchExpressions").index(i));
  }
}

bool selector_matches(const json::Value& selector, std::span<const json::Member> labels) {
  if (!selector.is_object()) return false;
  for (const auto& [key, value] : map_at(selector, {"matchLabels"})) {
    if (!has_label(labels, key) || !value.is_string() || label_of(labels, key) != value.as_string()) {
      return false;
    }
  }
  return std::ranges::all_of(list_at(selector, {"matchExpressions"}), [&](const auto& requirement) {
    return requirement_matches(requirement, labels);
  });
}

IpFamily ip_family(std::string_view text) {
  const auto size = ip_bytes(text).size();
  return size == 4 ? IpFamily::kIpv4 : size == 16 ? IpFamily::kIpv6 : IpFamily::kNone;
}

void check_ip(FieldErrors& errors, const FieldPath& path, std::string_view text) {
  if (ip_family(text) != IpFamily::kNone) return;
  errors.push_back(
      FieldError::invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
}

void check_endpoint_ip(FieldErrors& errors, const FieldPath& path, std::string_view text) {
  auto bytes = ip_bytes(text);
  if (bytes.empty()) {
    errors.push_back(FieldError::invalid(path, text, "must be a valid IP address"));
    return;
  }
  const auto refuse = [&](std::string_view why) { errors.push_back(FieldError::invalid(path, text, why)); };
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (bytes.size() == 16 && std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    bytes.erase(bytes.begin(), bytes.begin() + 12);
  }
  const bool is_v4 = bytes.size() == 4;
  const bool zeros = std::all_of(bytes.begin(), bytes.end() - 1, [](auto byte) { return byte == 0; });
  if (zeros && bytes.back() == 0) refuse("may not be unspecified (" + std::string(text) + ")");
  if (is_v4 ? bytes[0] == 127 : zeros && bytes.back() == 1) {
    refuse("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  }
  if (is_v4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80) {
    refuse("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (is_v4 ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0
            : bytes[0] == 0xff && (bytes[1] & 0x0fU) == 2) {
    refuse("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

void check_protocol(FieldErrors& errors, const FieldPath& path, std::string_view protocol) {
  if (protocol.empty()) {
    errors.push_back(FieldError::required(path));
  } else {
    check_supported(errors, path, protocol, {"SCTP", "TCP", "UDP"});
  }
}

void check_port(FieldErrors& errors, const FieldPath& path, const json::Value& port) {
  if (port.is_string()) {
    add_problems(errors, path, port.as_string(), check_port_name(port.as_string()));
  } else {
    const auto number = port.is_int() ? port.as_int() : 0;
    add_problems(errors, path, number, check_port_number(number));
  }
}

}  // namespace klutch::apiserver
