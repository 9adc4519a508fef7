// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "apiserver/kinds/builtin_resources.h"
#include "apiserver/kinds/service_addresses.h"
#include "apiserver/registry/registry.h"
#include "apiserver/verbs/namespace_lifecycle.h"
#include "apiserver/verbs/verbs.h"
#include "base/strings.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using json::Value;

/// One row of requests.jsonl: what a kube-apiserver answered to a request.
struct Target {
  ServedPtr resource = {};
  kube::Key key = {};
  std::string subresource = {};
};

/// The objects of a cluster that has only just begun.
struct Cluster {
  explicit Cluster(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())) {
    for (const std::string_view name : {"default", "kube-system"}) {
      const Value ns = json::object({{"metadata", json::object({{"name", name}})}});
      EXPECT_TRUE(verbs.create(ctx, registry.find("", "v1", "namespaces"), "", ns, user));
    }
  }

  Target target_of(std::string_view path) {
    auto parts = split(path.substr(1), '/');
    Target target;
    std::string_view group;
    std::size_t at = 1;
    if (parts[0] == "apis") group = parts[at++];
    const auto version = parts[at++];
    const bool in_namespace = parts.size() > at + 2 && parts[at] == "namespaces" &&
                              parts[at + 2] != "status" && parts[at + 2] != "finalize";
    if (in_namespace) {
      target.key.ns = parts[at + 1];
      at += 2;
    }
    target.resource = registry.find(group, version, parts[at++]);
    if (at < parts.size()) target.key.name = parts[at++];
    if (at < parts.size()) target.subresource = parts[at];
    return target;
  }

  Result<WriteOutcome> ask(Ctx& ctx, const Value& row) {
    const auto target = target_of(*row.find_string("path"));
    if (target.resource == nullptr) return fail(Code::kInternal, "nothing is served there");
    const auto method = *row.find_string("method");
    WriteOptions options{.field_manager = "test", .subresource = target.subresource};
    const Value body = row.find("body") == nullptr ? Value() : *row.find("body");
    if (method == "POST") return verbs.create(ctx, target.resource, target.key.ns, body, user, options);
    if (method == "PUT") return verbs.update(ctx, target.resource, target.key, body, user, options);
    if (method == "DELETE") return verbs.remove(ctx, target.resource, target.key, user);
    if (method == "GET") {
      const auto stored = storage->get(target.resource->storage_type, target.key);
      if (stored == nullptr) return fail(Code::kNotFound, "there is no such object");
      return WriteOutcome{.object = served_value(*target.resource, *stored)};
    }
    const auto type = row.find_string("type").value_or("");
    if (type.starts_with("apply:")) {
      const auto words = split(type, ':');
      options.field_manager = words[1];
      options.force = words.size() > 2;
      return verbs.patch(ctx, target.resource, target.key, PatchType::kApply, body, user, options);
    }
    const auto patch_type = type == "strategic" ? PatchType::kStrategic : PatchType::kMerge;
    return verbs.patch(ctx, target.resource, target.key, patch_type, body, user, options);
  }

  std::unique_ptr<Storage> storage;
  ManualClock clock{Time(std::chrono::hours(24))};
  User user = {.name = "tester"};
  Verbs verbs{*storage, {.admission = {std::make_shared<NamespaceLifecycle>(*storage)}, .clock = &clock}};
  BuiltinOptions builtin{.addresses = std::make_shared<StoredServiceAddresses>(*storage)};
  Registry registry{*storage, builtin_resources(builtin),
                    [](const StoredPtr&) { return std::vector<ServedPtr>(); }};
};

/// Without what is different in every cluster.
Value comparable(Value object) {
  auto* metadata = object.find("metadata");
  if (metadata == nullptr) return object;
  for (const std::string_view name : {"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"}) {
    if (metadata->contains(name)) metadata->set(name, "*");
  }
  auto* managed = metadata->find("managedFields");
  if (managed == nullptr || !managed->is_array()) return object;
  for (auto& entry : managed->elements()) entry.erase("time");
  // Without times nothing but this says which comes first.
  std::ranges::sort(managed->elements(), {}, [](const Value& entry) { return json::print(entry); });
  return object;
}

/// The same causes may come twice; clients look for one of each.
std::vector<std::string> causes_of(const std::vector<kube::StatusCause>& causes) {
  std::vector<std::string> out;
  for (const auto& cause : causes) {
    auto text = cause.reason + " " + cause.field + ": " + cause.message;
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
  }
  return out;
}

/// Kubernetes goes on with how Go prints the difference.
std::string without_difference(std::string_view text) {
  return std::string(text.substr(0, text.find("\n@@")));
}

std::vector<std::string> recorded_causes(const Value& row) {
  std::vector<kube::StatusCause> causes;
  const auto* list = row.find_array("causes");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const Value& cause = list->at(i);
    causes.push_back({.reason = std::string(cause.find_string("reason").value_or("")),
                      .message = without_difference(cause.find_string("message").value_or("")),
                      .field = std::string(cause.find_string("field").value_or(""))});
  }
  return causes_of(causes);
}

std::string without(std::string text, std::string_view part) {
  if (const auto at = text.find(part); at != std::string::npos) text.erase(at, part.size());
  return text;
}

void expect_answer(const Value& row, const Result<WriteOutcome>& answer) {
  if (const auto message = row.find_string("message")) {
    ASSERT_FALSE(answer) << "it should be refused: " << *message;
    const auto status = kube::Status::from_error(answer.error());
    // Kubernetes knows the kind of both forms of events as that of core/v1.
    EXPECT_EQ(without(status.message, ".events.k8s.io"), without_difference(*message));
    EXPECT_EQ(status.http_status, *row.find_int("code"));
    EXPECT_EQ(causes_of(status.causes), recorded_causes(row));
    return;
  }
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(comparable(answer->object), comparable(*row.find("object")));
}

/// The requests were made to a kube-apiserver v1.34.4, one after the other.
FIBER_TEST(BuiltinKinds, AnswerAsKubernetesDoes) {
  const char* other = std::getenv("KLUTCH_RECORDED_REQUESTS");
  std::ifstream file(other != nullptr ? other
                                      : std::string(std::getenv("KLUTCH_SOURCE_DIR")) +
                                            "/src/apiserver/kinds/testdata/requests.jsonl");
  ASSERT_TRUE(file.is_open());
  Cluster cluster(ctx);
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Value row = json::parse(line).value();
    SCOPED_TRACE(std::string(*row.find_string("reason")) + ": " + std::string(*row.find_string("method")) +
                 " " + std::string(*row.find_string("path")));
    expect_answer(row, cluster.ask(ctx, row));
  }
  EXPECT_GE(rows, 100);
  cluster.storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
