// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/openapi.h"

#include <gtest/gtest.h>

#include "apiserver/endpoints/rendering.h"
#include "apiserver/openapi/gnostic.h"
#include "apiserver/openapi/openapi_testing.h"
#include "base/time.h"
#include "http/gzip.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kProtobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

struct OpenApiServer {
  std::unique_ptr<Storage> storage;
  Registry registry;
  ManualClock clock = ManualClock(parse_http_date("Sun, 06 Nov 2026 08:49:37 GMT", Time{}).value());
  OpenApi openapi;

  explicit OpenApiServer(Ctx& ctx)
      : storage(*Storage::open(ctx, make_ephemeral_backend())),
        registry(*storage, describe_builtins(),
                 reader_of({describe_widgets("v1", widget_schema("v3")), describe_widgets("v1beta1")})),
        openapi(registry, clock) {}
  void stop(Ctx& ctx) const { storage->stop(ctx); }

  http::Response get(Ctx& ctx, const std::string& target, http::Headers headers = {}) {
    const DocumentRequest request(target, std::move(headers));
    EXPECT_TRUE(OpenApi::handles(request)) << target;
    auto response = openapi.serve(ctx, request);
    EXPECT_TRUE(response.has_value()) << target;
    return response ? *std::move(response) : http::Response{};
  }
  /// Where the index says that the document of a group and version is; empty: nowhere.
  std::string url_of(Ctx& ctx, std::string_view name) {
    const auto index = json::parse(get(ctx, "/openapi/v3").body.view()).value();
    const json::Value* entry = index.find("paths")->find(name);
    return entry == nullptr ? std::string() : std::string(*entry->find_string("serverRelativeURL"));
  }
};

std::string unpacked(std::string_view compressed) {
  http::Inflater inflater(http::Inflater::Format::kGzip, {});
  std::string out;
  while (true) {
    const auto piece = inflater.inflate(compressed);
    EXPECT_TRUE(piece.has_value());
    if (!piece || piece->empty()) return out;
    out += *piece;
  }
}

FIBER_TEST(OpenApi, ListsADocumentForEachGroupAndVersion) {
  OpenApiServer server(ctx);
  set_widgets_served(ctx, *server.storage, true);
  for (const char* name :
       {"api/v1", "apis/apps/v1", "apis/autoscaling/v2", "apis/ex.io/v1", "apis/ex.io/v1beta1"}) {
    const std::string url = server.url_of(ctx, name);
    ASSERT_TRUE(url.starts_with("/openapi/v3/" + std::string(name) + "?hash=")) << url;
    const auto response = server.get(ctx, url);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(response.headers.get("Cache-Control"), "public, immutable");
    EXPECT_EQ(response.headers.get("Expires"), "Sat, 06 Nov 2027 08:49:37 GMT");
    EXPECT_EQ(response.headers.get("ETag"), "\"" + url.substr(url.find('=') + 1) + "\"");
    EXPECT_TRUE(json::parse(response.body.view()).has_value());
  }
  server.stop(ctx);
}

FIBER_TEST(OpenApi, SendsThoseWithAnOldHashToTheNewOne) {
  OpenApiServer server(ctx);
  const auto moved = server.get(ctx, "/openapi/v3/apis/apps/v1?hash=OLD");
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.headers.get("Location"), server.url_of(ctx, "apis/apps/v1"));
  const auto plain = server.get(ctx, "/openapi/v3/apis/apps/v1");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.headers.get("Cache-Control"), "no-cache, private");
  EXPECT_FALSE(plain.headers.contains("Expires"));
  server.stop(ctx);
}

FIBER_TEST(OpenApi, ChangesOnlyWhatADefinitionChanges) {
  OpenApiServer server(ctx);
  const std::string apps = server.url_of(ctx, "apis/apps/v1");
  const auto index = server.get(ctx, "/openapi/v3");
  EXPECT_EQ(server.url_of(ctx, "apis/ex.io/v1"), "");
  const auto first = server.get(ctx, "/openapi/v3/apis/apps/v1");

  set_widgets_served(ctx, *server.storage, true);
  EXPECT_NE(server.url_of(ctx, "apis/ex.io/v1"), "");
  EXPECT_EQ(server.url_of(ctx, "apis/apps/v1"), apps);
  EXPECT_NE(server.get(ctx, "/openapi/v3").headers.get("ETag"), index.headers.get("ETag"));
  const auto second = server.get(ctx, "/openapi/v3/apis/apps/v1");
  EXPECT_EQ(first.body.view().data(), second.body.view().data()) << "made anew";

  set_widgets_served(ctx, *server.storage, false);
  EXPECT_EQ(server.get(ctx, "/openapi/v3").headers.get("ETag"), index.headers.get("ETag"));
  const DocumentRequest gone("/openapi/v3/apis/ex.io/v1");
  const auto response = server.openapi.serve(ctx, gone);
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(render_error(response.error(), gone).status, 404);
  server.stop(ctx);
}

