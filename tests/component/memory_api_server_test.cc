// SPDX-License-Identifier: Apache-2.0
#include "testing/memory_api_server.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "http/client.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/fiber_test.h"
#include "testing/test_pki.h"

// The API server in memory does what it claims to share with the real one (shared facts of Kubernetes' API:
// CRUD, pages, watches, Status errors), and misbehaves when told to. Plain HTTP, so that no client hides
// anything.

namespace klutch::testing {
namespace {

using json::array;
using json::object;
using json::Value;
using std::chrono::milliseconds;

constexpr auto kWidgets = "/apis/ex.io/v1/namespaces/default/widgets";
constexpr auto kConfigMaps = "/api/v1/namespaces/default/configmaps";

struct Answer {
  int status = 0;
  Value body = {};
  http::Headers headers = {};

  [[nodiscard]] std::string reason() const { return std::string(body.find_string("reason").value_or("")); }
  [[nodiscard]] Value metadata(std::string_view field) const {
    const auto* metadata = body.find_object("metadata");
    const auto* value = metadata != nullptr ? metadata->find(field) : nullptr;
    return value != nullptr ? *value : Value();
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& item : body.find_array("items")->elements()) all.emplace_back(kube::name(item));
    return all;
  }
};

/// A watch, line by line.
class Lines {
 public:
  explicit Lines(http::StreamingResponse response)
      : status(response.status), response_(std::move(response)) {}

  /// The next event as {"type":..., "object":...}; null at the orderly end.
  Result<Value> next(Ctx& ctx) {
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        auto value = json::parse(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        return value;
      }
      const auto piece = TRY(response_.body->read(ctx));
      if (piece.empty()) return Value();
      buffer_ += piece;
    }
  }
  /// The next event as "TYPE name@rv", "" at the end, the error's name if it breaks off.
  std::string event(Ctx& ctx) {
    auto limited = ctx.with_timeout(std::chrono::seconds(5));
    const auto next_event = next(limited);
    if (!next_event) return std::string(traits(next_event.error().code()).name);
    if (next_event->is_null()) return "";
    const auto* what = next_event->find("object");
    auto text = std::string(*next_event->find_string("type"));
    if (text == "ERROR") return text + " " + std::to_string(what->find_int("code").value_or(0));
    text += " " + std::string(kube::name(*what)) + "@" + std::string(kube::resource_version(*what));
    if (kube::annotation(*what, "k8s.io/initial-events-end") == "true") text += " end";
    return text;
  }
  bool silent(Ctx& ctx) {
    auto limited = ctx.with_timeout(milliseconds(30));
    const auto answer = next(limited);
    return !answer && is(answer.error(), Code::kTimeout);
  }

  const int status;

 private:
  http::StreamingResponse response_;
  std::string buffer_;
};

class Api {
 public:
  explicit Api(Ctx& ctx, const MemoryApiOptions& options = {})
      : ctx_(ctx), server(ctx, options), client_(ctx.loop(), client_options(server)) {}

  Answer call(std::string method, const std::string& path, const Value& body = {}, std::string type = {},
              std::string accept = {}) {
    const auto response = client_.send(ctx_, request(std::move(method), path, body, type, accept));
    if (!response) {
      ADD_FAILURE() << path << ": " << response.error().message();
      return {};
    }
    auto parsed = json::parse(response->body.view());
    return {response->status, parsed ? *std::move(parsed) : Value(response->body.view()), response->headers};
  }
  Answer get(const std::string& path, std::string accept = {}) {
    return call("GET", path, {}, {}, std::move(accept));
  }
  Result<http::Response> raw(const std::string& path) {
    return client_.send(ctx_, request("GET", path, {}, {}, {}));
  }
  Answer merge(const std::string& path, const Value& patch) {
    return call("PATCH", path, patch, "application/merge-patch+json");
  }
  Lines watch(const std::string& path, std::string accept = {}) {
    auto response = client_.open(ctx_, request("GET", path, {}, {}, accept));
    EXPECT_TRUE(response.has_value());
    return Lines(*std::move(response));
  }
  Answer widget(const std::string& name, const Value& labels = Value::empty_object(), int size = 1) {
    return call("POST", kWidgets,
                object({{"apiVersion", "ex.io/v1"},
                        {"kind", "Widget"},
                        {"metadata", object({{"name", name}, {"labels", labels}})},
                        {"spec", object({{"size", size}})},
                        {"status", object({{"phase", "made up"}})}}));
  }
  Answer config_map(const std::string& name, const std::string& ns = "default") {
    return call("POST", "/api/v1/namespaces/" + ns + "/configmaps",
                object({{"metadata", object({{"name", name}})}}));
  }

