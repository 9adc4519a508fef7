// SPDX-License-Identifier: Apache-2.0
// The API server in memory answers as the real one does: the same requests to both, their answers compared
// apart from what must differ (UIDs, versions, times, managedFields, texts for people). Skipped without a
// real cluster.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "http/client.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/api/object.h"
#include "kube/client/client_config.h"
#include "testing/fiber_test.h"
#include "testing/kube_server.h"
#include "testing/memory_api_server.h"
#include "testing/real_cluster.h"

namespace klutch {
namespace {

using json::Value;

constexpr auto kWidgets = "/apis/ex.io/v1/namespaces/likeness/widgets";
constexpr auto kWidgetA = "/apis/ex.io/v1/namespaces/likeness/widgets/a";
constexpr auto kMaps = "/api/v1/namespaces/likeness/configmaps";
constexpr auto kMapA = "/api/v1/namespaces/likeness/configmaps/a";
constexpr auto kJson = "application/json";
constexpr auto kMerge = "application/merge-patch+json";
constexpr auto kPatch = "application/json-patch+json";

/// One request. "RV<a>" and "UID<a>" stand for those of the object `a` as last seen on that server, "OLD<a>"
/// for the first version.
struct Step {
  const char* reason;
  const char* method;
  std::string path;
  const char* body = "";
  const char* type = kJson;
  /// What else may differ, and why nobody minds; then only the HTTP status is compared.
  const char* unlike = "";
};

/// A definition of what the server in memory knows without one.
constexpr auto kDefinition = R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
  "metadata":{"name":"widgets.ex.io"},
  "spec":{"group":"ex.io","scope":"Namespaced",
          "names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"},
          "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
            "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}})";

struct Answer {
  int status = 0;
  std::string type = {};
  Value body = {};
};

/// What may differ between two servers that do the same.
void blur_metadata(Value& metadata) {
  for (const auto* unlike : {"uid", "resourceVersion", "creationTimestamp", "managedFields"})
    metadata.erase(unlike);
  for (const auto* opaque : {"deletionTimestamp", "continue"}) {
    if (metadata.contains(opaque)) metadata.set(opaque, "set");
  }
}

void blur(Value& body) {
  if (body.is_array()) {
    for (auto& element : body.elements()) blur(element);
    return;
  }
  if (!body.is_object()) return;
  if (body.find_string("kind") == "Status") body.erase("message");
  if (auto* details = body.find("details"); details != nullptr && details->is_object()) {
    details->erase("uid");
    if (auto* causes = details->find("causes"); causes != nullptr && causes->is_array()) {
      for (auto& cause : causes->elements()) cause.erase("message");
    }
    if (details->empty()) body.erase("details");
  }
  if (auto* metadata = body.find("metadata"); metadata != nullptr && metadata->is_object())
    blur_metadata(*metadata);
  for (const auto* child : {"items", "object"}) {
    if (auto* below = body.find(child)) blur(*below);
  }
}

/// One of the two servers, with nothing but HTTP in between.
class Side {
 public:
  Side(Ctx& ctx, const testing::KubeServer& server)
      : ctx_(ctx), config_(resolve(server)), client_(ctx.loop(), {.tls = tls(config_)}) {}

  Answer call(const Step& step) {
    http::ClientRequest request{
        .method = step.method,
        .url = http::Url::parse(config_.server.to_string() + fill_in(step.path)).value()};
    if (!config_.credentials.token.empty()) {
      request.headers.add("Authorization", "Bearer " + std::string(config_.credentials.token.reveal()));
    }
    if (*step.body != '\0') {
      request.headers.add("Content-Type", step.type);
      request.body = fill_in(step.body);
    }
    const auto response = client_.send(ctx_, std::move(request));
    if (!response) {
      ADD_FAILURE() << step.reason << ": " << response.error().message();
      return {};
    }
    Answer answer{.status = response->status,
                  .type = std::string(response->headers.get("Content-Type").value_or("")),
                  .body = parse(response->body.view())};
    remember(answer.body);
    return answer;
  }

