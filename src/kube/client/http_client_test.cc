// SPDX-License-Identifier: Apache-2.0
#include "kube/client/http_client.h"

#include <gtest/gtest.h>

#include "async/event.h"
#include "http/compression.h"
#include "json/build.h"
#include "kube/api/status.h"
#include "kube/client/client_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using http::Response;
using testing::json_response;
using testing::RecordingServer;
using Seen = RecordingServer::Seen;

const ResourceType kWidget{"ex.io", "v1", "widgets", "Widget"};
const Key kKey{"n", "a"};

json::Value widget() {
  return json::object({{"apiVersion", "ex.io/v1"},
                       {"kind", "Widget"},
                       {"metadata", json::object({{"namespace", "n"}, {"name", "a"}})}});
}

json::Value status_json(int code, std::string_view reason, std::string_view kind = "widgets") {
  return json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"status", "Failure"},
                       {"message", "no"},
                       {"reason", reason},
                       {"details", json::object({{"name", "a"}, {"kind", kind}})},
                       {"code", code}});
}

RecordingServer::Answer always(const Response& response) {
  return [status = response.status, headers = response.headers, body = std::string(response.body.view())](
             const Seen&) -> Result<Response> { return Response{status, headers, body, {}}; };
}

/// One status after the other with `Retry-After: 0`, then 200.
RecordingServer::Answer in_turn(std::vector<int> statuses, std::string retry_after = "0") {
  return [statuses, retry_after, next = std::size_t{0}](const Seen&) mutable -> Result<Response> {
    if (next >= statuses.size()) return json_response(widget());
    const int status = statuses[next++];
    auto response = json_response(status_json(status, ""), status);
    if (!retry_after.empty()) response.headers.add("Retry-After", retry_after);
    return response;
  };
}

std::unique_ptr<HttpClient> client_of(Ctx& ctx, const ClientConfig& config, HttpClientOptions options = {}) {
  auto client = HttpClient::make(ctx, config, std::move(options));
  EXPECT_TRUE(client) << client.error().message();
  return *std::move(client);
}

class Records final : public RequestObserver {
 public:
  void request_finished(const RequestRecord& record) override {
    lines.push_back(std::string(to_string(record.request.verb)) + " " + std::to_string(record.attempt) + " " +
                    std::to_string(record.status) + (record.error != nullptr ? " failed" : ""));
  }
  std::vector<std::string> lines;
};

IO_FIBER_TEST(KubeHttpClient, SendsARequestBelowTheServersPathAndGivesTheObject) {
  RecordingServer server(ctx, always(json_response(widget())));
  auto config = server.config("/k8s/clusters/c-1");
  config.credentials.token = Secret("t0ken");
  config.impersonate = {.user = "boss", .groups = {"a", "b"}, .extra = {{"ex.io/scope", {"x"}}}};
  const auto client = client_of(ctx, config, {.user_agent = "test/1"});
  const auto object = client->get(ctx, kWidget, kKey, {.resource_version = "0"});
  ASSERT_TRUE(object) << object.error().message();
  EXPECT_EQ(*object, widget());
  EXPECT_EQ(server.last().target, "/k8s/clusters/c-1/apis/ex.io/v1/namespaces/n/widgets/a?resourceVersion=0");
  EXPECT_EQ(server.last().header("Authorization"), "Bearer t0ken");
  EXPECT_EQ(server.last().header("User-Agent"), "test/1");
  EXPECT_EQ(server.last().header("Accept"), "application/json");
  EXPECT_EQ(server.last().header("Accept-Encoding"), "gzip");
  EXPECT_EQ(server.last().header("Impersonate-User"), "boss");
  EXPECT_EQ(server.last().headers.joined("Impersonate-Group"), "a, b");
  EXPECT_EQ(server.last().header("Impersonate-Extra-ex.io%2Fscope"), "x");
}