 private:
  static http::ClientOptions client_options(const MemoryApiServer& server) {
    http::ClientOptions options;
    if (!server.authority().empty())
      options.tls = http::TlsClient::create({.trusted = server.authority()}).value();
    return options;
  }
  http::ClientRequest request(std::string method, const std::string& path, const Value& body,
                              const std::string& type, const std::string& accept) {
    http::ClientRequest made{.method = std::move(method),
                             .url = http::Url::parse(server.url() + path).value()};
    made.headers.add("Authorization", "Bearer " + server.token());
    if (!accept.empty()) made.headers.add("Accept", accept);
    if (!body.is_null()) {
      made.headers.add("Content-Type", type.empty() ? "application/json" : type);
      made.body = http::Body(json::print(body));
    }
    return made;
  }
  Ctx& ctx_;

 public:
  MemoryApiServer server;

 private:
  http::Client client_;
};

IO_FIBER_TEST(MemoryApiServer, LetsInOnlyWhoShowsItsTokenAndTrustsItsAuthority) {
  MemoryApiServer server(ctx);
  http::ClientOptions options;
  options.tls = http::TlsClient::create({.trusted = server.authority()}).value();
  http::Client client(ctx.loop(), std::move(options));
  const auto url = http::Url::parse(server.url() + "/api/v1/namespaces").value();
  const auto anonymous = client.send(ctx, {.url = url});
  ASSERT_TRUE(anonymous.has_value());
  EXPECT_EQ(anonymous->status, 401);
  const auto wrong = client.send(ctx, {.url = url, .headers = {{"Authorization", "Bearer x"}}});
  EXPECT_EQ(wrong->status, 401);
  const auto right =
      client.send(ctx, {.url = url, .headers = {{"Authorization", "Bearer " + server.token()}}});
  EXPECT_EQ(right->status, 200);
  http::Client stranger(ctx.loop(), {.tls = test::TestPki().trusting_client()});
  EXPECT_EQ(stranger.send(ctx, {.url = url}).error().code(), Code::kUnauthenticated);
  EXPECT_NE(server.kubeconfig().find("server: " + server.url()), std::string::npos);
  EXPECT_NE(server.kubeconfig().find(server.token()), std::string::npos);
}

IO_FIBER_TEST(MemoryApiServer, CreateFillsInWhatOnlyTheServerKnows) {
  Api api(ctx);
  const auto made = api.widget("a");
  EXPECT_EQ(made.status, 201);
  EXPECT_TRUE(is_uuid(kube::uid(made.body)));
  EXPECT_EQ(kube::generation(made.body), 1);
  EXPECT_FALSE(kube::resource_version(made.body).empty());
  EXPECT_EQ(kube::ns(made.body), "default");
  EXPECT_FALSE(made.body.contains("status")) << "status has its own subresource";
  EXPECT_EQ(api.get(std::string(kWidgets) + "/a").body, made.body);
  const auto generated =
      api.call("POST", kConfigMaps, object({{"metadata", object({{"generateName", "x-"}})}}));
  EXPECT_EQ(kube::name(generated.body).substr(0, 2), "x-");
  EXPECT_EQ(kube::name(generated.body).size(), 7U);
  const auto secret =
      api.call("POST", "/api/v1/namespaces/default/secrets",
               object({{"metadata", object({{"name", "s"}})}, {"stringData", object({{"k", "v"}})}}));
  EXPECT_EQ(secret.body.find("data")->find_string("k"), "dg==");
  EXPECT_FALSE(secret.body.contains("stringData"));
}

