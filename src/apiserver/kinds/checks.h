// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/name_rules.h"
#include "json/value.h"

// What the validation of several kinds has in common (k8s.io/kubernetes 1.34, pkg/apis/core/validation and
// k8s.io/apimachinery, pkg/util/validation). Private to this library; pure.

namespace klutch::apiserver {

/// One error for each problem with the text `bad`.
void add_problems(FieldErrors& errors, const FieldPath& path, std::string_view bad, const Problems& problems);
/// The same for a number.
void add_problems(FieldErrors& errors, const FieldPath& path, std::int64_t bad, const Problems& problems);

Problems check_config_key(std::string_view key);
Problems check_port_number(std::int64_t port);
Problems check_port_name(std::string_view name);

/// "field is immutable" unless both are equal.
void check_immutable(FieldErrors& errors, const json::Value& now, const json::Value& old,
                     const FieldPath& path);
/// An error unless `text` is one of `supported`, which are named in their order.
void check_supported(FieldErrors& errors, const FieldPath& path, std::string_view text,
                     const std::vector<std::string>& supported);
/// An error if the number at `name` of `parent` is there and below 0.
void check_not_negative(FieldErrors& errors, const json::Value& parent, const FieldPath& path,
                        std::string_view name);
void check_labels(FieldErrors& errors, std::span<const json::Member> labels, const FieldPath& path);
void check_label_selector(FieldErrors& errors, const json::Value& selector, const FieldPath& path);
/// Whether a LabelSelector matches; false for null. An empty one matches everything.
bool selector_matches(const json::Value& selector, std::span<const json::Member> labels);

enum class IpFamily : std::uint8_t { kNone, kIpv4, kIpv6 };
IpFamily ip_family(std::string_view text);
/// Whether it can be an IP address.
void check_ip(FieldErrors& errors, const FieldPath& path, std::string_view text);
/// Whether it can be the address of an endpoint: no loopback, no link-local one.
void check_endpoint_ip(FieldErrors& errors, const FieldPath& path, std::string_view text);
/// The protocol of a port.
void check_protocol(FieldErrors& errors, const FieldPath& path, std::string_view protocol);
/// A port as number or name.
void check_port(FieldErrors& errors, const FieldPath& path, const json::Value& port);

}  // namespace klutch::apiserver
