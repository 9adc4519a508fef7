// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/api/object.h"
#include "testing/memory_api.h"

// The rules that an API server keeps for objects, whatever the verb: what it fills in, guards and does by
// itself. The inside of MemoryApiServer. Loop thread only. For tests only.

namespace klutch::testing {

std::string rfc3339_now();
/// Whether these are CustomResourceDefinitions.
bool is_definition(const ServedType& type);
/// Whether `name` may name an object (RFC 1123 subdomain).
bool is_name(std::string_view name);
tl::unexpected<Error> invalid_object(const ServedType& type, std::string_view name, std::string field,
                                     std::string message, std::string reason = "FieldValueInvalid");
/// Labels and annotations must be objects of strings.
Result<> check_labels(const ServedType& type, const kube::Object& object);
std::vector<std::string> finalizers_of(const kube::Object& object);
/// Whether they differ outside of metadata, and of status unless `with_status`.
bool differs_in_content(const kube::Object& left, const kube::Object& right, bool with_status);

/// Makes `object` what a server stores when it is created.
void stamp_new(kube::Object& object, const ServedType& type, const std::string& manager);
/// Gives `object` the metadata of `old` that only the server decides about.
void restore_system_metadata(kube::Object& object, const kube::Object& old);
/// What types do with fields of their own, at every write.
void apply_type_rules(kube::Object& object, const ServedType& type);

/// Serves the type that `definition` defines, at once, and says so in its status.
void serve_definition(MemoryApi& api, kube::Object& definition);
/// Ends an object, and what ends with it.
void erase_object(MemoryApi& api, const ServedType& type, const kube::Key& key);
/// Ends a namespace that is being deleted once nothing is in it.
void finish_namespace(MemoryApi& api, const std::string& ns);

}  // namespace klutch::testing