IO_FIBER_TEST(MemoryApiServer, RefusalsCarryAStatusWithCodeAndReason) {
  Api api(ctx);
  api.widget("a");
  const auto meta = [](const Value& metadata) { return object({{"metadata", metadata}}); };
  const auto text = [](const char* name) { return object({{"name", name}}); };
  struct Row {
    const char* reason;
    std::string method;
    std::string path;
    Value body;
    int status;
    std::string status_reason;
    std::string type = {};
  };
  const Row rows[] = {
      {"no such object", "GET", std::string(kWidgets) + "/b", {}, 404, "NotFound"},
      {"exists", "POST", kWidgets, meta(text("a")), 409, "AlreadyExists"},
      {"no such namespace", "POST", "/api/v1/namespaces/no/configmaps", meta(text("a")), 404, "NotFound"},
      {"bad name", "POST", kWidgets, meta(text("B_bad")), 422, "Invalid"},
      {"no name", "POST", kWidgets, meta(object()), 422, "Invalid"},
      {"another namespace", "POST", kWidgets, meta(object({{"name", "b"}, {"namespace", "x"}})), 400,
       "BadRequest"},
      {"version at create", "POST", kWidgets, meta(object({{"name", "b"}, {"resourceVersion", "1"}})), 500,
       ""},
      {"update without version", "PUT", std::string(kWidgets) + "/a", meta(text("a")), 422, "Invalid"},
      {"update with old version", "PUT", std::string(kWidgets) + "/a",
       meta(object({{"name", "a"}, {"resourceVersion", "1"}})), 409, "Conflict"},
      {"another name", "PUT", std::string(kWidgets) + "/a", meta(text("b")), 400, "BadRequest"},
      {"server-side apply", "PATCH", std::string(kWidgets) + "/a", object(), 415, "UnsupportedMediaType",
       "application/apply-patch+yaml"},
      {"strategic merge of a custom type", "PATCH", std::string(kWidgets) + "/a", object(), 415,
       "UnsupportedMediaType", "application/strategic-merge-patch+json"},
      {"failed test", "PATCH", std::string(kWidgets) + "/a",
       array({object({{"op", "test"}, {"path", "/kind"}, {"value", "x"}})}), 422, "Invalid",
       "application/json-patch+json"},
      {"patch with old version", "PATCH", std::string(kWidgets) + "/a",
       meta(object({{"resourceVersion", "1"}})), 409, "Conflict", "application/merge-patch+json"},
      {"wrong precondition", "DELETE", std::string(kWidgets) + "/a",
       object({{"preconditions", object({{"uid", "x"}})}}), 409, "Conflict"},
      {"bad version", "GET", std::string(kWidgets) + "?resourceVersion=abc", {}, 400, "BadRequest"},
      {"match without version",
       "GET",
       std::string(kWidgets) + "?resourceVersionMatch=Exact",
       {},
       422,
       "Invalid"},
      {"version of the future", "GET", std::string(kWidgets) + "?resourceVersion=99999", {}, 504, "Timeout"},
      {"bad selector", "GET", std::string(kWidgets) + "?labelSelector=a+in+(", {}, 400, "BadRequest"},
      {"unknown field", "GET", std::string(kWidgets) + "?fieldSelector=spec.size%3D1", {}, 400, "BadRequest"},
      {"initial events without match",
       "GET",
       std::string(kWidgets) + "?watch=1&sendInitialEvents=true",
       {},
       422,
       "Invalid"},
      {"create of no namespace", "POST", "/apis/ex.io/v1/widgets", meta(text("a")), 405, "MethodNotAllowed"},
      {"bad dry run", "POST", std::string(kWidgets) + "?dryRun=Some", meta(text("b")), 422, "Invalid"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    const auto answer = api.call(row.method, row.path, row.body, row.type);
    EXPECT_EQ(answer.status, row.status);
    EXPECT_EQ(answer.reason(), row.status_reason);
    EXPECT_EQ(answer.body.find_string("kind"), "Status");
    EXPECT_EQ(answer.body.find_int("code"), row.status);
  }
  const auto unknown = api.get("/apis/ex.io/v1/gadgets");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, Value("404 page not found\n")) << "no Status for what no type serves";
}