IO_FIBER_TEST(KubeHttpClient, SendsBodiesWithTheirType) {
  RecordingServer server(ctx, always(json_response(widget(), 201)));
  auto config = server.config();
  config.disable_compression = true;
  const auto client = client_of(ctx, config);
  ASSERT_TRUE(client->create(ctx, kWidget, widget()));
  EXPECT_EQ(server.last().method, "POST");
  EXPECT_EQ(server.last().header("Content-Type"), "application/json");
  EXPECT_EQ(server.last().body, json::print(widget()));
  EXPECT_EQ(server.last().header("Accept-Encoding"), "");
  EXPECT_TRUE(server.last().header("User-Agent").starts_with("klutch/"));
  ASSERT_TRUE(client->patch(ctx, kWidget, kKey, PatchType::kMerge, json::object({{"a", 1}})));
  EXPECT_EQ(server.last().header("Content-Type"), "application/merge-patch+json");
}

IO_FIBER_TEST(KubeHttpClient, ReusesItsConnectionsAndCountsWatchesApart) {
  RecordingServer server(ctx, always(json_response(widget())));
  const auto client = client_of(ctx, server.config(), {.connections = 1, .watches = 2});
  const auto one = client->watch(ctx, kWidget);
  const auto two = client->watch(ctx, kWidget);
  ASSERT_TRUE(one && two);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client->get(ctx, kWidget, kKey));
  EXPECT_EQ(client->request_statistics().opened, 1U);
  EXPECT_EQ(client->request_statistics().reused, 19U);
  EXPECT_EQ(client->watch_statistics().opened, 2U);
}

IO_FIBER_TEST(KubeHttpClient, AStatusIsTheErrorAndKeepsItsDetails) {
  RecordingServer server(ctx, always(json_response(status_json(409, "AlreadyExists"), 409)));
  const auto client = client_of(ctx, server.config());
  const auto error = client->create(ctx, kWidget, widget()).error();
  EXPECT_EQ(error.code(), Code::kAlreadyExists);
  ASSERT_NE(error.detail<Status>(), nullptr);
  EXPECT_EQ(error.detail<Status>()->name, "a");
  EXPECT_EQ(server.seen().size(), 1U);
}

IO_FIBER_TEST(KubeHttpClient, AnswersThatAreNoneOfAnApiServerAreNamed) {
  struct Case {
    int status;
    http::Headers headers;
    std::string body;
    Code code;
    std::vector<std::string_view> named;
    std::string_view reason;
  };
  const http::Headers html = {{"Content-Type", "text/html"}};
  const http::Headers json = {{"Content-Type", "application/json"}};
  const http::Headers text = {{"Content-Type", "text/plain"}};
  const std::vector<Case> cases = {
      {200, html, "<!DOCTYPE html>", Code::kInternal, {"text/html", "DOCTYPE", "API server"}, "a login page"},
      {200, {}, "{}", Code::kInternal, {"no content type"}, "no type"},
      {200, json, "{\"a\":", Code::kInternal, {"JSON"}, "half of it"},
      {302,
       {{"Location", "https://sso.example/login?secret=1"}},
       "",
       Code::kInternal,
       {"302", "https://sso.example/login", "redirect"},
       "a redirect"},
      {404, text, "404 page not found", Code::kNotFound, {}, "an unknown path"},
      {502, html, "<html>", Code::kUnavailable, {"502"}, "a gateway"},
  };
  for (const auto& [status, headers, body, code, named, reason] : cases) {
    RecordingServer server(ctx, always({status, headers, body, {}}));
    const auto client = client_of(ctx, server.config());
    const auto object = client->get(ctx, kWidget, kKey);
    ASSERT_FALSE(object) << reason;
    const auto& message = object.error().message();
    EXPECT_EQ(object.error().code(), code) << reason << message;
    EXPECT_NE(message.find("get widgets"), std::string::npos) << message;
    for (const auto word : named) EXPECT_NE(message.find(word), std::string::npos) << message;
    EXPECT_EQ(message.find("secret=1"), std::string::npos) << message;
  }
}

