// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>

#include "base/strings.h"
#include "http/gzip.h"
#include "kube/api/kinds.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "testing/fiber_test.h"
#include "testing/scripted_server.h"
#include "testing/test_pki.h"

// What the Kubernetes client makes of API servers that are broken or evil, beyond what plain HTTP allows
// (http_client_hostile_test.cc). Every case asserts: the code of the error, a message of bounded length on
// one line that names the request and never shows the token, bounded memory, and that nothing stays behind.

namespace klutch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Peer;
using testing::ScriptedServer;
using Script = ScriptedServer::Script;

constexpr std::string_view kToken = "the-very-secret-token";
constexpr long kMostGrowthKilobytes = 40 * 1024;
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const std::string kChunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";

long peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

constexpr bool memory_can_be_measured() {
#if defined(KLUTCH_ASAN) || defined(KLUTCH_TSAN)
  return false;  // sanitizers keep freed memory
#else
  return true;
#endif
}

Script after_request(Script next) {
  return [next = std::move(next)](Ctx& ctx, Peer& peer) -> Result<> {
    TRY(peer.read_request(ctx));
    return next(ctx, peer);
  };
}

Script answers(std::string bytes) {
  return after_request([bytes = std::move(bytes)](Ctx& ctx, Peer& peer) { return peer.send(ctx, bytes); });
}

std::string with_length(const std::string& body, const std::string& head = kOk) {
  return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunk(const std::string& bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

/// An answer to each of any number of requests of a connection.
Script always(std::string bytes) {
  return [bytes = std::move(bytes)](Ctx& ctx, Peer& peer) -> Result<> {
    for (;;) {
      TRY(peer.read_request(ctx));
      TRY(peer.send(ctx, bytes));
    }
  };
}

/// A client with a token, in front of a server that runs scripts.
class Victim {
 public:
  Victim(Ctx& ctx, std::vector<Script> scripts, HttpClientOptions options = {})
      : server(ctx, std::move(scripts), http::TlsServer::create({.identity = pki_.server()}).value()) {
    ClientConfig config{.server = http::Url::parse(server.url("")).value()};
    config.authorities = pki_.trusted();
    config.credentials.token = klutch::Secret(kToken);
    config.label = "cluster \"evil\"";
    client = HttpClient::make(ctx, config, std::move(options)).value();
  }

 private:
  test::TestPki pki_;

 public:
  ScriptedServer server;
  std::unique_ptr<HttpClient> client;
};

using Operation = std::function<Result<>(Ctx&, Client&)>;

const Operation kGet = [](Ctx& ctx, Client& client) -> Result<> {
  TRY(client.get<ConfigMap>(ctx, {"default", "a"}));
  return {};
};
const Operation kFind = [](Ctx& ctx, Client& client) -> Result<> {
  const auto found = TRY(client.find<ConfigMap>(ctx, {"default", "a"}));
  return found ? Result<>() : fail(Code::kNotFound, "nothing was found");
};
const Operation kList = [](Ctx& ctx, Client& client) -> Result<> {
  TRY(client.list(ctx, ConfigMap::type(), {.ns = "default"}));
  return {};
};
const Operation kWatch = [](Ctx& ctx, Client& client) -> Result<> {
  const auto stream = TRY(client.watch(ctx, ConfigMap::type(), {.ns = "default"}));
  while (TRY(stream->next(ctx))) {
  }
  return {};
};

struct Case {
  std::string_view name;
  Operation operation;
  Script script;
  Code code;
  std::string_view says;  ///< part of the message
};

void expect_decent(const Error& error, std::string_view name) {
  const auto& message = error.message();
  EXPECT_EQ(message.find(kToken), std::string::npos) << name << ": " << message;
  EXPECT_LT(message.size(), 9000U) << name;
  // Servers do write messages of several lines; anything else could deceive a terminal.
  const bool harmless = is_utf8(message) && std::none_of(message.begin(), message.end(), [](unsigned char c) {
                          return (c < ' ' && c != '\n') || c == 127;
                        });
  EXPECT_TRUE(harmless) << name << ": " << message;
}

void run(Ctx& ctx, const Case& test, const HttpClientOptions& options = {}) {
  SCOPED_TRACE(std::string(test.name));
  const auto fibers = ctx.loop().fiber_count();
  const auto memory = peak_memory();
  {
    Victim victim(ctx, {test.script}, options);
    auto limited = ctx.with_timeout(test.code == Code::kTimeout ? Duration(milliseconds(200)) : seconds(20));
    const auto result = test.operation(limited, *victim.client);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), test.code) << result.error().message();
    EXPECT_NE(result.error().message().find(test.says), std::string::npos) << result.error().message();
    expect_decent(result.error(), test.name);
    EXPECT_EQ(victim.client->request_statistics().active, 0U);
    EXPECT_EQ(victim.client->watch_statistics().active, 0U);
    victim.client.reset();
    EXPECT_TRUE(victim.server.settle(ctx)) << "the server saw no end of the connection";
  }
  EXPECT_EQ(ctx.loop().fiber_count(), fibers);
  if (memory_can_be_measured()) {
    EXPECT_LT(peak_memory() - memory, kMostGrowthKilobytes);
  }
}