IO_FIBER_TEST(MemoryApiServer, WritesThatChangeNothingKeepTheVersion) {
  Api api(ctx);
  const auto made = api.widget("a");
  const auto path = std::string(kWidgets) + "/a";
  EXPECT_EQ(api.call("PUT", path, made.body).body, made.body);
  EXPECT_EQ(api.merge(path, object({{"spec", object({{"size", 1}})}})).body, made.body);
  const auto labelled = api.merge(path, object({{"metadata", object({{"labels", object({{"a", "b"}})}})}}));
  EXPECT_EQ(kube::generation(labelled.body), 1);
  EXPECT_NE(kube::resource_version(labelled.body), kube::resource_version(made.body));
  const auto resized =
      api.merge(path, object({{"spec", object({{"size", 2}})}, {"status", object({{"x", 1}})}}));
  EXPECT_EQ(kube::generation(resized.body), 2);
  EXPECT_FALSE(resized.body.contains("status"));
  EXPECT_EQ(api.call("PUT", path, made.body).status, 409);
}

IO_FIBER_TEST(MemoryApiServer, StatusIsWrittenAlone) {
  Api api(ctx);
  auto widget = api.widget("a").body;
  widget.set("status", object({{"phase", "Ready"}}));
  widget["metadata"]["labels"].set("sneaked", "in");
  widget["spec"].set("size", 9);
  const auto written = api.call("PUT", std::string(kWidgets) + "/a/status", widget);
  EXPECT_EQ(written.status, 200);
  EXPECT_EQ(written.body.find("status")->find_string("phase"), "Ready");
  EXPECT_EQ(written.body.find("spec")->find_int("size"), 1);
  EXPECT_EQ(kube::label(written.body, "sneaked"), std::nullopt);
  EXPECT_EQ(kube::generation(written.body), 1);
  EXPECT_EQ(api.merge(std::string(kConfigMaps) + "/a/status", object()).status, 404);
}

IO_FIBER_TEST(MemoryApiServer, DryRunsStoreNothing) {
  Api api(ctx);
  const auto before = api.server.revision();
  const auto made = api.call("POST", std::string(kConfigMaps) + "?dryRun=All",
                             object({{"metadata", object({{"name", "a"}})}}));
  EXPECT_EQ(made.status, 201);
  EXPECT_FALSE(kube::uid(made.body).empty());
  EXPECT_EQ(kube::resource_version(made.body), "");
  EXPECT_EQ(api.server.revision(), before);
}

IO_FIBER_TEST(MemoryApiServer, FinalizersKeepAnObjectUntilTheLastIsGone) {
  Api api(ctx);
  api.widget("a");
  const auto path = std::string(kWidgets) + "/a";
  const auto finalizers = [](const Value& list) {
    return object({{"metadata", object({{"finalizers", list}})}});
  };
  api.merge(path, finalizers(array({"ex.io/x"})));
  const auto deleted = api.call("DELETE", path);
  EXPECT_EQ(deleted.status, 200);
  EXPECT_TRUE(kube::is_deleting(deleted.body));
  EXPECT_EQ(kube::generation(deleted.body), 2);
  EXPECT_EQ(api.call("DELETE", path).body, deleted.body) << "a second deletion changes nothing";
  EXPECT_EQ(api.merge(path, finalizers(array({"ex.io/x", "ex.io/y"}))).status, 422);
  EXPECT_EQ(api.merge(path, finalizers(nullptr)).status, 200);
  EXPECT_EQ(api.get(path).status, 404);
  api.widget("b");
  const auto gone = api.call("DELETE", std::string(kWidgets) + "/b");
  EXPECT_EQ(gone.body.find_string("status"), "Success");
}