 private:
  static kube::ClientConfig resolve(const testing::KubeServer& server) {
    return kube::resolve(kube::Kubeconfig::parse(server.kubeconfig()).value()).value();
  }
  static http::TlsClient tls(const kube::ClientConfig& config) {
    http::TlsClient::Options options{.trusted = config.authorities};
    if (!config.credentials.client_certificate.empty()) {
      options.identity = std::make_shared<const http::KeyPair>(
          http::KeyPair{config.credentials.client_certificate, config.credentials.client_key});
    }
    return http::TlsClient::create(options).value();
  }
  /// JSON, the lines of a watch as an array, or text.
  static Value parse(std::string_view text) {
    if (auto whole = json::parse(text)) return *std::move(whole);
    auto events = Value::empty_array();
    for (const auto line : split(text, '\n')) {
      if (trim(line).empty()) continue;
      auto event = json::parse(line);
      if (!event) return text;
      // Bookmarks come when the server likes, apart from the one that ends the initial events.
      const auto* about = event->find("object");
      const bool whenever = event->find_string("type") == "BOOKMARK" && about != nullptr &&
                            !kube::annotation(*about, "k8s.io/initial-events-end");
      if (!whenever) events.push_back(*std::move(event));
    }
    return events;
  }
  void remember(const Value& object) {
    const auto name = std::string(kube::name(object));
    const auto version = kube::resource_version(object);
    if (name.empty() || version.empty()) return;
    known_["RV<" + name + ">"] = version;
    known_["UID<" + name + ">"] = kube::uid(object);
    known_.try_emplace("OLD<" + name + ">", version);
  }
  [[nodiscard]] std::string fill_in(std::string text) const {
    for (const auto& [word, value] : known_) {
      for (auto at = text.find(word); at != std::string::npos; at = text.find(word)) {
        text.replace(at, word.size(), value);
      }
    }
    return text;
  }

  Ctx& ctx_;
  kube::ClientConfig config_;
  http::Client client_;
  std::map<std::string, std::string> known_;
};

class Pair {
 public:
  explicit Pair(Ctx& ctx)
      : real_(testing::start_kube_server(ctx).value()),
        memory_(ctx),
        real(ctx, *real_),
        memory(ctx, memory_) {
    real.call({"the type", "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", kDefinition});
    while (real.call({"is it there?", "GET", "/apis/ex.io/v1/widgets"}).status != 200) {
      if (!ctx.sleep(std::chrono::milliseconds(50))) return;
    }
    const Step make{"a namespace", "POST", "/api/v1/namespaces", R"({"metadata":{"name":"likeness"}})"};
    real.call(make);
    memory.call(make);
  }

  void expect_alike(const std::vector<Step>& steps) {
    for (const auto& step : steps) {
      SCOPED_TRACE(std::string(step.reason) + ": " + step.method + " " + step.path);
      auto wanted = real.call(step);
      auto got = memory.call(step);
      EXPECT_EQ(got.status, wanted.status) << wanted.body << "\nmemory: " << got.body;
      if (*step.unlike != '\0') continue;
      EXPECT_EQ(got.type, wanted.type);
      blur(wanted.body);
      blur(got.body);
      EXPECT_EQ(got.body, wanted.body);
    }
  }

 private:
  std::unique_ptr<testing::KubeServer> real_;
  testing::MemoryApiServer memory_;

