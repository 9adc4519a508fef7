// SPDX-License-Identifier: Apache-2.0
// Watches over a server that behaves badly.
#include <gtest/gtest.h>

#include "kube/api/status.h"
#include "kube/client/http_client.h"
#include "testing/fiber_test.h"
#include "testing/scripted_server.h"

namespace klutch::kube {
namespace {

using testing::Peer;
using testing::ScriptedServer;

const ResourceType kWidget{"ex.io", "v1", "widgets", "Widget"};

std::string event(std::string_view type, int version) {
  return R"({"type":")" + std::string(type) +
         R"(","object":{"kind":"Widget","apiVersion":"ex.io/v1","metadata":{"name":"ä","resourceVersion":")" +
         std::to_string(version) + "\"}}}\n";
}

std::string chunk(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx", bytes.size());
  return std::string(size) + "\r\n" + std::string(bytes) + "\r\n";
}

const std::string kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kLast = "0\r\n\r\n";

ScriptedServer::Script sending(std::vector<std::string> pieces) {
  return [pieces](Ctx& ctx, Peer& peer) -> Result<> {
    TRY(peer.read_request(ctx));
    for (const auto& piece : pieces) {
      TRY(peer.send(ctx, piece));
      ctx.yield();
    }
    return {};
  };
}

std::unique_ptr<HttpClient> client_of(Ctx& ctx, const ScriptedServer& server,
                                      HttpClientOptions options = {}) {
  return HttpClient::make(ctx, {.server = http::Url::parse(server.url("")).value()}, std::move(options))
      .value();
}

/// The versions of all events up to the end, and how it ended.
struct Seen {
  std::vector<std::string> versions;
  Result<> end;
};

Seen read_all(Ctx& ctx, WatchStream& stream) {
  Seen seen;
  for (;;) {
    auto next = stream.next(ctx);
    if (!next) {
      seen.end = fail(next.error());
      return seen;
    }
    if (!next->has_value()) return seen;
    seen.versions.emplace_back(resource_version((*next)->object));
  }
}

IO_FIBER_TEST(HttpWatch, EventsArriveWhereverTheBytesAreCut) {
  const std::string text = event("ADDED", 1) + event("MODIFIED", 2) + event("DELETED", 3);
  std::string body;
  for (const char c : text) body += chunk(std::string(1, c));
  const std::vector<std::pair<std::vector<std::string>, std::string_view>> cases = {
      {{kHead + chunk(text) + kLast}, "all at once"},
      {{kHead, body, kLast}, "a chunk for every byte"},
      {{kHead + chunk(text.substr(0, 5)), chunk(text.substr(5, 150)), chunk(text.substr(155)) + kLast},
       "odd"},
      {{kHead, chunk(text.substr(0, text.size() - 1)), chunk("\n"), kLast}, "before the newline"},
  };
  for (const auto& [pieces, reason] : cases) {
    ScriptedServer server(ctx, {sending(pieces)});
    const auto client = client_of(ctx, server);
    const auto stream = client->watch(ctx, kWidget, {.resource_version = "0"});
    ASSERT_TRUE(stream) << reason << stream.error().message();
    const auto seen = read_all(ctx, **stream);
    EXPECT_EQ(seen.versions, (std::vector<std::string>{"1", "2", "3"})) << reason;
    EXPECT_TRUE(seen.end) << reason;
    EXPECT_NE(server.conversations()[0].received.find("GET /apis/ex.io/v1/widgets?"), std::string::npos);
    EXPECT_NE(server.conversations()[0].received.find("watch=true"), std::string::npos);
    EXPECT_EQ(server.conversations()[0].received.find("Accept-Encoding"), std::string::npos)
        << "a compressor would hold events back";
  }
}

IO_FIBER_TEST(HttpWatch, WhatBreaksOffIsNotAnOrderlyEnd) {
  const std::string two = event("ADDED", 1) + event("ADDED", 2);
  struct Case {
    std::vector<std::string> pieces;
    std::vector<std::string> versions;
    Code code;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {{kHead + chunk(two)}, {"1", "2"}, Code::kUnavailable, "closed without the last chunk"},
      {{kHead + chunk(two.substr(0, two.size() - 4)) + kLast}, {"1"}, Code::kUnavailable, "half an event"},
      {{kHead + "ff\r\n" + two.substr(0, 50)}, {}, Code::kUnavailable, "half a chunk"},
      {{kHead + chunk(event("ADDED", 1) + "{nonsense}\n") + kLast}, {"1"}, Code::kInternal, "no JSON"},
      {{kHead + "zz\r\n"}, {}, Code::kInternal, "no chunk"},
  };
  for (const auto& [pieces, versions, code, reason] : cases) {
    ScriptedServer server(ctx, {sending(pieces)});
    const auto client = client_of(ctx, server);
    const auto stream = client->watch(ctx, kWidget);
    ASSERT_TRUE(stream) << reason << stream.error().message();
    const auto seen = read_all(ctx, **stream);
    EXPECT_EQ(seen.versions, versions) << reason;
    ASSERT_FALSE(seen.end) << reason;
    EXPECT_EQ(seen.end.error().code(), code) << reason << seen.end.error().message();
    EXPECT_NE(seen.end.error().message().find("widgets"), std::string::npos) << seen.end.error().message();
  }
}

IO_FIBER_TEST(HttpWatch, AnErrorEventIsItsStatus) {
  const std::string gone =
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
      "\n";
  ScriptedServer server(ctx, {sending({kHead + chunk(event("ADDED", 1) + gone) + kLast})});
  const auto client = client_of(ctx, server);
  const auto stream = client->watch(ctx, kWidget).value();
  const auto seen = read_all(ctx, *stream);
  EXPECT_EQ(seen.versions, std::vector<std::string>{"1"});
  EXPECT_EQ(seen.end.error().code(), Code::kGone);
  EXPECT_NE(seen.end.error().detail<Status>(), nullptr);
}

IO_FIBER_TEST(HttpWatch, RefusalsComeBeforeTheStream) {
  const std::string refusal =
      R"({"kind":"Status","code":403,"reason":"Forbidden","message":"no","details":{"kind":"widgets"}})";
  ScriptedServer server(
      ctx, {sending({"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: " +
                     std::to_string(refusal.size()) + "\r\n\r\n" + refusal}),
            sending({"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n"
                     "Connection: close\r\n\r\n"}),
            sending({kHead + chunk(event("ADDED", 5)) + kLast})});
  const auto client = client_of(ctx, server);
  EXPECT_EQ(client->watch(ctx, kWidget).error().code(), Code::kForbidden);
  const auto stream = client->watch(ctx, kWidget);
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_EQ(read_all(ctx, **stream).versions, std::vector<std::string>{"5"});
  EXPECT_EQ(server.conversations().size(), 3U);
}

IO_FIBER_TEST(HttpWatch, OneThatEndedInOrderLeavesItsConnection) {
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) -> Result<> {
                          for (;;) {
                            TRY(peer.read_request(task));
                            TRY(peer.send(task, kHead + chunk(event("ADDED", 1)) + kLast));
                          }
                        }});
  const auto client = client_of(ctx, server);
  for (int i = 0; i < 3; ++i) {
    const auto stream = client->watch(ctx, kWidget).value();
    EXPECT_TRUE(read_all(ctx, *stream).end);
  }
  EXPECT_EQ(server.conversations().size(), 1U);
}

IO_FIBER_TEST(HttpWatch, DroppingTheStreamClosesItsConnectionAlsoAfterTheClient) {
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) -> Result<> {
                          TRY(peer.read_request(task));
                          TRY(peer.send(task, kHead + chunk(event("ADDED", 1))));
                          return peer.stay_silent(task);
                        }});
  auto client = client_of(ctx, server);
  auto stream = client->watch(ctx, kWidget).value();
  client.reset();
  EXPECT_TRUE(stream->next(ctx)->has_value()) << "it outlives its client";
  auto limited = ctx.with_timeout(std::chrono::milliseconds(20));
  EXPECT_EQ(stream->next(limited).error().code(), Code::kTimeout);
  stream.reset();
  EXPECT_TRUE(server.settle(ctx)) << "the connection is closed";
}

}  // namespace
}  // namespace klutch::kube
