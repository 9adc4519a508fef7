// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/documents.h"

#include <utility>

#include "apiserver/openapi/definitions.h"
#include "apiserver/openapi/operation.h"
#include "apiserver/openapi/paths.h"
#include "json/build.h"

namespace klutch::apiserver {
namespace {

json::Value bearer_token() {
  return json::object({{"BearerToken", json::object({{"type", "apiKey"},
                                                     {"name", "authorization"},
                                                     {"in", "header"},
                                                     {"description", "A bearer token."}})}});
}

json::Value document_info() {
  return json::object({{"title", "Klutch"}, {"version", "v1.34.4"}});
}

}  // namespace

json::Value openapi_v3(const std::vector<ServedPtr>& resources) {
  Definitions definitions(Dialect::kOpenApi3);
  auto paths = json::Value::empty_object();
  for (const ServedPtr& served : resources) add_paths(paths, *served, definitions);
  auto components = json::object({{"schemas", definitions.take()}, {"securitySchemes", bearer_token()}});
  return json::object({{"openapi", "3.0.0"},
                       {"info", document_info()},
                       {"paths", std::move(paths)},
                       {"components", std::move(components)}});
}

json::Value openapi_v2(const std::vector<Registry::Group>& groups) {
  Definitions definitions(Dialect::kSwagger2);
  auto paths = json::Value::empty_object();
  for (const Registry::Group& group : groups) {
    for (const Registry::Version& version : group.versions) {
      for (const ServedPtr& served : version.resources) add_paths(paths, *served, definitions);
    }
  }
  auto no_scopes = json::object({{"BearerToken", json::Value::empty_array()}});
  return json::object({{"swagger", "2.0"},
                       {"info", document_info()},
                       {"paths", std::move(paths)},
                       {"definitions", definitions.take()},
                       {"parameters", shared_parameters()},
                       {"securityDefinitions", bearer_token()},
                       {"security", json::array({std::move(no_scopes)})}});
}

}  // namespace klutch::apiserver
