// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/operation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "http/message.h"
#include "json/build.h"

namespace klutch::apiserver {
namespace {

struct QueryParameter {
  std::string_view name;
  std::string_view type;
  std::string_view description;
};

constexpr std::array<QueryParameter, 19> kParameters = {{
    {"allowWatchBookmarks", "boolean", "Whether a watch also tells how far it has come, by BOOKMARK events."},
    {"continue", "string", "From the page of a list before this one: where to go on."},
    {"dryRun", "string", "All: decide and answer, but store nothing."},
    {"fieldManager", "string", "Who shall own the fields that are set; at most 128 printable characters."},
    {"fieldSelector", "string", "Only objects whose fields have these values."},
    {"fieldValidation", "string",
     "What becomes of unknown and repeated fields: Ignore drops them, Warn also says so (the default), "
     "Strict fails."},
    {"force", "boolean", "Whether to take over fields that others own. Goes with server-side apply alone."},
    {"gracePeriodSeconds", "integer", "How long the object may take to end; 0: delete it at once."},
    {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
     "Whether to delete an object that cannot be read."},
    {"labelSelector", "string", "Only objects with these labels."},
    {"limit", "integer", "At most so many objects in one answer."},
    {"orphanDependents", "boolean", "Whether to keep what belongs to the object. See propagationPolicy."},
    {"pretty", "string", "Whether to write the answer for people to read."},
    {"propagationPolicy", "string",
     "What becomes of what belongs to the object: Orphan keeps it, Background deletes it later, Foreground "
     "deletes it first."},
    {"resourceVersion", "string", "Which state of the server to answer from."},
    {"resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."},
    {"sendInitialEvents", "boolean", "Whether a watch begins with an event for each object there is."},
    {"timeoutSeconds", "integer", "When to end a watch."},
    {"watch", "boolean", "Whether to go on with what changes."},
}};

const QueryParameter& find_parameter(std::string_view name) {
  const auto found = std::ranges::find(kParameters, name, &QueryParameter::name);
  CHECK(found != kParameters.end());
  return *found;
}

json::Value inline_parameter(const QueryParameter& parameter, Dialect dialect) {
  auto value =
      json::object({{"name", parameter.name}, {"in", "query"}, {"description", parameter.description}});
  if (dialect == Dialect::kSwagger2) {
    value.set("type", parameter.type);
    value.set("uniqueItems", true);
  } else {
    value.set("schema", json::object({{"type", parameter.type}, {"uniqueItems", true}}));
  }
  return value;
}

/// Clients look for these two in operations of v2, and do not follow references.
bool stays_inline(std::string_view name) {
  return name == "dryRun" || name == "fieldValidation";
}

json::Value text_list(std::span<const std::string_view> texts) {
  auto list = json::Value::empty_array();
  for (const std::string_view text : texts) list.push_back(text);
  return list;
}

/// v3: the same schema for each media type.
json::Value content_of(std::span<const std::string_view> types, const json::Value& schema) {
  auto content = json::Value::empty_object();
  for (const std::string_view type : types) content.set(type, json::object({{"schema", schema}}));
  return content;
}

json::Value render_parameters(const Operation& operation, const Definitions& definitions) {
  auto list = json::Value::empty_array();
  const bool swagger = definitions.dialect() == Dialect::kSwagger2;
  if (swagger && !operation.body.empty()) {
    auto body = json::object({{"name", "body"}, {"in", "body"}});
    if (operation.body_required) body.set("required", true);
    body.set("schema", definitions.reference(operation.body));
    list.push_back(std::move(body));
  }
  for (const std::string_view name : operation.query) {
    if (swagger && !stays_inline(name)) {
      list.push_back(json::object({{"$ref", "#/parameters/" + std::string(name)}}));
    } else {
      list.push_back(inline_parameter(find_parameter(name), definitions.dialect()));
    }
  }
  return list;
}

json::Value render_responses(const Operation& operation, const Definitions& definitions) {
  auto responses = json::Value::empty_object();
  for (const int status : operation.success) {
    auto response = json::object({{"description", http::reason_phrase(status)}});
    auto schema = definitions.reference(operation.result);
    if (definitions.dialect() == Dialect::kSwagger2) {
      response.set("schema", std::move(schema));
    } else {
      response.set("content", content_of(operation.result_types, schema));
    }
    responses.set(std::to_string(status), std::move(response));
  }
  responses.set("401", json::object({{"description", http::reason_phrase(401)}}));
  return responses;
}

}  // namespace

json::Value render_operation(const Operation& operation, const Definitions& definitions) {
  const bool swagger = definitions.dialect() == Dialect::kSwagger2;
  auto value = json::object({{"tags", json::array({operation.tag})},
                             {"description", operation.description},
                             {"operationId", operation.id}});
  if (swagger) {
    value.set("consumes",
              operation.body_types.empty() ? json::array({"*/*"}) : text_list(operation.body_types));
    value.set("produces", text_list(operation.result_types));
    value.set("schemes", json::array({"https"}));
  }
  auto parameters = render_parameters(operation, definitions);
  if (!parameters.empty()) value.set("parameters", std::move(parameters));
  if (!swagger && !operation.body.empty()) {
    auto body =
        json::object({{"content", content_of(operation.body_types, definitions.reference(operation.body))}});
    if (operation.body_required) body.set("required", true);
    value.set("requestBody", std::move(body));
  }
  value.set("responses", render_responses(operation, definitions));
  value.set("x-kubernetes-action", operation.action);
  value.set(
      "x-kubernetes-group-version-kind",
      json::object({{"group", operation.group}, {"kind", operation.kind}, {"version", operation.version}}));
  return value;
}

json::Value render_path_parameters(std::span<const std::string_view> names, Dialect dialect) {
  auto list = json::Value::empty_array();
  for (const std::string_view name : names) {
    const bool ns = name == "namespace";
    if (ns && dialect == Dialect::kSwagger2) {
      list.push_back(json::object({{"$ref", "#/parameters/namespace"}}));
      continue;
    }
    auto value = json::object({{"name", name},
                               {"in", "path"},
                               {"description", ns ? "the namespace" : "the object's name"},
                               {"required", true}});
    if (dialect == Dialect::kSwagger2) {
      value.set("type", "string");
      value.set("uniqueItems", true);
    } else {
      value.set("schema", json::object({{"type", "string"}, {"uniqueItems", true}}));
    }
    list.push_back(std::move(value));
  }
  if (dialect == Dialect::kSwagger2) {
    list.push_back(json::object({{"$ref", "#/parameters/pretty"}}));
  } else {
    list.push_back(inline_parameter(find_parameter("pretty"), dialect));
  }
  return list;
}

json::Value shared_parameters() {
  auto all = json::Value::empty_object();
  for (const QueryParameter& parameter : kParameters) {
    if (!stays_inline(parameter.name)) {
      all.set(parameter.name, inline_parameter(parameter, Dialect::kSwagger2));
    }
  }
  all.set("namespace", json::object({{"name", "namespace"},
                                     {"in", "path"},
                                     {"description", "the namespace"},
                                     {"required", true},
                                     {"type", "string"},
                                     {"uniqueItems", true}}));
  return all;
}

}  // namespace klutch::apiserver