IO_FIBER_TEST(MemoryApiServer, ANamespaceGoesWithItsContent) {
  Api api(ctx);
  const auto make = [&](const char* name) {
    return api.call("POST", "/api/v1/namespaces", object({{"metadata", object({{"name", name}})}}));
  };
  EXPECT_EQ(make("n").body.find("status")->find_string("phase"), "Active");
  api.config_map("a", "n");
  EXPECT_EQ(api.call("DELETE", "/api/v1/namespaces/n").body.find("status")->find_string("phase"),
            "Terminating");
  EXPECT_EQ(api.get("/api/v1/namespaces/n/configmaps/a").status, 404);
  EXPECT_EQ(api.get("/api/v1/namespaces/n").status, 404);
  make("m");
  api.config_map("kept", "m");
  const auto path = std::string("/api/v1/namespaces/m/configmaps/kept");
  api.merge(path, object({{"metadata", object({{"finalizers", array({"ex.io/x"})}})}}));
  api.call("DELETE", "/api/v1/namespaces/m");
  const auto refused = api.config_map("late", "m");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body.find("details")->find_array("causes")->at(0).find_string("reason"),
            "NamespaceTerminating");
  api.merge(path, object({{"metadata", object({{"finalizers", nullptr}})}}));
  EXPECT_EQ(api.get("/api/v1/namespaces/m").status, 404);
}