FIBER_TEST(OpenApi, CompressesOnceForThoseWhoAskForIt) {
  OpenApiServer server(ctx);
  const http::Headers headers = {{"Accept-Encoding", "gzip"}};
  const auto plain = server.get(ctx, "/openapi/v3/apis/apps/v1");
  const auto first = server.get(ctx, "/openapi/v3/apis/apps/v1", headers);
  const auto second = server.get(ctx, "/openapi/v3/apis/apps/v1", headers);
  EXPECT_EQ(first.headers.get("Content-Encoding"), "gzip");
  EXPECT_TRUE(first.headers.lists("Vary", "Accept-Encoding"));
  EXPECT_EQ(first.headers.get("ETag"), "W/" + std::string(*plain.headers.get("ETag")));
  EXPECT_EQ(first.body.view().data(), second.body.view().data());
  EXPECT_EQ(unpacked(first.body.view()), plain.body.view());
  // The bytes were let go meanwhile, and are the same again.
  EXPECT_EQ(server.get(ctx, "/openapi/v3/apis/apps/v1").body.view(), plain.body.view());
  server.stop(ctx);
}

FIBER_TEST(OpenApi, SendsNothingToClientsThatHaveItAlready) {
  OpenApiServer server(ctx);
  for (const char* target : {"/openapi/v3", "/openapi/v3/api/v1", "/openapi/v2"}) {
    for (const char* encoding : {"gzip", "identity"}) {
      const auto first = server.get(ctx, target, {{"Accept-Encoding", encoding}});
      const std::string etag(first.headers.get("ETag").value_or(""));
      const auto again = server.get(ctx, target, {{"Accept-Encoding", encoding}, {"If-None-Match", etag}});
      EXPECT_EQ(again.status, 304) << target << " " << encoding;
      EXPECT_TRUE(again.body.empty());
    }
  }
  server.stop(ctx);
}

FIBER_TEST(OpenApi, GivesVersionTwoInJsonAndProtobuf) {
  OpenApiServer server(ctx);
  set_widgets_served(ctx, *server.storage, true);
  const auto text = server.get(ctx, "/openapi/v2", {{"Accept", "application/json"}});
  EXPECT_EQ(text.headers.get("Content-Type"), "application/json");
  const auto document = json::parse(text.body.view()).value();
  EXPECT_EQ(*document.find("definitions")->find("io.ex.v1.Widget"), widget_schema("v2"));
  const auto bytes = server.get(ctx, "/openapi/v2", {{"Accept", kProtobuf}});
  EXPECT_EQ(bytes.headers.get("Content-Type"), "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_EQ(bytes.body.view(), gnostic_document(document));
  EXPECT_TRUE(bytes.headers.lists("Vary", "Accept"));

  set_widgets_served(ctx, *server.storage, false);
  const auto without = server.get(ctx, "/openapi/v2", {{"Accept", kProtobuf}});
  EXPECT_NE(without.headers.get("ETag"), bytes.headers.get("ETag"));
  EXPECT_LT(without.body.size(), bytes.body.size());
  server.stop(ctx);
}

FIBER_TEST(OpenApi, RefusesWhatItDoesNotHave) {
  OpenApiServer server(ctx);
  struct Case {
    std::string target;
    std::string accept;
    std::string method;
    int status;
    std::string_view reason;
  };
  const Case cases[] = {
      {"/openapi/v3/apis/none/v1", "", "GET", 404, "no such group"},
      {"/openapi/v3/apis/apps", "", "GET", 404, "groups have no document"},
      {"/openapi/v3/api/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf", "GET", 406,
       "v3 is JSON alone"},
      {"/openapi/v2", "text/html", "GET", 406, "neither JSON nor protobuf"},
      {"/openapi/v3", "", "POST", 405, "nothing can be changed"},
  };
  for (const Case& test : cases) {
    http::Headers headers;
    if (!test.accept.empty()) headers.add("Accept", test.accept);
    const DocumentRequest request(test.target, std::move(headers), test.method);
    const auto response = server.openapi.serve(ctx, request);
    ASSERT_FALSE(response.has_value()) << test.reason;
    EXPECT_EQ(render_error(response.error(), request).status, test.status) << test.reason;
  }
  for (const char* path : {"/openapi", "/openapi/v4", "/openapi/v2/x", "/api/v1", "/"}) {
    EXPECT_FALSE(OpenApi::handles(DocumentRequest(path))) << path;
  }
  server.stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