 public:
  Side real;
  Side memory;
};

#define REQUIRE_REAL_CLUSTER()                                                                            \
  if (testing::find_real_cluster() == nullptr) GTEST_SKIP() << "needs a real cluster: ./dev test --real " \
                                                               "kube"

IO_FIBER_TEST(MemoryApiServerLikeness, OfOneLifeOfAnObject) {
  REQUIRE_REAL_CLUSTER();
  Pair(ctx).expect_alike({
      {"created", "POST", kWidgets, R"({"apiVersion":"ex.io/v1","kind":"Widget",
         "metadata":{"name":"a","labels":{"x":"1"}},"spec":{"size":1},"status":{"phase":"made up"}})"},
      {"there already", "POST", kWidgets,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"a"}})"},
      {"read", "GET", kWidgetA},
      {"merged", "PATCH", kWidgetA, R"({"spec":{"size":2,"color":"red"}})", kMerge},
      {"merged, nothing new", "PATCH", kWidgetA, R"({"spec":{"size":2}})", kMerge},
      {"merged, a label", "PATCH", kWidgetA, R"({"metadata":{"labels":{"y":"2"}}})", kMerge},
      {"merged, a field taken away", "PATCH", kWidgetA, R"({"spec":{"color":null}})", kMerge},
      {"patched", "PATCH", kWidgetA, R"([{"op":"replace","path":"/spec/size","value":3}])", kPatch},
      {"patched, test fails", "PATCH", kWidgetA, R"([{"op":"test","path":"/spec/size","value":9}])", kPatch},
      {"patched, no such path", "PATCH", kWidgetA, R"([{"op":"remove","path":"/spec/none"}])", kPatch},
      {"status", "PATCH", "/apis/ex.io/v1/namespaces/likeness/widgets/a/status",
       R"({"status":{"phase":"Ready"},"spec":{"size":7}})", kMerge},
      {"status by way of the object", "PATCH", kWidgetA, R"({"status":{"phase":"Lost"}})", kMerge},
      {"replaced with an old version", "PUT", kWidgetA,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"a","resourceVersion":"OLD<a>"}})"},
      {"replaced without a version", "PUT", kWidgetA,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"size":4}})", kJson,
       "details.kind is the plural"},
      {"replaced", "PUT", kWidgetA,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"a","resourceVersion":"RV<a>"}})"},
      {"replaced under another name", "PUT", kWidgetA,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"b","resourceVersion":"RV<a>"}})"},
      {"given a finalizer", "PATCH", kWidgetA, R"({"metadata":{"finalizers":["ex.io/f"]}})", kMerge},
      {"deleted with another UID", "DELETE", kWidgetA, R"({"preconditions":{"uid":"x"}})", kJson,
       "details.kind is the kind"},
      {"deleted with another version", "DELETE", kWidgetA,
       R"({"preconditions":{"resourceVersion":"OLD<a>"}})", kJson, "details.kind is the kind"},
      {"deleted", "DELETE", kWidgetA, R"({"preconditions":{"uid":"UID<a>"}})"},
      {"deleted again", "DELETE", kWidgetA},
      {"another finalizer while going", "PATCH", kWidgetA,
       R"({"metadata":{"finalizers":["ex.io/f","ex.io/g"]}})", kMerge, "the cause is given twice"},
      {"the finalizer is gone", "PATCH", kWidgetA, R"({"metadata":{"finalizers":null}})", kMerge},
      {"gone", "GET", kWidgetA},
      {"deleted once more", "DELETE", kWidgetA},
      {"patched once more", "PATCH", kWidgetA, "{}", kMerge},
  });
}

IO_FIBER_TEST(MemoryApiServerLikeness, OfRefusals) {
  REQUIRE_REAL_CLUSTER();
  Pair(ctx).expect_alike({
      {"bad name", "POST", kMaps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"B_bad"}})"},
      {"no name", "POST", kWidgets, R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{}})"},
      {"another namespace", "POST", kWidgets,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"z","namespace":"other"}})"},
      {"no such namespace", "POST", "/api/v1/namespaces/none/configmaps",
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"z"}})"},
      {"version at create", "POST", kWidgets,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"z","resourceVersion":"1"}})"},
      {"unknown group", "GET", "/apis/none.io/v1/widgets"},
      {"unknown resource", "GET", "/apis/ex.io/v1/gadgets"},
      {"unknown path", "GET", "/nothing"},
      {"a map to work on", "POST", kMaps, R"({"metadata":{"name":"a"}})"},
      {"a widget to work on", "POST", kWidgets,
       R"({"metadata":{"name":"a"},"apiVersion":"ex.io/v1","kind":"Widget"})"},
      {"patch of an unknown kind", "PATCH", kMapA, "{}", "application/x-patch"},
      {"strategic merge of a custom type", "PATCH", kWidgetA, "{}", "application/strategic-merge-patch+json"},
      {"bad version", "GET", std::string(kWidgets) + "?resourceVersion=abc"},
      {"match without version", "GET", std::string(kWidgets) + "?resourceVersionMatch=Exact"},
      {"initial events without match", "GET", std::string(kWidgets) + "?watch=1&sendInitialEvents=true"},
      {"bad label selector", "GET", std::string(kWidgets) + "?labelSelector=a+in+("},
      {"bad field selector", "GET", std::string(kWidgets) + "?fieldSelector=spec.size%3D1"},
      {"create without a namespace", "POST", "/api/v1/configmaps", R"({"metadata":{"name":"z"}})"},
      {"delete of all namespaces", "DELETE", "/api/v1/namespaces"},
      {"bad dry run", "POST", std::string(kMaps) + "?dryRun=Some",
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"z"}})"},
      {"body is no JSON", "POST", kWidgets, "{"},
      {"no status subresource", "GET", std::string(kMapA) + "/status", "", kJson,
       "plain text in place of a Status"},
      {"continue token is garbage", "GET", std::string(kMaps) + "?limit=1&continue=x"},
      {"for the next test", "DELETE", kMapA},
      {"for the next test", "DELETE", kWidgetA},
  });
}