IO_FIBER_TEST(KubeHostileServer, AnswersThatAreNoObjectsAreNamed) {
  const auto html =
      with_length("<html>Sign in\nhere</html>", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n");
  const auto redirect =
      std::string("HTTP/1.1 302 Found\r\nLocation: /login?next=x\r\nContent-Length: 0\r\n\r\n");
  const std::vector<Case> cases = {
      {"a page", kGet, answers(html), Code::kInternal, "API server"},
      {"a page for a list", kList, answers(html), Code::kInternal, "API server"},
      {"a page for a watch", kWatch, answers(html), Code::kInternal, "API server"},
      {"no content type", kGet, answers(with_length("{}", "HTTP/1.1 200 OK\r\n")), Code::kInternal,
       "configmaps"},
      {"no JSON", kGet, answers(with_length("{\"a\":\n\x1b[2J}")), Code::kInternal, "JSON"},
      {"half of JSON", kList, answers(with_length("{\"items\":[")), Code::kInternal, "JSON"},
      {"nothing", kGet, answers(with_length("")), Code::kInternal, "JSON"},
      {"not UTF-8", kGet, answers(with_length("{\"a\":\"\xff\xfe\"}")), Code::kInternal, "JSON"},
      {"a list that is a text", kList, answers(with_length("\"list\"")), Code::kInternal, "items"},
      {"a list that is a number", kList, answers(with_length("7")), Code::kInternal, "items"},
      {"a list that is a status", kList, answers(with_length(R"({"kind":"Status","status":"Success"})")),
       Code::kInternal, "items"},
      {"items that are no list", kList, answers(with_length(R"({"kind":"ConfigMapList","items":{"a":1}})")),
       Code::kInternal, "items"},
      {"a redirect", kGet, answers(redirect), Code::kInternal, "redirect"},
      {"a redirect of a watch", kWatch, answers(redirect), Code::kInternal, "redirect"},
      {"no content", kGet, answers("HTTP/1.1 204 No Content\r\n\r\n"), Code::kInternal, "configmaps"},
  };
  for (const auto& test : cases) run(ctx, test);
}

IO_FIBER_TEST(KubeHostileServer, ObjectsOfAnotherShapeAreNoReasonToFallOver) {
  for (const std::string body :
       {"[]", "null", "7", "\"x\"", "{}", R"({"metadata":[]})", R"({"metadata":{"name":7}})",
        R"({"kind":7,"apiVersion":[],"metadata":{"labels":7,"finalizers":{}}})"}) {
    SCOPED_TRACE(body);
    Victim victim(ctx, {always(with_length(body))});
    const auto object = victim.client->get(ctx, ConfigMap::type(), {"default", "a"});
    if (!object) {
      EXPECT_EQ(object.error().code(), Code::kInternal) << object.error().message();
      continue;
    }
    EXPECT_EQ(name(*object), "");
    EXPECT_EQ(key(*object).name, "");
    EXPECT_FALSE(is_deleting(*object));
    EXPECT_FALSE(has_finalizer(*object, "x"));
    EXPECT_TRUE(owner_references(*object).empty());
  }
}

IO_FIBER_TEST(KubeHostileServer, NotFoundMeansThisObjectOnlyWhenTheServerSaysSo) {
  const auto not_found = [](const std::string& body, const char* type) {
    return answers(
        with_length(body, std::string("HTTP/1.1 404 Not Found\r\nContent-Type: ") + type + "\r\n"));
  };
  const std::vector<Case> cases = {
      {"a path nobody serves", kFind, not_found("404 page not found\n", "text/plain"), Code::kNotFound,
       "404 page"},
      {"a page of a proxy", kFind, not_found("<html>gone</html>", "text/html"), Code::kNotFound,
       "configmaps"},
      {"the namespace", kFind,
       not_found(
           R"({"kind":"Status","reason":"NotFound","code":404,"message":"namespaces \"default\" not found",)"
           R"("details":{"name":"default","kind":"namespaces"}})",
           "application/json"),
       Code::kNotFound, "namespaces"},
  };
  for (const auto& test : cases) run(ctx, test);
  Victim honest(ctx, {not_found(R"({"kind":"Status","reason":"NotFound","code":404,"message":"x",)"
                                R"("details":{"name":"a","kind":"configmaps"}})",
                                "application/json")});
  const auto absent = honest.client->find<ConfigMap>(ctx, {"default", "a"});
  ASSERT_TRUE(absent.has_value()) << absent.error().message();
  EXPECT_FALSE(absent->has_value());
}

