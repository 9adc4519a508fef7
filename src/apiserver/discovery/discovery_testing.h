// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/builtin/facts.h"
#include "apiserver/registry/registry.h"
#include "apiserver/storage/storage.h"
#include "async/ctx.h"
#include "base/check.h"
#include "http/request.h"
#include "json/value.h"

// What tests of discovery and of OpenAPI documents describe: every built-in kind that the facts know, and a
// custom one, widgets.ex.io, that is served while a definition of that name is stored.

namespace klutch::apiserver {

/// Never asked for anything but its schema.
class DescribedBehavior final : public ResourceBehavior {
 public:
  explicit DescribedBehavior(json::Value schema = {}) : schema_(std::move(schema)) {}

  [[nodiscard]] Result<ReadObject> read(json::Value object) const override {
    return ReadObject{std::move(object), {}};
  }
  [[nodiscard]] FieldErrors validate_create(const json::Value& /*object*/) const override { return {}; }
  [[nodiscard]] FieldErrors validate_update(const json::Value& /*object*/, const json::Value& /*old*/,
                                            std::string_view /*subresource*/) const override {
    return {};
  }
  [[nodiscard]] OwnershipTypes ownership(std::string_view /*subresource*/) const override { return {}; }
  [[nodiscard]] json::Value openapi_schema() const override { return schema_; }

 private:
  json::Value schema_;
};

inline ServedPtr describe_builtin(const ResourceFacts& facts) {
  auto served = std::make_shared<ServedResource>();
  auto& description = served->description;
  description.type = facts.type;
  description.singular = facts.singular;
  description.list_kind = facts.type.kind + "List";
  description.short_names.assign(facts.short_names.begin(), facts.short_names.end());
  description.categories.assign(facts.categories.begin(), facts.categories.end());
  description.verbs.assign(facts.verbs.begin(), facts.verbs.end());
  for (const SubresourceFacts& sub : facts.subresources) {
    auto& added = description.subresources.emplace_back();
    added.name = sub.name;
    added.api_version = sub.api_version;
    added.kind = sub.kind;
    added.verbs.assign(sub.verbs.begin(), sub.verbs.end());
  }
  served->stored_api_version = facts.type.api_version();
  if (facts.type.group == "events.k8s.io") served->stored_api_version = "v1";
  if (facts.type.group == "autoscaling") served->stored_api_version = "autoscaling/v2";
  if (description.allows("watch")) served->storage_type = facts.type.to_string();
  served->behavior = std::make_shared<DescribedBehavior>();
  served->message = facts.message;
  return served;
}

inline std::vector<ServedPtr> describe_builtins() {
  std::vector<ServedPtr> all;
  for (const ResourceFacts& facts : BuiltinFacts::get().resources()) all.push_back(describe_builtin(facts));
  return all;
}

/// With status and scale in v1.
inline ServedPtr describe_widgets(const std::string& version, json::Value schema = {}) {
  auto served = std::make_shared<ServedResource>();
  auto& description = served->description;
  description.type = {"ex.io", version, "widgets", "Widget"};
  description.singular = "widget";
  description.list_kind = "WidgetList";
  description.short_names = {"wd"};
  description.categories = {"ex", "all"};
  description.verbs = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
  if (version == "v1") {
    description.subresources = {{"status", "ex.io/v1", "Widget", {"get", "patch", "update"}},
                                {"scale", "autoscaling/v1", "Scale", {"get", "patch", "update"}}};
  }
  description.custom = true;
  served->storage_type = "widgets.ex.io";
  served->stored_api_version = "ex.io/v1";
  served->behavior = std::make_shared<DescribedBehavior>(std::move(schema));
  return served;
}

/// Begins or ends serving widgets.
inline void set_widgets_served(Ctx& ctx, Storage& storage, bool served) {
  const auto decide = [&](const StoredObject*, Revision) -> Result<Decision> {
    return Decision::put(served ? R"({"served":true})" : "{}", {});
  };
  CHECK(storage.write(ctx, kDefinitionsType, {"", "widgets.ex.io"}, decide).has_value());
}

/// Gives `resources` for a definition that is served.
inline DefinitionReader reader_of(std::vector<ServedPtr> resources) {
  return [resources = std::move(resources)](const StoredPtr& definition) -> std::vector<ServedPtr> {
    if (!definition->to_value().find_bool("served").value_or(false)) return {};
    return resources;
  };
}

/// A request without a body.
class DocumentRequest {
 public:
  explicit DocumentRequest(std::string target, http::Headers headers = {}, std::string method = "GET") {
    http::MessageHead head;
    head.method = std::move(method);
    head.target = std::move(target);
    head.headers = std::move(headers);
    head.headers.add("Host", "127.0.0.1:6443");
    auto request = http::ServerRequest::from_head(std::move(head), body_);
    CHECK(request.has_value());
    request_ = std::make_unique<http::ServerRequest>(*std::move(request));
  }

  operator const http::ServerRequest&() const { return *request_; }

 private:
  http::BufferedRequestBody body_;
  std::unique_ptr<http::ServerRequest> request_;
};

}  // namespace klutch::apiserver