IO_FIBER_TEST(MemoryApiServerLikeness, OfListsAndSelectors) {
  REQUIRE_REAL_CLUSTER();
  Pair pair(ctx);
  const auto list = std::string(kMaps);
  pair.expect_alike({
      {"made", "POST", kMaps, R"({"metadata":{"name":"m1","labels":{"tier":"a"}},"data":{"k":"v"}})"},
      {"made", "POST", kMaps, R"({"metadata":{"name":"m2","labels":{"tier":"b"}}})"},
      {"made", "POST", kMaps,
       R"({"metadata":{"name":"m3","labels":{"tier":"a"}},"binaryData":{"b":"AAE="}})"},
      {"a page", "GET", list + "?limit=2"},
      {"equality", "GET", list + "?labelSelector=tier%3Da"},
      {"inequality", "GET", list + "?labelSelector=tier!%3Da"},
      {"set", "GET", list + "?labelSelector=tier+in+(a,b),tier+notin+(b)"},
      {"exists", "GET", list + "?labelSelector=tier"},
      {"not exists", "GET", list + "?labelSelector=!tier"},
      {"by name", "GET", list + "?fieldSelector=metadata.name%3Dm2"},
      {"by namespace", "GET", list + "?fieldSelector=metadata.namespace%3Dnone"},
      {"from the cache", "GET", list + "?resourceVersion=0"},
      {"not older", "GET", list + "?resourceVersion=RV<m3>&resourceVersionMatch=NotOlderThan"},
      {"exactly", "GET", list + "?resourceVersion=RV<m2>&resourceVersionMatch=Exact"},
      {"a collection is deleted", "DELETE", list + "?labelSelector=tier%3Da"},
      {"what is left", "GET", list},
      {"everything else", "DELETE", list},
  });
}

IO_FIBER_TEST(MemoryApiServerLikeness, OfWatches) {
  REQUIRE_REAL_CLUSTER();
  Pair pair(ctx);
  const auto watch = std::string(kWidgets) + "?watch=1&timeoutSeconds=1";
  pair.expect_alike({
      {"made", "POST", kWidgets,
       R"({"apiVersion":"ex.io/v1","kind":"Widget","metadata":{"name":"w","labels":{"x":"1"}}})"},
      {"changed", "PATCH", std::string(kWidgets) + "/w", R"({"spec":{"size":1}})", kMerge},
      {"out of the selection", "PATCH", std::string(kWidgets) + "/w", R"({"metadata":{"labels":{"x":"2"}}})",
       kMerge},
      {"into the selection", "PATCH", std::string(kWidgets) + "/w", R"({"metadata":{"labels":{"x":"1"}}})",
       kMerge},
      {"from a version on", "GET", watch + "&resourceVersion=OLD<w>"},
      {"a selection", "GET", watch + "&resourceVersion=OLD<w>&labelSelector=x%3D1"},
      {"from now on, the state first", "GET", watch},
      {"streaming list", "GET",
       watch + "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"},
      {"deleted", "DELETE", std::string(kWidgets) + "/w"},
      {"with the deletion", "GET", watch + "&resourceVersion=RV<w>"},
  });
}

}  // namespace
}  // namespace klutch