IO_FIBER_TEST(MemoryApiServer, PagesShowOneSnapshot) {
  Api api(ctx);
  for (const auto* name : {"a", "b", "c", "d"}) api.config_map(name);
  const auto first = api.get(std::string(kConfigMaps) + "?limit=2");
  EXPECT_EQ(first.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(first.metadata("remainingItemCount"), Value(2));
  api.call("DELETE", std::string(kConfigMaps) + "/c");
  api.config_map("e");
  const auto token = std::string(first.metadata("continue").as_string());
  const auto second = api.get(std::string(kConfigMaps) + "?limit=10&continue=" + token);
  EXPECT_EQ(second.names(), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(second.metadata("resourceVersion"), first.metadata("resourceVersion"));
  EXPECT_TRUE(second.metadata("continue").is_null());
  api.server.compact();
  const auto late = api.get(std::string(kConfigMaps) + "?continue=" + token);
  EXPECT_EQ(late.status, 410);
  EXPECT_EQ(late.reason(), "Expired");
  const auto inconsistent = std::string(late.metadata("continue").as_string());
  EXPECT_EQ(api.get(std::string(kConfigMaps) + "?continue=" + inconsistent).names(),
            (std::vector<std::string>{"d", "e"}));
  const auto exact = "?resourceVersionMatch=Exact&resourceVersion=" +
                     std::string(first.metadata("resourceVersion").as_string());
  EXPECT_EQ(api.get(kConfigMaps + exact).status, 410);
  EXPECT_EQ(api.get(std::string(kConfigMaps) + "?limit=1&resourceVersion=0").names().size(), 4U);
  const auto version = "&resourceVersion=" + std::string(first.metadata("resourceVersion").as_string());
  EXPECT_EQ(api.get(std::string(kConfigMaps) + "?limit=9" + version).status, 410) << "means exactly this version";
  EXPECT_EQ(api.get(std::string(kConfigMaps) + "?limit=9&resourceVersionMatch=NotOlderThan" + version).status, 200);
}

IO_FIBER_TEST(MemoryApiServer, AnswersInTheFormAskedFor) {
  Api api(ctx);
  api.widget("a");
  api.config_map("a");
  const std::string partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  const auto one = api.get(std::string(kWidgets) + "/a", partial + ",application/json");
  EXPECT_EQ(kube::kind(one.body), "PartialObjectMetadata");
  EXPECT_FALSE(one.body.contains("spec"));
  const auto list = api.get(kWidgets, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(kube::kind(list.body), "PartialObjectMetadataList");
  EXPECT_EQ(kube::kind(list.body.find_array("items")->at(0)), "PartialObjectMetadata");
  EXPECT_EQ(kube::kind(api.get(kWidgets).body.find_array("items")->at(0)), "Widget");
  EXPECT_EQ(kube::kind(api.get(kConfigMaps).body.find_array("items")->at(0)), "")
      << "as lists of built-in types";
  EXPECT_EQ(api.get(kWidgets, "application/xml").status, 406);
  EXPECT_EQ(api.call("POST", kWidgets, object(), "application/vnd.kubernetes.protobuf").status, 415);
}

IO_FIBER_TEST(MemoryApiServer, WatchesTellEveryChangeFromAVersionOn) {
  Api api(ctx);
  const auto made = api.widget("a");
  const auto from = std::string(kube::resource_version(made.body));
  api.config_map("other");
  const auto path = std::string(kWidgets) + "/a";
  const auto changed = api.merge(path, object({{"spec", object({{"size", 2}})}}));
  auto lines = api.watch(std::string(kWidgets) + "?watch=true&resourceVersion=" + from);
  EXPECT_EQ(lines.event(ctx), "MODIFIED a@" + std::string(kube::resource_version(changed.body)));
  api.call("DELETE", path);
  EXPECT_EQ(lines.event(ctx), "DELETED a@" + std::to_string(api.server.revision()))
      << "the version of the deletion";
  auto all = api.watch(std::string(kWidgets) + "?watch=1&resourceVersion=0");
  const auto again = api.widget("b");
  EXPECT_EQ(all.event(ctx), "ADDED b@" + std::string(kube::resource_version(again.body)));
  EXPECT_EQ(lines.event(ctx), "ADDED b@" + std::string(kube::resource_version(again.body)));
  EXPECT_TRUE(lines.silent(ctx)) << "no bookmarks unless asked for";
}

IO_FIBER_TEST(MemoryApiServer, SelectorsTurnChangesIntoComingAndGoing) {
  Api api(ctx);
  auto lines = api.watch(std::string(kWidgets) + "?watch=1&labelSelector=in%3Dyes&resourceVersion=" +
                         std::to_string(api.server.revision()));
  api.widget("a");
  const auto path = std::string(kWidgets) + "/a";
  const auto label = [&](const Value& value) {
    return std::string(kube::resource_version(
        api.merge(path, object({{"metadata", object({{"labels", object({{"in", value}})}})}})).body));
  };
  const auto entered = label("yes");
  EXPECT_EQ(lines.event(ctx), "ADDED a@" + entered);
  const auto left = label("no");
  EXPECT_EQ(lines.event(ctx), "DELETED a@" + left);
  api.call("DELETE", path);
  EXPECT_TRUE(lines.silent(ctx));
  EXPECT_TRUE(api.get(std::string(kWidgets) + "?fieldSelector=metadata.name%3Db").names().empty());
}

IO_FIBER_TEST(MemoryApiServer, StreamsTheStateFirstWhenAskedTo) {
  Api api(ctx);
  api.widget("a");
  api.widget("b");
  auto lines =
      api.watch(std::string(kWidgets) +
                "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  EXPECT_EQ(lines.event(ctx).substr(0, 7), "ADDED a");
  EXPECT_EQ(lines.event(ctx).substr(0, 7), "ADDED b");
  EXPECT_EQ(lines.event(ctx), "BOOKMARK @" + std::to_string(api.server.revision()) + " end");
  api.config_map("elsewhere");
  api.server.send_bookmarks();
  EXPECT_EQ(lines.event(ctx), "BOOKMARK @" + std::to_string(api.server.revision()));

  Api old(ctx, {.watch_lists = false});
  EXPECT_EQ(
      old.get(std::string(kWidgets) + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
          .status,
      422);
}

IO_FIBER_TEST(MemoryApiServer, ForgottenHistoryIsAnErrorEvent) {
  Api api(ctx, {.history = 4});
  const auto from = std::string(kube::resource_version(api.widget("a").body));
  for (int i = 0; i < 5; ++i) api.config_map("c" + std::to_string(i));
  auto lines = api.watch(std::string(kWidgets) + "?watch=1&resourceVersion=" + from);
  EXPECT_EQ(lines.status, 200);
  EXPECT_EQ(lines.event(ctx), "ERROR 410");
  EXPECT_EQ(lines.event(ctx), "");
}

IO_FIBER_TEST(MemoryApiServer, WatchesEndInOrderAtTheirTimeout) {
  Api api(ctx);
  auto lines = api.watch(std::string(kWidgets) +
                         "?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=" +
                         std::to_string(api.server.revision()));
  EXPECT_EQ(api.server.open_watches(), 1U);
  EXPECT_EQ(lines.event(ctx).substr(0, 8), "BOOKMARK");
  EXPECT_EQ(lines.event(ctx), "");
  EXPECT_EQ(api.server.open_watches(), 0U);
}

IO_FIBER_TEST(MemoryApiServer, DeletesCollectionsBySelector) {
  Api api(ctx);
  api.widget("a", object({{"x", "1"}}));
  api.widget("b");
  const auto removed = api.call("DELETE", std::string(kWidgets) + "?labelSelector=x");
  EXPECT_EQ(removed.names(), std::vector<std::string>{"a"});
  EXPECT_EQ(api.get(kWidgets).names(), std::vector<std::string>{"b"});
  EXPECT_EQ(api.call("DELETE", "/api/v1/namespaces").status, 405);
  EXPECT_EQ(api.server.requests("deletecollection"), 2U);
  EXPECT_EQ(api.server.requests("create", "widgets"), 2U);
}

IO_FIBER_TEST(MemoryApiServer, TellsWhatItServesAndLearnsNewTypes) {
  Api api(ctx);
  const auto groups = api.get(
      "/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json");
  EXPECT_EQ(kube::kind(groups.body), "APIGroupDiscoveryList");
  EXPECT_EQ(kube::kind(api.get("/api").body), "APIVersions");
  EXPECT_EQ(kube::kind(api.get("/apis").body), "APIGroupList");
  EXPECT_EQ(kube::kind(api.get("/apis/ex.io").body), "APIGroup");
  const auto resources = api.get("/apis/ex.io/v1");
  EXPECT_EQ(resources.body.find_array("resources")->size(), 2U) << resources.body;
  EXPECT_EQ(api.get("/apis/ex.io/v2").status, 404);
  EXPECT_EQ(api.get("/version").body.find_string("major"), "1");
  const auto definition =
      object({{"metadata", object({{"name", "gadgets.ex.io"}})},
              {"spec", object({{"group", "ex.io"},
                               {"scope", "Cluster"},
                               {"names", object({{"plural", "gadgets"}, {"kind", "Gadget"}})},
                               {"versions", array({object({{"name", "v1"}})})}})}});
  const auto made = api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  EXPECT_EQ(made.body.find("status")->find_array("conditions")->at(1).find_string("status"), "True");
  EXPECT_EQ(
      api.call("POST", "/apis/ex.io/v1/gadgets", object({{"metadata", object({{"name", "g"}})}})).status,
      201);
  EXPECT_EQ(
      api.call("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.ex.io").status,
      200);
  EXPECT_EQ(api.get("/apis/ex.io/v1/gadgets").status, 404);
}

IO_FIBER_TEST(MemoryApiServer, MisbehavesOnPurposeAndOnlyAsOften) {
  Api api(ctx);
  api.widget("a");
  const auto path = std::string(kWidgets) + "/a";
  using Kind = Fault::Kind;
  api.server.faults().add(
      {.fault = {Kind::kStatus, {.status = 429, .retry_after = 7}}, .verb = "get", .skip = 1, .times = 2});
  EXPECT_EQ(api.get(path).status, 200);
  const auto slow_down = api.get(path);
  EXPECT_EQ(slow_down.status, 429);
  EXPECT_EQ(slow_down.headers.get("Retry-After"), "7");
  EXPECT_EQ(api.get(kWidgets).status, 200) << "another verb";
  EXPECT_EQ(api.get(path).status, 429);
  EXPECT_EQ(api.get(path).status, 200);
  api.server.faults().add({.fault = {Kind::kHtml}});
  EXPECT_EQ(api.get(path).headers.get("Content-Type"), "text/html");
  api.server.faults().add({.fault = {Kind::kTruncatedJson}});
  EXPECT_FALSE(json::parse(api.raw(path)->body.view()).has_value());
  api.server.faults().add({.fault = {Kind::kCutBody}});
  EXPECT_EQ(api.raw(path).error().code(), Code::kUnavailable);
  api.server.faults().add({.fault = {Kind::kDrip}});
  EXPECT_EQ(api.get(path).status, 200);
  api.server.faults().add({.fault = {Kind::kStall}});
  auto limited = ctx.with_timeout(milliseconds(50));
  http::Client client(ctx.loop(),
                      {.tls = http::TlsClient::create({.trusted = api.server.authority()}).value()});
  const auto stalled = client.send(limited, {.url = http::Url::parse(api.server.url() + path).value(),
                                             .headers = {{"Authorization", "Bearer " + api.server.token()}}});
  EXPECT_EQ(stalled.error().code(), Code::kTimeout);
  EXPECT_EQ(api.server.faults().pending(), 0U);
  EXPECT_EQ(api.server.faults().injected(), 7U);
  EXPECT_EQ(api.server.faults().injected(Kind::kStatus), 2U);
}

IO_FIBER_TEST(MemoryApiServer, WatchesMisbehaveOnPurpose) {
  Api api(ctx);
  api.widget("a");
  api.widget("b");
  using Kind = Fault::Kind;
  const auto path = std::string(kWidgets) + "?watch=1&allowWatchBookmarks=true";
  const auto streaming = path + "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  const auto events = [&](const std::string& url, Fault fault, int count) {
    api.server.faults().add({.fault = fault, .verb = "watch"});
    auto lines = api.watch(url);
    std::vector<std::string> seen;
    for (int i = 0; i < count; ++i) seen.push_back(lines.event(ctx).substr(0, 8));
    return seen;
  };
  using Seen = std::vector<std::string>;
  EXPECT_EQ(events(path, {Kind::kWatchEnds}, 1), (Seen{""}));
  EXPECT_EQ(events(path, {Kind::kWatchEnds, {.events = 1}}, 2), (Seen{"ADDED a@", ""}));
  EXPECT_EQ(events(path, {Kind::kWatchCut, {.events = 1}}, 2), (Seen{"ADDED a@", "ServiceU"}));
  EXPECT_EQ(events(path, {Kind::kWatchError, {.status = 410}}, 2), (Seen{"ERROR 41", ""}));
  EXPECT_EQ(events(path, {Kind::kDuplicateEvents}, 3), (Seen{"ADDED a@", "ADDED a@", "ADDED b@"}));
  EXPECT_EQ(events(path, {Kind::kDelayEvents}, 2), (Seen{"ADDED a@", "ADDED b@"}));
  EXPECT_EQ(events(streaming, {Kind::kDelayEvents}, 3), (Seen{"ADDED a@", "ADDED b@", "BOOKMARK"}));
  api.server.faults().add({.fault = {Kind::kNoBookmarks}});
  auto lines = api.watch(streaming);
  lines.event(ctx);
  lines.event(ctx);
  api.server.send_bookmarks();
  EXPECT_TRUE(lines.silent(ctx));
  api.server.faults().add({.fault = {Kind::kIgnoreInitialEvents}});
  auto ignored = api.watch(streaming + "&resourceVersion=" + std::to_string(api.server.revision()));
  EXPECT_TRUE(ignored.silent(ctx));
  api.server.faults().add({.fault = {Kind::kWatchStall, {.events = 1}}});
  auto stalled = api.watch(path);
  EXPECT_EQ(stalled.event(ctx).substr(0, 7), "ADDED a");
  api.server.send_bookmarks();
  EXPECT_TRUE(stalled.silent(ctx));
}

}  // namespace
}  // namespace klutch::testing
