// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "async/task_group.h"
#include "json/build.h"
#include "kube/api/kinds.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "kube/client/kubeconfig.h"
#include "kube/runtime/cache.h"
#include "kube_client_setup.h"
#include "testing/change_checker.h"
#include "testing/fault_proxy.h"
#include "testing/memory_api_server.h"

// The parts of kube_chaos_test.cc: who writes at random, who watches and checks, and what is compared in the
// end. Used by that test only.

namespace klutch::kube {

inline const std::vector<std::string> kChaosSpaces = {"chaos-a", "chaos-b", "chaos-c"};

inline std::unique_ptr<HttpClient> connect_to(Ctx& ctx, const testing::KubeServer& server, Duration timeout) {
  HttpClientOptions options;
  options.user_agent = "chaos";
  options.request_timeout = timeout;
  options.list_timeout = timeout;
  options.longest_wait = std::chrono::milliseconds(1);  // faults are many; the reflector waits by itself
  const auto kubeconfig = Kubeconfig::parse(server.kubeconfig()).value();
  return HttpClient::make(ctx, resolve(kubeconfig).value(), options).value();
}

/// Random writes of widgets and configmaps. What fails, fails: the server alone knows what was done.
class RandomWriter {
 public:
  RandomWriter(Client& client, std::uint64_t seed) : client_(client), random_(seed) {}

  struct Counts {
    std::size_t done = 0;
    std::size_t failed = 0;
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

  void write_one(Ctx& ctx) {
    const auto dice = random_() % 100;
    const Key key{kChaosSpaces[random_() % kChaosSpaces.size()], "w" + std::to_string(random_() % 25)};
    if (dice < 30) return count(client_.create(ctx, kWidget, random_widget(key)));
    if (dice < 45) return merge(ctx, key, json::object({{"spec", json::object({{"size", number()}})}}));
    if (dice < 60) return relabel(ctx, key);
    if (dice < 68) return update_status(ctx, key);
    if (dice < 76) return replace(ctx, key);
    if (dice < 88) return count(client_.remove(ctx, kWidget, key));
    if (dice < 91) return recreate(ctx, key);
    if (dice < 94) return finalize(ctx, key);
    if (dice < 95) return remove_some(ctx, key.ns);
    return write_config_map(ctx, key);
  }

 private:
  template <class T>
  void count(const Result<T>& result) {
    ++(result ? counts_.done : counts_.failed);
  }
  int number() { return static_cast<int>(random_() % 100); }

  json::Value labels() { return json::object({{"in", random_() % 2 == 0 ? "yes" : "no"}}); }
  Object random_widget(const Key& key) {
    return json::object(
        {{"apiVersion", "ex.io/v1"},
         {"kind", "Widget"},
         {"metadata", json::object({{"namespace", key.ns}, {"name", key.name}, {"labels", labels()}})},
         {"spec", json::object({{"size", number()}, {"text", std::string(random_() % 300, 'x')}})}});
  }
  void merge(Ctx& ctx, const Key& key, const json::Value& patch) {
    count(client_.patch(ctx, kWidget, key, PatchType::kMerge, patch));
  }
  void relabel(Ctx& ctx, const Key& key) {
    merge(ctx, key, json::object({{"metadata", json::object({{"labels", labels()}})}}));
  }
  void update_status(Ctx& ctx, const Key& key) {
    const auto patch = json::object({{"status", json::object({{"seen", number()}})}});
    count(client_.patch(ctx, kWidget, key, PatchType::kMerge, patch, {.subresource = "status"}));
  }
  void replace(Ctx& ctx, const Key& key) {
    auto found = client_.get(ctx, kWidget, key);
    if (!found) return count(found);
    (*found)["spec"].set("size", number());
    count(client_.update(ctx, kWidget, *found));
  }
  void recreate(Ctx& ctx, const Key& key) {
    count(client_.remove(ctx, kWidget, key));
    count(client_.create(ctx, kWidget, random_widget(key)));
  }
  void finalize(Ctx& ctx, const Key& key) {
    const auto finalizers = [](const json::Value& list) {
      return json::object({{"metadata", json::object({{"finalizers", list}})}});
    };
    merge(ctx, key, finalizers(json::array({"ex.io/chaos"})));
    count(client_.remove(ctx, kWidget, key));
    merge(ctx, key, finalizers(nullptr));
  }
  void remove_some(Ctx& ctx, const std::string& ns) {
    count(client_.remove_all(ctx, kWidget, {.ns = ns, .labels = LabelSelector::exactly("in", "yes")}));
  }
  void write_config_map(Ctx& ctx, const Key& key) {
    ConfigMap map(key);
    map.set_data("n", std::to_string(number()));
    const auto made = client_.create(ctx, map);
    if (made || !is(made.error(), Code::kAlreadyExists)) return count(made);
    count(client_.remove<ConfigMap>(ctx, key));
  }

  Client& client_;
  std::mt19937_64 random_;
  Counts counts_;
};

/// One informer with its checker, and how to ask the server for the same.
class Watched {
 public:
  Watched(Cache& cache, std::string name, const ResourceType& type, const InformerOptions& options)
      : name_(std::move(name)),
        type_(type),
        options_(options),
        informer_(cache.informer(type, options)),
        checker_(*informer_, {.may_come_back = !options.labels.selects_everything()}) {}

  /// Nothing if the store equals what the server has; else the first difference.
  Result<std::string> difference(Ctx& ctx, Client& direct) const {
    ListOptions list{.ns = options_.ns, .labels = options_.labels, .metadata_only = options_.metadata_only};
    const auto truth = TRY(direct.list(ctx, type_, list));
    const auto stored = informer_->store().list();
    if (!informer_->store().synced()) return name_ + ": not synced" + trouble();
    for (const auto& object : truth.items) {
      const auto found = informer_->store().get(key(object));
      if (!found.present()) return name_ + ": lacks " + key(object).to_string() + trouble();
      auto expected = object;
      expected["metadata"].erase("managedFields");
      if (expected != *found.object) return name_ + ": differs in " + key(object).to_string() + trouble();
    }
    if (stored.size() != truth.items.size()) {
      return name_ + ": has " + std::to_string(stored.size()) + " objects, the server " +
             std::to_string(truth.items.size()) + trouble();
    }
    return std::string();
  }

  [[nodiscard]] testing::ChangeChecker& checker() noexcept { return checker_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  [[nodiscard]] std::string trouble() const {
    const auto error = informer_->last_error();
    return error ? " (" + error->message() + ")" : "";
  }

  std::string name_;
  ResourceType type_;
  InformerOptions options_;
  std::shared_ptr<Informer> informer_;
  testing::ChangeChecker checker_;
};

/// Informers of every sort over one client.
inline std::vector<std::unique_ptr<Watched>> watch_everything(Cache& cache, const std::string& prefix) {
  std::vector<std::unique_ptr<Watched>> all;
  const auto add = [&](const char* name, const ResourceType& type, const InformerOptions& options) {
    all.push_back(std::make_unique<Watched>(cache, prefix + name, type, options));
  };
  add("all widgets", kWidget, {});
  add("widgets of one namespace", kWidget, {.ns = kChaosSpaces.front()});
  add("selected widgets", kWidget, {.labels = LabelSelector::exactly("in", "yes")});
  add("metadata of widgets", kWidget, {.metadata_only = true});
  add("configmaps", ConfigMap::type(), {.ns = kChaosSpaces.back()});
  return all;
}

}  // namespace klutch::kube
