// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/endpoints_testing.h"

#include <gtest/gtest.h>

#include <utility>

#include "apiserver/endpoints/rendering.h"
#include "base/check.h"
#include "base/duration.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

class PlainBehavior : public ResourceBehavior {
 public:
  explicit PlainBehavior(std::string serve_as = {}) : serve_as_(std::move(serve_as)) {}

  [[nodiscard]] Result<ReadObject> read(json::Value object) const override {
    return ReadObject{std::move(object), {}};
  }
  [[nodiscard]] bool serves_as_stored(const StoredObject& /*stored*/) const override {
    return serve_as_.empty();
  }
  void from_stored(json::Value& object) const override {
    if (!serve_as_.empty()) object.set("apiVersion", serve_as_);
  }
  [[nodiscard]] FieldErrors validate_create(const json::Value& /*object*/) const override { return {}; }
  [[nodiscard]] FieldErrors validate_update(const json::Value& /*object*/, const json::Value& /*old*/,
                                            std::string_view /*subresource*/) const override {
    return {};
  }
  [[nodiscard]] std::optional<std::string> selectable_field(const json::Value& object,
                                                            std::string_view field) const override {
    if (field != "spec.color") return std::nullopt;
    const auto* spec = object.find_object("spec");
    return std::string(spec != nullptr ? spec->find_string("color").value_or("") : "");
  }
  [[nodiscard]] bool is_selectable(std::string_view field) const override { return field == "spec.color"; }
  [[nodiscard]] const ScalePaths* scale() const override { return &scale_; }
  [[nodiscard]] OwnershipTypes ownership(std::string_view /*subresource*/) const override {
    return {.type_of = [this](std::string_view) { return schema_.any(); },
            .reset_fields = [](std::string_view) { return FieldSet(); }};
  }

 private:
  MergeSchema schema_;
  std::string serve_as_;
  ScalePaths scale_ = {.spec_replicas = {"spec", "replicas"}, .status_replicas = {"status", "replicas"}};
};

/// Name and color.
class WidgetTable final : public TableShape {
 public:
  [[nodiscard]] const std::vector<TableColumn>& columns() const override { return columns_; }
  [[nodiscard]] std::vector<json::Value> cells(const json::Value& object, Time /*now*/) const override {
    const auto* spec = object.find_object("spec");
    const auto color = spec != nullptr ? spec->find_string("color") : std::nullopt;
    std::vector<json::Value> cells;
    cells.emplace_back(kube::name(object));
    cells.emplace_back(color ? json::Value(*color) : json::Value());
    return cells;
  }

 private:
  std::vector<TableColumn> columns_ = {
      {.name = "Name", .format = "name", .description = "The name."},
      {.name = "Color", .description = "What it looks like.", .priority = 1}};
};

ServedPtr make_widgets(std::string stored, std::string serve_as) {
  auto resource = std::make_shared<ServedResource>();
  resource->description.type = {"ex.io", "v1", "widgets", "Widget"};
  resource->description.list_kind = "WidgetList";
  resource->description.custom = true;
  resource->storage_type = "widgets.ex.io";
  resource->stored_api_version = std::move(stored);
  resource->behavior = std::make_shared<PlainBehavior>(std::move(serve_as));
  resource->table = std::make_shared<WidgetTable>();
  return resource;
}

}  // namespace

ServedPtr widgets() {
  return make_widgets("ex.io/v1", "");
}

ServedPtr converted_widgets() {
  return make_widgets("ex.io/v1beta1", "ex.io/v1");
}

ServedPtr config_maps() {
  auto resource = std::make_shared<ServedResource>();
  resource->description.type = {"", "v1", "configmaps", "ConfigMap"};
  resource->description.list_kind = "ConfigMapList";
  resource->storage_type = "configmaps";
  resource->stored_api_version = "v1";
  resource->behavior = std::make_shared<PlainBehavior>();
  return resource;
}

TestRequest::TestRequest(ServedPtr resource, std::string target, http::Headers headers, std::string method,
                         std::string body)
    : body_(std::move(body)) {
  http::MessageHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  head.headers = std::move(headers);
  head.headers.add("Host", "h");
  auto request = http::ServerRequest::from_head(std::move(head), body_);
  CHECK(request.has_value());
  http_ = std::make_unique<http::ServerRequest>(std::move(*request));
  http_->id = "r-1";
  auto attributes = RequestAttributes::from_request(http_->method, http_->segments, http_->query);
  api_ = std::make_unique<ApiRequest>(
      ApiRequest{.http = *http_, .attributes = std::move(attributes), .resource = std::move(resource)});
}

StoredPtr put(Ctx& ctx, Storage& storage, const ServedPtr& resource, const kube::Key& key,
              const json::Value& extra, const json::Value& labels) {
  auto written = storage.write(
      ctx, resource->storage_type, key, [&](const StoredObject*, Revision next) -> Result<Decision> {
        auto object = json::object(
            {{"apiVersion", resource->stored_api_version}, {"kind", resource->description.type.kind}});
        auto& metadata = object.set("metadata", json::object({{"name", key.name}}));
        if (!key.ns.empty()) metadata.set("namespace", key.ns);
        metadata.set("resourceVersion", std::to_string(next));
        if (labels.is_object()) metadata.set("labels", labels);
        if (extra.is_object()) {
          for (const auto& [name, value] : extra.members()) object.set(name, value);
        }
        return Decision::put(json::print(object), labels);
      });
  EXPECT_TRUE(written.has_value());
  return written ? written->object : nullptr;
}

StoredPtr drop(Ctx& ctx, Storage& storage, const ServedPtr& resource, const kube::Key& key) {
  auto written = storage.write(
      ctx, resource->storage_type, key, [&](const StoredObject* latest, Revision next) -> Result<Decision> {
        if (latest == nullptr) return fail(Code::kNotFound, "nothing to drop");
        auto object = latest->to_value();
        object["metadata"].set("resourceVersion", std::to_string(next));
        return Decision::remove(json::print(object),
                                latest->labels() != nullptr ? *latest->labels() : json::Value());
      });
  EXPECT_TRUE(written.has_value());
  return written ? written->object : nullptr;
}

json::Value body_of(const http::Response& response) {
  auto value = json::parse(response.body.view());
  EXPECT_TRUE(value.has_value()) << response.body.view();
  return value ? std::move(*value) : json::Value();
}

json::Value status_of(const Error& error, std::string_view target) {
  TestRequest request(nullptr, std::string(target));
  return body_of(render_error(error, request.http()));
}

}  // namespace klutch::apiserver
