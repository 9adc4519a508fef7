// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/builtin_resources.h"

#include <algorithm>

#include "apiserver/kinds/builtin_behavior.h"
#include "apiserver/kinds/service.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kLeftOut[] = {"bindings", "componentstatuses"};
/// They need a kubelet or a scheduler.
constexpr std::string_view kLeftOutSubresources[] = {
    "attach", "binding", "ephemeralcontainers", "exec", "log", "portforward", "proxy", "resize"};

bool is_left_out(const ResourceFacts& facts) {
  if (facts.type.group == "autoscaling" && facts.type.version == "v1") return true;
  return facts.type.group.empty() && std::ranges::find(kLeftOut, facts.type.resource) != std::end(kLeftOut);
}

std::vector<std::string> texts(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

std::shared_ptr<const ResourceBehavior> behavior_of(const ResourceFacts& facts,
                                                    const BuiltinOptions& options) {
  const std::string name = facts.type.to_string();
  if (name == "customresourcedefinitions.apiextensions.k8s.io" && options.definitions != nullptr) {
    return options.definitions;
  }
  if (name == "namespaces") return make_namespace_behavior(facts);
  if (name == "services") return make_service_behavior(facts, options.addresses);
  if (name == "events.events.k8s.io") return make_event_view(facts);
  return std::make_shared<BuiltinBehavior>(facts, rules_of(name));
}

SubresourceDescription describe(const SubresourceFacts& facts) {
  return {.name = std::string(facts.name),
          .api_version = std::string(facts.api_version),
          .kind = std::string(facts.kind),
          .verbs = texts(facts.verbs)};
}

bool only_creates(const std::vector<std::string_view>& verbs) {
  return verbs.size() == 1 && verbs.front() == "create";
}

/// Null if it is not offered.
ServedPtr serve(const ResourceFacts& facts, const BuiltinOptions& options) {
  const std::string name = facts.type.to_string();
  auto served = std::make_shared<ServedResource>();
  const bool is_stored = !only_creates(facts.verbs);
  const auto action = options.actions.find(name);
  if (!is_stored && action == options.actions.end()) return nullptr;
  if (action != options.actions.end()) served->actions.emplace("", action->second);

  auto& description = served->description;
  description.type = facts.type;
  description.singular = facts.singular;
  description.list_kind = facts.type.kind + "List";
  description.short_names = texts(facts.short_names);
  description.categories = texts(facts.categories);
  description.verbs = texts(facts.verbs);
  if (name == "endpoints") {
    description.deprecation_warning =
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
  }
  for (const SubresourceFacts& sub : facts.subresources) {
    if (std::ranges::find(kLeftOutSubresources, sub.name) != std::end(kLeftOutSubresources)) continue;
    const auto found = options.actions.find(facts.type.resource + "/" + std::string(sub.name));
    if (found != options.actions.end() && facts.type.group.empty()) {
      served->actions.emplace(sub.name, found->second);
    } else if (only_creates(sub.verbs)) {
      continue;
    }
    description.subresources.push_back(describe(sub));
  }
  const bool is_event = facts.type.resource == "events";
  if (is_stored) served->storage_type = is_event ? "events" : name;
  served->stored_api_version = is_event ? "v1" : facts.type.api_version();
  served->behavior = behavior_of(facts, options);
  if (options.table) served->table = options.table(facts.type);
  served->message = facts.message;
  return served;
}

}  // namespace

std::vector<ServedPtr> builtin_resources(const BuiltinOptions& options) {
  std::vector<ServedPtr> out;
  for (const ResourceFacts& facts : BuiltinFacts::get().resources()) {
    if (is_left_out(facts)) continue;
    if (auto served = serve(facts, options)) out.push_back(std::move(served));
  }
  return out;
}

}  // namespace klutch::apiserver