IO_FIBER_TEST(KubeHostileServer, ErrorsOfTheServerArePassedOnWithoutItsTricks) {
  const auto refusal = [](const std::string& body) {
    return answers(with_length(body, "HTTP/1.1 500 x\r\nContent-Type: application/json\r\n"));
  };
  const std::string long_text(100'000, 'x');
  const std::vector<Case> cases = {
      {"escapes in a message", kGet,
       refusal(R"({"kind":"Status","code":500,"message":"line\none\u001b[2J\u202e two"})"), Code::kInternal,
       "one"},
      {"a long message", kGet, refusal(R"({"kind":"Status","code":500,"message":")" + long_text + "\"}"),
       Code::kInternal, "xxx"},
      {"a status that says 200", kGet, refusal(R"({"kind":"Status","code":200,"message":"fine"})"),
       Code::kInternal, "fine"},
      {"a code beyond all numbers", kGet, refusal(R"({"kind":"Status","code":99999999999999999999})"),
       Code::kInternal, "configmaps"},
      {"text of many lines", kGet,
       answers(with_length("one\ntwo\x1b[2J\nthree", "HTTP/1.1 500 x\r\nContent-Type: text/plain\r\n")),
       Code::kInternal, "one"},
      {"endless text", kGet, after_request([](Ctx& task, Peer& peer) -> Result<> {
         TRY(peer.send(task, "HTTP/1.1 500 x\r\n\r\n"));
         return peer.send_endlessly(task, std::string(64 * 1024, 'x'));
       }),
       Code::kInternal, "configmaps"},
  };
  for (const auto& test : cases) run(ctx, test);
}

IO_FIBER_TEST(KubeHostileServer, WhatIsTooMuchIsCutOff) {
  const auto floods = [](std::string first, std::string rest) {
    return after_request(
        [first = std::move(first), rest = std::move(rest)](Ctx& task, Peer& peer) -> Result<> {
          TRY(peer.send(task, first));
          return peer.send_endlessly(task, rest);
        });
  };
  const std::string item = R"({"metadata":{"name":"aaaaaaaaaaaaaaaaaaaaaaaaaa","namespace":"default"}},)";
  std::string items;
  while (items.size() < 60'000) items += item;
  const std::string bomb = http::gzip(std::string(std::size_t{64} << 20, ' '));
  const std::vector<Case> cases = {
      {"a list without end", kList, floods(kChunked, chunk(items)), Code::kTooLarge, "configmaps"},
      {"a list announced as a terabyte", kList, answers(kOk + "Content-Length: 1099511627776\r\n\r\n{"),
       Code::kTooLarge, "configmaps"},
      {"an object without end", kGet, floods(kChunked, chunk(std::string(60'000, ' '))), Code::kTooLarge,
       "configmaps"},
      {"endless headers", kGet, floods(kOk, "A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"), Code::kTooLarge,
       "head"},
      {"a compression bomb", kList, answers(with_length(bomb, kOk + "Content-Encoding: gzip\r\n")),
       Code::kTooLarge, "configmaps"},
      {"deep JSON", kGet, answers(with_length(std::string(500'000, '['))), Code::kTooLarge, "nested deeper"},
      {"a deep object", kGet, answers(with_length([] {
         std::string text;
         for (int i = 0; i < 50'000; ++i) text += "{\"a\":";
         return text;
       }())),
       Code::kTooLarge, "nested deeper"},
      {"a line of a watch without end", kWatch, floods(kChunked, chunk(std::string(60'000, 'x'))),
       Code::kTooLarge, "line"},
      {"a deep event", kWatch,
       answers(kChunked + chunk(R"({"type":"ADDED","object":)" + std::string(100'000, '[') + "\n")),
       Code::kInternal, "JSON"},
  };
  for (const auto& test : cases) run(ctx, test, {.object_bytes = 2 << 20, .list_bytes = 4 << 20});
}

IO_FIBER_TEST(KubeHostileServer, WatchesThatTellNonsenseEnd) {
  const auto says = [](const std::string& lines) { return answers(kChunked + chunk(lines) + "0\r\n\r\n"); };
  const std::vector<Case> cases = {
      {"no JSON", kWatch, says("hello\n"), Code::kInternal, "JSON"},
      {"a number", kWatch, says("7\n"), Code::kInternal, "event"},
      {"no type", kWatch,
       says(R"({"object":{}})"
            "\n"),
       Code::kInternal, "event"},
      {"an unknown type", kWatch,
       says(R"({"type":"EXPLODED\u001b[2J","object":{}})"
            "\n"),
       Code::kInternal, "EXPLODED"},
      {"an object that is none", kWatch,
       says(R"({"type":"ADDED","object":[]})"
            "\n"),
       Code::kInternal, "event"},
      {"an error without status", kWatch,
       says(R"({"type":"ERROR","object":{}})"
            "\n"),
       Code::kInternal, "Status"},
      {"an expired version", kWatch,
       says(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"old"}})"
            "\n"),
       Code::kGone, "old"},
      {"NUL bytes", kWatch, says(std::string("{\"type\":\0\"ADDED\"}\n", 18)), Code::kInternal, "JSON"},
      {"half a line", kWatch, says(R"({"type":"ADDED","object":{"meta)"), Code::kUnavailable,
       "middle of an event"},
      {"a cut chunk", kWatch, answers(kChunked + "fffff\r\n{\"type\":"), Code::kUnavailable, "configmaps"},
      {"no chunk", kWatch, answers(kChunked + "zz\r\n"), Code::kInternal, "configmaps"},
  };
  for (const auto& test : cases) run(ctx, test);
}

IO_FIBER_TEST(KubeHostileServer, AHundredThousandTinyChunksAreOneAnswer) {
  std::string body =
      R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default"},"data":{"k":")";
  body += std::string(100'000 - body.size() - 3, 'x') + "\"}}";
  std::string bytes = kChunked;
  for (const char c : body) bytes += std::string("1\r\n") + c + "\r\n";
  bytes += "0\r\n\r\n";
  Victim victim(ctx, {answers(bytes)});
  const auto got = victim.client->get<ConfigMap>(ctx, {"default", "a"});
  ASSERT_TRUE(got.has_value()) << got.error().message();
  EXPECT_EQ(got->name(), "a");

  std::string events = kChunked;
  for (const char c : std::string_view(R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})"
                                       "\n")) {
    events += std::string("1\r\n") + c + "\r\n";
  }
  Victim watched(ctx, {after_request([&](Ctx& task, Peer& peer) -> Result<> {
                   TRY(peer.send(task, events));
                   return peer.stay_silent(task);
                 })});
  const auto stream = watched.client->watch(ctx, ConfigMap::type());
  ASSERT_TRUE(stream.has_value());
  EXPECT_EQ(name((*stream)->next(ctx).value()->object), "a");
}

IO_FIBER_TEST(KubeHostileServer, StallsEndWithTheDeadline) {
  const auto silent = [](Ctx& task, Peer& peer) { return peer.stay_silent(task); };
  const auto stalls = [](std::string bytes) {
    return after_request([bytes = std::move(bytes)](Ctx& task, Peer& peer) -> Result<> {
      TRY(peer.send(task, bytes));
      return peer.stay_silent(task);
    });
  };
  const std::vector<Case> cases = {
      {"no answer", kGet, after_request(silent), Code::kTimeout, "configmaps"},
      {"half a list", kList, stalls(kOk + "Content-Length: 100\r\n\r\n{"), Code::kTimeout, ""},
      {"a watch not accepted", kWatch, after_request(silent), Code::kTimeout, "configmaps"},
      {"a watch that says nothing", kWatch, stalls(kChunked), Code::kTimeout, ""},
      {"an error that never ends", kGet, stalls("HTTP/1.1 500 x\r\nContent-Length: 100\r\n\r\nx"),
       Code::kInternal, ""},
  };
  for (const auto& test : cases) run(ctx, test, {.request_timeout = milliseconds(500)});

  // TLS that never begins: a plain server whose port is taken for one of HTTPS.
  ScriptedServer server(ctx, {silent});
  ClientConfig config{.server =
                          http::Url::parse("https://127.0.0.1:" + std::to_string(server.port())).value()};
  config.authorities = test::TestPki().trusted();
  config.credentials.token = klutch::Secret(kToken);
  const auto client = HttpClient::make(ctx, config, {.request_timeout = milliseconds(100)}).value();
  const auto error = kGet(ctx, *client).error();
  EXPECT_EQ(error.code(), Code::kTimeout) << error.message();
  expect_decent(error, "TLS never begins");
  EXPECT_TRUE(server.settle(ctx));
  EXPECT_EQ(server.conversations().front().received.find(kToken), std::string::npos);
}

IO_FIBER_TEST(KubeHostileServer, TheTokenGoesToTheServerOfTheConfigurationOnly) {
  ScriptedServer other(ctx, {always(with_length("{}"))});
  for (const auto* status : {"301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"}) {
    SCOPED_TRACE(status);
    for (const auto& operation : {kGet, kList, kWatch}) {
      Victim victim(ctx, {always(std::string("HTTP/1.1 ") + status + "\r\nLocation: " + other.url("/api") +
                                 "\r\nContent-Length: 0\r\n\r\n")});
      const auto result = operation(ctx, *victim.client);
      ASSERT_FALSE(result.has_value());
      EXPECT_EQ(result.error().code(), Code::kInternal);
      expect_decent(result.error(), status);
    }
  }
  EXPECT_TRUE(other.conversations().empty());

  // Whoever cannot prove to be the server sees nothing of a request.
  const test::TestPki stranger;
  for (const auto& identity : {stranger.server(), test::TestPki().expired_server()}) {
    ScriptedServer impostor(ctx, {always(with_length("{}"))},
                            http::TlsServer::create({.identity = identity}).value());
    ClientConfig config{.server = http::Url::parse(impostor.url("")).value()};
    config.authorities = test::TestPki().trusted();
    config.credentials.token = klutch::Secret(kToken);
    const auto client = HttpClient::make(ctx, config).value();
    const auto error = kGet(ctx, *client).error();
    EXPECT_EQ(error.code(), Code::kUnauthenticated) << error.message();
    EXPECT_TRUE(impostor.settle(ctx));
    for (const auto& seen : impostor.conversations()) EXPECT_TRUE(seen.received.empty());
  }
}

std::size_t requests_seen(const ScriptedServer& server) {
  std::size_t count = 0;
  for (const auto& seen : server.conversations()) {
    for (auto at = seen.received.find("GET /"); at != std::string::npos;
         at = seen.received.find("GET /", at + 1)) {
      ++count;
    }
  }
  return count;
}

IO_FIBER_TEST(KubeHostileServer, RefusalsAreNotRepeatedWithoutEnd) {
  const auto refuses = [](const std::string& line, const std::string& more = {}) {
    return always("HTTP/1.1 " + line + "\r\n" + more + "Content-Length: 0\r\n\r\n");
  };
  struct Row {
    const char* reason;
    Script script;
    Code code;
    std::size_t most;
  };
  const Row rows[] = {
      {"401 for ever", refuses("401 x"), Code::kUnauthenticated, 2},
      {"429 without a time", refuses("429 x"), Code::kTooManyRequests, 1},
      {"429, again at once", refuses("429 x", "Retry-After: 0\r\n"), Code::kTooManyRequests, 11},
      {"429, in 30 years", refuses("429 x", "Retry-After: 999999999\r\n"), Code::kTooManyRequests, 1},
      {"429, beyond all numbers", refuses("429 x", "Retry-After: 99999999999999999999999\r\n"),
       Code::kTooManyRequests, 1},
      {"429, nonsense", refuses("429 x", "Retry-After: soon\r\n"), Code::kTooManyRequests, 1},
      {"503, again at once", refuses("503 x", "Retry-After: 0\r\n"), Code::kUnavailable, 11},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    Victim victim(ctx, {row.script});
    const auto error = kGet(ctx, *victim.client).error();
    EXPECT_EQ(error.code(), row.code) << error.message();
    expect_decent(error, row.reason);
    EXPECT_LE(requests_seen(victim.server), row.most);
  }
}

IO_FIBER_TEST(KubeHostileServer, PagesWithoutEndEnd) {
  const auto page = with_length(
      R"({"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"1","continue":"again"},"items":[]})");
  Victim victim(ctx, {always(page)});
  const auto error = kList(ctx, *victim.client).error();
  EXPECT_EQ(error.code(), Code::kTooLarge) << error.message();
  expect_decent(error, "pages without end");
}

IO_FIBER_TEST(KubeHostileServer, ManyWarningsCostLittle) {
  std::string warnings;
  for (int i = 0; i < 100; ++i) warnings += "Warning: 299 - \"text " + std::to_string(i) + "\\n\x1b[2J\"\r\n";
  std::size_t heard = 0;
  HttpClientOptions options;
  options.on_warning = [&](std::string_view text) {
    ++heard;
    EXPECT_LT(text.size(), 1000U);
  };
  Victim victim(ctx, {always(with_length("{}", kOk + warnings))}, options);
  static_cast<void>(victim.client->get(ctx, ConfigMap::type(), {"default", "a"}));
  EXPECT_LE(heard, 100U);
}

}  // namespace
}  // namespace klutch::kube
