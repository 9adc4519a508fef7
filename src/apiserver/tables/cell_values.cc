// SPDX-License-Identifier: Apache-2.0
#include "apiserver/tables/cell_values.h"

#include <algorithm>

#include "base/duration.h"
#include "base/strings.h"
#include "base/time.h"
#include "kube/api/object.h"
#include "kube/api/selector.h"

namespace klutch::apiserver {
namespace {

std::string joined_members(const json::Value& pod_spec, std::string_view member) {
  std::vector<std::string> texts;
  for (const json::Value& container : list_at(pod_spec, "containers")) {
    texts.push_back(text_at(container, member));
  }
  return join(texts, ",");
}

}  // namespace

const json::Value& value_at(const json::Value& object, std::string_view path) {
  static const json::Value null;
  const json::Value* value = &object;
  for (const std::string_view step : split(path, '.')) {
    value = value->find(step);
    if (value == nullptr) return null;
  }
  return *value;
}

std::string text_at(const json::Value& object, std::string_view path) {
  const json::Value& value = value_at(object, path);
  return value.is_string() ? std::string(value.as_string()) : std::string();
}

std::string text_or(const json::Value& object, std::string_view path, std::string_view fallback) {
  std::string text = text_at(object, path);
  return text.empty() ? std::string(fallback) : text;
}

std::int64_t number_at(const json::Value& object, std::string_view path) {
  const json::Value& value = value_at(object, path);
  return value.is_int() ? value.as_int() : 0;
}

bool truth_at(const json::Value& object, std::string_view path) {
  const json::Value& value = value_at(object, path);
  return value.is_bool() && value.as_bool();
}

std::span<const json::Value> list_at(const json::Value& object, std::string_view path) {
  const json::Value& value = value_at(object, path);
  return value.is_array() ? value.elements() : std::span<const json::Value>();
}

std::string name_of(const json::Value& object) {
  return std::string(kube::name(object));
}

std::string since(const json::Value& object, std::string_view path, Time now) {
  const auto time = parse_rfc3339(text_at(object, path));
  return time ? format_age(now - *time) : "<unknown>";
}

std::string age_of(const json::Value& object, Time now) {
  return since(object, "metadata.creationTimestamp", now);
}

bool is_being_deleted(const json::Value& object) {
  return !value_at(object, "metadata.deletionTimestamp").is_null();
}

std::string container_names(const json::Value& pod_spec) {
  return joined_members(pod_spec, "name");
}

std::string container_images(const json::Value& pod_spec) {
  return joined_members(pod_spec, "image");
}

std::string labels_text(const json::Value& labels) {
  if (!labels.is_object()) return "<none>";
  std::vector<std::string> texts;
  for (const auto& [name, value] : labels.members()) {
    texts.push_back(std::string(name) + "=" + (value.is_string() ? std::string(value.as_string()) : ""));
  }
  std::ranges::sort(texts);
  return none_if_empty(join(texts, ","));
}

std::string selector_text(const json::Value& selector, std::string_view nothing) {
  const auto parsed = kube::LabelSelector::from_json(selector);
  if (!parsed) return "<error>";
  std::string text = parsed->to_string();
  return text.empty() ? std::string(nothing) : text;
}

std::string list_text(const std::vector<std::string>& texts, std::size_t most) {
  if (texts.size() <= most) return join(texts, ",");
  const std::span<const std::string> first(texts.data(), most);
  return join(first, ",") + " + " + std::to_string(texts.size() - most) + " more...";
}

std::string none_if_empty(std::string text) {
  return text.empty() ? "<none>" : std::move(text);
}

}  // namespace klutch::apiserver