IO_FIBER_TEST(KubeHttpClient, AWatchThatIsNoneIsRefused) {
  RecordingServer server(ctx, always({.headers = {{"Content-Type", "text/html"}}, .body = "<html>"}));
  const auto client = client_of(ctx, server.config());
  const auto error = client->watch(ctx, kWidget).error();
  EXPECT_EQ(error.code(), Code::kInternal);
  EXPECT_NE(error.message().find("text/html"), std::string::npos) << error.message();
}

IO_FIBER_TEST(KubeHttpClient, AnAnswerBeyondItsLimitIsTooLarge) {
  const std::string large = "\"" + std::string(1'000'000, 'x') + "\"";
  RecordingServer server(ctx, always({.headers = {{"Content-Type", "application/json"}}, .body = large}));
  const auto client = client_of(ctx, server.config(), {.object_bytes = 900'000, .list_bytes = 2'000'000});
  const auto error = client->get(ctx, kWidget, kKey).error();
  EXPECT_EQ(error.code(), Code::kTooLarge);
  EXPECT_NE(error.message().find("widgets"), std::string::npos) << error.message();
  EXPECT_EQ(client->list(ctx, kWidget).error().code(), Code::kInternal) << "read, but no list";
}

IO_FIBER_TEST(KubeHttpClient, CompressedAnswersAreUnderstood) {
  auto items = json::Value::empty_array();
  for (int i = 0; i < 5000; ++i)
    items.push_back(json::object({{"metadata", json::object({{"uid", i * 7919}})}}));
  const auto list = json::object({{"kind", "WidgetList"}, {"items", std::move(items)}});
  std::size_t compressed = 0;
  testing::RunningServer server(ctx, {},
                                http::compressed([&](Ctx&, http::ServerRequest& request) -> Result<Response> {
                                  if (http::accepts_gzip(request.headers)) ++compressed;
                                  return json_response(list);
                                }));
  ClientConfig config{.server = http::Url::parse("http://" + server.address().to_string()).value()};
  EXPECT_EQ(client_of(ctx, config)->list(ctx, kWidget)->items.size(), 5000U);
  config.disable_compression = true;
  EXPECT_EQ(client_of(ctx, config)->list(ctx, kWidget)->items.size(), 5000U);
  EXPECT_EQ(compressed, 1U);
}

IO_FIBER_TEST(KubeHttpClient, RawTextIsAString) {
  RecordingServer server(ctx, always({.headers = {{"Content-Type", "text/plain"}}, .body = "ok"}));
  const auto client = client_of(ctx, server.config());
  EXPECT_EQ(client->send(ctx, raw_request("/readyz", "text/plain")).value(), json::Value("ok"));
  EXPECT_EQ(client->send(ctx, raw_request("/readyz")).error().code(), Code::kInternal);
}

IO_FIBER_TEST(KubeHttpClient, DocumentsComeWithTheirTag) {
  RecordingServer server(ctx, [](const Seen& seen) -> Result<Response> {
    if (seen.header("If-None-Match") == "\"1\"") return Response{.status = 304};
    auto response = json_response(widget());
    response.headers.add("ETag", "\"1\"");
    return response;
  });
  const auto client = client_of(ctx, server.config());
  const auto first = client->fetch(ctx, raw_request("/apis")).value();
  EXPECT_EQ(first.etag, "\"1\"");
  EXPECT_EQ(first.object, widget());
  const auto second = client->fetch(ctx, raw_request("/apis"), first.etag).value();
  EXPECT_TRUE(second.not_modified);
  EXPECT_TRUE(second.object.is_null());
}

IO_FIBER_TEST(KubeHttpClient, RepeatsWhatTheServerAsksToRepeat) {
  struct Case {
    std::vector<int> statuses;
    std::string retry_after;
    bool create;
    bool good;
    std::size_t sent;
    std::string_view reason;
  };
  const std::vector<int> ten(10, 429);
  const std::vector<int> eleven(11, 429);
  const std::vector<Case> cases = {
      {{429, 503, 500, 504}, "0", false, true, 5, "a read may follow any of them"},
      {{429, 503}, "0", true, true, 3, "it was not carried out"},
      {{500}, "0", true, false, 1, "a create may have happened"},
      {{429}, "", false, false, 1, "no word of when"},
      {{429}, "3600", false, false, 1, "an hour is too long"},
      {ten, "0", false, true, 11, "ten times"},
      {eleven, "0", false, false, 11, "no more"},
  };
  for (const auto& [statuses, retry_after, create, good, sent, reason] : cases) {
    RecordingServer server(ctx, in_turn(statuses, retry_after));
    const auto client = client_of(ctx, server.config());
    const auto answer = create ? client->create(ctx, kWidget, widget()) : client->get(ctx, kWidget, kKey);
    EXPECT_EQ(answer.has_value(), good) << reason;
    EXPECT_EQ(server.seen().size(), sent) << reason;
  }
}

IO_FIBER_TEST(KubeHttpClient, AWaitThatWouldPassTheDeadlineIsNotBegun) {
  RecordingServer server(ctx, in_turn({429}, "20"));
  const auto client = client_of(ctx, server.config());
  auto limited = ctx.with_timeout(std::chrono::seconds(5));
  const auto begin = ctx.now();
  const auto error = client->get(limited, kWidget, kKey).error();
  EXPECT_EQ(error.code(), Code::kTooManyRequests) << "not kTimeout";
  EXPECT_EQ(error.retry_after(), std::chrono::seconds(20));
  EXPECT_LT(ctx.now() - begin, std::chrono::seconds(5));
}

IO_FIBER_TEST(KubeHttpClient, OneAttemptHasItsOwnDeadline) {
  async::Event never;
  RecordingServer server(ctx, [&](const Seen&) -> Result<Response> {
    return Response{.headers = {{"Content-Type", "application/json"}},
                    .stream = [&](Ctx& task, http::BodyWriter& out) -> Result<> {
                      TRY(out.write(task, "{"));
                      return never.wait(task);
                    }};
  });
  const auto client = client_of(ctx, server.config(), {.request_timeout = std::chrono::milliseconds(50)});
  EXPECT_EQ(client->get(ctx, kWidget, kKey).error().code(), Code::kTimeout);
  const auto stream = client->watch(ctx, kWidget);
  ASSERT_TRUE(stream) << stream.error().message();
  auto later = ctx.with_timeout(std::chrono::milliseconds(150));
  EXPECT_EQ((*stream)->next(later).error().code(), Code::kTimeout) << "a watch has only the caller's";
}

IO_FIBER_TEST(KubeHttpClient, ARefusedTokenIsRenewedAndTheRequestRepeatedOnce) {
  const testing::TestScript files("");
  ASSERT_TRUE(os::write_file_atomic(files.file("token"), "old"));
  RecordingServer server(ctx, [](const Seen& seen) -> Result<Response> {
    if (seen.header("Authorization") == "Bearer new") return json_response(widget(), 201);
    return json_response(json::object({{"kind", "Status"}, {"reason", "Unauthorized"}, {"code", 401}}), 401);
  });
  auto config = server.config();
  config.label = "cluster \"c\" of /f";
  config.credentials.token_file = files.file("token");
  config.credentials.label = "user \"u\" of /f";
  const auto records = std::make_shared<Records>();
  const auto client = client_of(ctx, config, {.observer = records});
  const auto error = client->create(ctx, kWidget, widget()).error();
  EXPECT_EQ(error.code(), Code::kUnauthenticated);
  for (const auto* word : {"create widgets", "cluster \"c\" of /f", "user \"u\" of /f"}) {
    EXPECT_NE(error.message().find(word), std::string::npos) << error.message();
  }
  EXPECT_EQ(server.seen().size(), 1U) << "there was nothing new to try";
  ASSERT_TRUE(os::write_file_atomic(files.file("token"), "new"));
  ASSERT_TRUE(client->create(ctx, kWidget, widget()));
  EXPECT_EQ(server.seen().size(), 3U);
  EXPECT_EQ(records->lines,
            (std::vector<std::string>{"create 1 401 failed", "create 1 401 failed", "create 2 201"}));
}

IO_FIBER_TEST(KubeHttpClient, APluginIsAskedAgainAfterARefusalAndItsFailureIsTheError) {
  const testing::TestScript plugin(
      "echo . >> \"$0.runs\"\n[ $(wc -l < \"$0.runs\") -gt 2 ] && { echo logged out >&2; exit 1; }\n"
      "echo "
      "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
      "v1\",\"status\":{\"token\":"
      "\"t'$(wc -l < \"$0.runs\")'\"}}'");
  RecordingServer server(ctx, [](const Seen& seen) -> Result<Response> {
    if (seen.header("Authorization") == "Bearer t2") return json_response(widget());
    return json_response(status_json(401, "Unauthorized", ""), 401);
  });
  auto config = server.config();
  config.credentials.exec = ExecPlugin{.api_version = "client.authentication.k8s.io/v1",
                                       .command = plugin.path(),
                                       .interactive = ExecPlugin::Interactive::kNever};
  const auto client = client_of(ctx, config);
  const auto object = client->get(ctx, kWidget, kKey);
  ASSERT_TRUE(object) << object.error().message();
  ASSERT_TRUE(client->get(ctx, kWidget, kKey));
  EXPECT_EQ(plugin.read("plugin.runs"), ".\n.\n");
  EXPECT_EQ(server.seen().size(), 3U);
  const auto broken = client_of(ctx, config);
  const auto error = broken->get(ctx, kWidget, kKey).error();
  EXPECT_EQ(error.code(), Code::kUnauthenticated);
  EXPECT_NE(error.message().find("logged out"), std::string::npos) << error.message();
  EXPECT_EQ(server.seen().size(), 3U) << "nothing was sent";
}

IO_FIBER_TEST(KubeHttpClient, AConfiguredRateIsKept) {
  RecordingServer server(ctx, always(json_response(widget())));
  const auto client = client_of(ctx, server.config(), {.rate = {.per_second = 1, .burst = 3}});
  auto limited = ctx.with_timeout(std::chrono::milliseconds(300));
  int sent = 0;
  while (client->get(limited, kWidget, kKey)) ++sent;
  EXPECT_EQ(sent, 3);
  EXPECT_EQ(server.seen().size(), 3U);
}

IO_FIBER_TEST(KubeHttpClient, WarningsReachWhoAsksForThem) {
  auto response = json_response(widget());
  response.headers.add("Warning",
                       R"(299 - "v1beta1 is \"old\"", 299 - "second" "Sun, 06 Nov 1994 08:49:37 GMT")");
  response.headers.add("Warning", R"(199 - "not ours")");
  response.headers.add("Warning", "299 - broken");
  response.headers.add("Warning", R"(299 - "third")");
  RecordingServer server(ctx, always(response));
  std::vector<std::string> warnings;
  const auto client = client_of(ctx, server.config(),
                                {.on_warning = [&](std::string_view text) { warnings.emplace_back(text); }});
  ASSERT_TRUE(client->get(ctx, kWidget, kKey));
  EXPECT_EQ(warnings, (std::vector<std::string>{"v1beta1 is \"old\"", "second", "third"}));
}

IO_FIBER_TEST(KubeHttpClient, AServerThatCannotBeReachedIsNamed) {
  ClientConfig config{.server = http::Url::parse("http://127.0.0.1:1").value()};
  const auto records = std::make_shared<Records>();
  const auto client = client_of(ctx, config, {.observer = records});
  const auto error = client->get(ctx, kWidget, kKey).error();
  EXPECT_EQ(error.code(), Code::kUnavailable);
  EXPECT_NE(error.message().find("http://127.0.0.1:1/apis"), std::string::npos) << error.message();
  EXPECT_EQ(records->lines, std::vector<std::string>{"get 1 0 failed"});
}

}  // namespace
}  // namespace klutch::kube
