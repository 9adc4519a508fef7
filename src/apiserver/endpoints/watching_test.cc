// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "apiserver/endpoints/endpoints_testing.h"
#include "apiserver/endpoints/reading.h"
#include "async/task_group.h"
#include "base/strings.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

constexpr auto kWatch = "/apis/ex.io/v1/namespaces/n/widgets?watch=1";
constexpr auto kTable = "application/json;as=Table;v=v1;g=meta.k8s.io";
constexpr auto kMetadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

/// What a client of a watch gets.
class Client final : public http::BodyWriter {
 public:
  Result<> write(Ctx& ctx, std::string_view piece) override {
    ++writes;
    text += piece;
    if (stalls) TRY(ctx.sleep(1min));
    return {};
  }
  [[nodiscard]] std::vector<json::Value> events() const {
    std::vector<json::Value> events;
    for (const std::string_view line : split(text, '\n')) {
      if (!line.empty()) events.push_back(*json::parse(line));
    }
    return events;
  }
  /// "ADDED a@3 BOOKMARK @9": types, names and versions.
  [[nodiscard]] std::string summary() const {
    std::string summary;
    for (const json::Value& event : events()) {
      const json::Value& object = *event.find("object");
      const auto type = std::string(*event.find_string("type"));
      summary += (summary.empty() ? "" : " ") + type + " ";
      if (type == "ERROR") {
        summary += std::to_string(object.find_int("code").value_or(0));
      } else {
        summary += std::string(kube::name(object)) + "@" + std::string(kube::resource_version(object));
      }
    }
    return summary;
  }

  std::string text;
  int writes = 0;
  bool stalls = false;
  std::optional<Result<>> ended;
};

struct Rig {
  explicit Rig(Ctx& ctx, StorageOptions options = {})
      : storage(*Storage::open(ctx, make_ephemeral_backend(), options)), tasks(ctx) {}

  Result<http::Response> serve(Ctx& ctx, std::string query, std::string accept = "") {
    http::Headers headers;
    if (!accept.empty()) headers.add("Accept", accept);
    TestRequest request(resource, kWatch + query, headers);
    return serve_watch(ctx, request, *storage, clock);
  }
  /// Watches on a fiber of its own, until the test has ended.
  Client& watch(Ctx& ctx, const std::string& query, const std::string& accept = "") {
    auto response = std::make_shared<Result<http::Response>>(serve(ctx, query, accept));
    clients.push_back(std::make_unique<Client>());
    Client* const client = clients.back().get();
    EXPECT_TRUE(response->has_value());
    if (!*response) return *client;
    tasks.spawn("watch", [response, client](Ctx& task) -> Result<> {
      client->ended = (*response)->stream(task, *client);
      return {};
    });
    settle(ctx);
    return *client;
  }
  static void settle(Ctx& ctx) { EXPECT_TRUE(ctx.sleep(1ms)); }
  Revision put(Ctx& ctx, const kube::Key& key, std::string_view color = "red") {
    const auto stored = apiserver::put(ctx, *storage, resource, key,
                                       json::object({{"spec", json::object({{"color", color}})}}),
                                       json::object({{"color", color}}));
    settle(ctx);
    return stored->revision();
  }
  Revision remove(Ctx& ctx, const kube::Key& key) {
    const auto stored = drop(ctx, *storage, resource, key);
    settle(ctx);
    return stored->revision();
  }
  void stop(Ctx& ctx) {
    tasks.stop(ctx);
    storage->stop(ctx);
  }

  ServedPtr resource = widgets();
  ManualClock clock;
  std::unique_ptr<Storage> storage;
  async::TaskGroup tasks;
  std::vector<std::unique_ptr<Client>> clients;
};

std::string at(std::string_view text, Revision revision) {
  return std::string(text) + "@" + std::to_string(revision);
}

FIBER_TEST(Watch, BeginsWithWhatIsThereAndGoesOn) {
  Rig rig(ctx);
  const auto a = rig.put(ctx, {"n", "a"});
  rig.put(ctx, {"m", "elsewhere"});
  for (const char* query : {"", "&resourceVersion=0"}) rig.watch(ctx, query);
  const auto changed = rig.put(ctx, {"n", "a"}, "blue");
  const auto b = rig.put(ctx, {"n", "b"});
  rig.put(ctx, {"m", "elsewhere"});
  const auto gone = rig.remove(ctx, {"n", "a"});
  for (const auto& client : rig.clients) {
    EXPECT_EQ(client->summary(),
              at("ADDED a", a) + at(" MODIFIED a", changed) + at(" ADDED b", b) + at(" DELETED a", gone));
  }
  rig.stop(ctx);
}

FIBER_TEST(Watch, GoesOnAfterAVersion) {
  Rig rig(ctx);
  const auto a = rig.put(ctx, {"n", "a"});
  const auto b = rig.put(ctx, {"n", "b"});
  const auto gone = rig.remove(ctx, {"n", "a"});
  auto& client = rig.watch(ctx, "&resourceVersion=" + std::to_string(a));
  const auto c = rig.put(ctx, {"n", "c"});
  EXPECT_EQ(client.summary(), at("ADDED b", b) + at(" DELETED a", gone) + at(" ADDED c", c));
  // What was there already came in one piece.
  EXPECT_EQ(client.writes, 2);
  rig.stop(ctx);
}

FIBER_TEST(Watch, WaitsSilentlyForAVersionThatIsYetToCome) {
  Rig rig(ctx);
  const auto a = rig.put(ctx, {"n", "a"});
  auto& client = rig.watch(ctx, "&allowWatchBookmarks=1&resourceVersion=" + std::to_string(a + 2));
  rig.put(ctx, {"n", "b"});
  rig.put(ctx, {"n", "c"});
  ASSERT_TRUE(ctx.sleep(61s));
  const auto d = rig.put(ctx, {"n", "d"});
  EXPECT_EQ(client.summary(), at("BOOKMARK ", a + 2) + at(" ADDED d", d));
  rig.stop(ctx);
}

FIBER_TEST(Watch, OfALostVersionEndsWithAnErrorEvent) {
  Rig rig(ctx);
  const auto a = rig.put(ctx, {"n", "a"});
  rig.put(ctx, {"n", "b"});
  rig.storage->compact();
  auto& client = rig.watch(ctx, "&resourceVersion=" + std::to_string(a));
  ASSERT_TRUE(client.ended && client.ended->has_value());
  const auto events = client.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.front().find_string("type"), "ERROR");
  const auto& status = *events.front().find("object");
  EXPECT_EQ(status.find_int("code"), 410);
  EXPECT_EQ(status.find_string("reason"), "Expired");
  EXPECT_EQ(status.find_string("message"), "too old resource version: " + std::to_string(a) + " (" +
                                               std::to_string(rig.storage->revision()) + ")");
  rig.stop(ctx);
}

FIBER_TEST(Watch, ThatFallsBehindEndsAndHoldsNobodyUp) {
  Rig rig(ctx, {.history_events = 3});
  auto& slow = rig.watch(ctx, "");
  auto& quick = rig.watch(ctx, "");
  slow.stalls = true;
  const Instant before = ctx.now();
  for (int i = 0; i < 10; ++i) rig.put(ctx, {"n", "a" + std::to_string(i)});
  EXPECT_LT(ctx.now() - before, 1s);
  EXPECT_EQ(quick.events().size(), 10U);
  ASSERT_TRUE(ctx.sleep(3min));
  ASSERT_TRUE(slow.ended.has_value());
  EXPECT_TRUE(slow.summary().ends_with("ERROR 410"));
  EXPECT_FALSE(quick.ended.has_value());
  rig.stop(ctx);
}

FIBER_TEST(Watch, TellsOfObjectsThatEnterAndLeaveItsSelection) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"}, "red");
  auto& by_label = rig.watch(ctx, "&labelSelector=color%3Dblue");
  auto& by_field = rig.watch(ctx, "&fieldSelector=spec.color%3Dblue");
  auto& by_name = rig.watch(ctx, "&fieldSelector=metadata.name%3Dother");
  const auto entered = rig.put(ctx, {"n", "a"}, "blue");
  const auto stayed = rig.put(ctx, {"n", "a"}, "blue");
  const auto left = rig.put(ctx, {"n", "a"}, "red");
  rig.put(ctx, {"n", "a"}, "green");
  rig.remove(ctx, {"n", "a"});
  for (const Client* client : {&by_label, &by_field}) {
    EXPECT_EQ(client->summary(), at("ADDED a", entered) + at(" MODIFIED a", stayed) + at(" DELETED a", left));
    // As it was when it was last selected.
    EXPECT_EQ(client->events().back().find("object")->find("spec")->find_string("color"), "blue");
  }
  EXPECT_EQ(by_name.summary(), "");
  rig.stop(ctx);
}

FIBER_TEST(Watch, SaysTheRevisionOfADeletionThatTheStoreDecidedWithoutOne) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"});
  auto& client = rig.watch(ctx, "&resourceVersion=" + std::to_string(rig.storage->revision()));
  const auto decide = [](const StoredObject*, Revision) -> Result<Decision> { return Decision::remove(); };
  ASSERT_TRUE(rig.storage->write(ctx, rig.resource->storage_type, {"n", "a"}, decide));
  Rig::settle(ctx);
  EXPECT_EQ(client.summary(), at("DELETED a", rig.storage->revision()));
  rig.stop(ctx);
}

FIBER_TEST(Watch, SendsBookmarksEveryMinuteAndBeforeItEnds) {
  Rig rig(ctx);
  auto& marked = rig.watch(ctx, "&allowWatchBookmarks=true&timeoutSeconds=150&resourceVersion=1");
  auto& plain = rig.watch(ctx, "&timeoutSeconds=150&resourceVersion=1");
  apiserver::put(ctx, *rig.storage, config_maps(), {"n", "other"});
  const auto last = rig.put(ctx, {"m", "elsewhere"});
  ASSERT_TRUE(ctx.sleep(147s));
  EXPECT_EQ(marked.summary(), at("BOOKMARK ", last) + at(" BOOKMARK ", last));
  ASSERT_TRUE(ctx.sleep(2s));
  EXPECT_EQ(marked.events().size(), 3U);
  EXPECT_FALSE(marked.ended.has_value());
  ASSERT_TRUE(ctx.sleep(2s));
  EXPECT_EQ(marked.events().size(), 3U);
  EXPECT_TRUE(marked.ended && marked.ended->has_value());
  EXPECT_TRUE(plain.ended && plain.ended->has_value());
  EXPECT_EQ(plain.text, "");
  EXPECT_EQ(marked.events().front(),
            json::object(
                {{"type", "BOOKMARK"},
                 {"object",
                  json::object({{"kind", "Widget"},
                                {"apiVersion", "ex.io/v1"},
                                {"metadata", json::object({{"resourceVersion", std::to_string(last)}})}})}}));
  rig.stop(ctx);
}

FIBER_TEST(Watch, StreamsAListAndMarksItsEnd) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"});
  const std::string query =
      "&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
  auto& client = rig.watch(ctx, query);
  auto& later = rig.watch(ctx, query + "&resourceVersion=" + std::to_string(rig.storage->revision() + 1));
  EXPECT_EQ(later.text, "");
  const auto b = rig.put(ctx, {"n", "b"});
  ASSERT_TRUE(ctx.sleep(100ms));
  const auto events = client.events();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(client.summary(), at("ADDED a", b - 1) + at(" BOOKMARK ", b - 1) + at(" ADDED b", b));
  EXPECT_EQ(kube::annotation(*events[1].find("object"), "k8s.io/initial-events-end"), "true");
  EXPECT_EQ(later.summary(), at("ADDED a", b - 1) + at(" ADDED b", b) + at(" BOOKMARK ", b));
  rig.stop(ctx);
}

FIBER_TEST(Watch, WithoutInitialEventsBeginsNow) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"});
  auto& client = rig.watch(ctx, "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
  const auto b = rig.put(ctx, {"n", "b"});
  EXPECT_EQ(client.summary(), at("ADDED b", b));
  rig.stop(ctx);
}

FIBER_TEST(Watch, OfAStateThatDoesNotComeEndsWithAnErrorEvent) {
  Rig rig(ctx);
  auto& client =
      rig.watch(ctx, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99999");
  ASSERT_TRUE(ctx.sleep(4s));
  EXPECT_EQ(client.summary(), "ERROR 504");
  EXPECT_TRUE(client.ended && client.ended->has_value());
  rig.stop(ctx);
}

FIBER_TEST(Watch, RefusesOptionsThatMakeNoSense) {
  Rig rig(ctx);
  struct Case {
    const char* reason;
    std::string query;
    std::string message;
  };
  const std::string invalid = R"(ListOptions.meta.k8s.io "" is invalid: )";
  const Case cases[] = {
      {"initial events without match", "&sendInitialEvents=true",
       invalid +
           "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
           "NotOlderThan"},
      {"match without initial events", "&resourceVersionMatch=NotOlderThan",
       invalid + "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless "
                 "sendInitialEvents is provided"},
      {"exact match", "&resourceVersionMatch=Exact&resourceVersion=1",
       invalid +
           "[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless "
           "sendInitialEvents is provided, resourceVersionMatch: Unsupported value: \"Exact\": supported "
           "values: \"NotOlderThan\"]"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    const auto response = rig.serve(ctx, c.query);
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().code(), Code::kInvalid);
    EXPECT_EQ(response.error().message(), c.message);
  }
  EXPECT_EQ(rig.serve(ctx, "&timeoutSeconds=x").error().code(), Code::kBadRequest);
  const auto version = rig.serve(ctx, "&resourceVersion=abc");
  EXPECT_EQ(version.error().code(), Code::kBadRequest);
  EXPECT_EQ(version.error().message(),
            R"(resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax)");
  EXPECT_EQ(rig.serve(ctx, "", "application/yaml").error().detail<kube::Status>()->http_status, 406);
  rig.stop(ctx);
}

FIBER_TEST(Watch, OfOneNamespaceInTheOldStyleIsOfAClusterScopedObject) {
  Rig rig(ctx);
  auto namespaces = std::make_shared<ServedResource>(*config_maps());
  namespaces->description.type = {"", "v1", "namespaces", "Namespace", false};
  namespaces->storage_type = "namespaces";
  const auto a = apiserver::put(ctx, *rig.storage, namespaces, {"", "a"});
  apiserver::put(ctx, *rig.storage, namespaces, {"", "b"});
  TestRequest request(namespaces, "/api/v1/watch/namespaces/a?timeoutSeconds=1");
  auto response = serve_watch(ctx, request, *rig.storage, rig.clock);
  ASSERT_TRUE(response.has_value());
  Client client;
  EXPECT_TRUE(response->stream(ctx, client).has_value());
  EXPECT_EQ(client.summary(), at("ADDED a", a->revision()));
  TestRequest clash(namespaces, "/api/v1/watch/namespaces/a?fieldSelector=metadata.name%3Db");
  EXPECT_EQ(serve_watch(ctx, clash, *rig.storage, rig.clock).error().message(),
            "fieldSelector metadata.name doesn't match requested name");
  rig.stop(ctx);
}

FIBER_TEST(Watch, EndsByItselfAfterHalfAnHourToAnHour) {
  Rig rig(ctx);
  auto& client = rig.watch(ctx, "");
  ASSERT_TRUE(ctx.sleep(30min - 1s));
  EXPECT_FALSE(client.ended.has_value());
  ASSERT_TRUE(ctx.sleep(30min + 2s));
  EXPECT_TRUE(client.ended && client.ended->has_value());
  rig.stop(ctx);
}

FIBER_TEST(Watch, EndsInOrderWhenTheServerStops) {
  Rig rig(ctx);
  auto& cancelled = rig.watch(ctx, "");
  rig.tasks.cancel();
  Rig::settle(ctx);
  EXPECT_TRUE(cancelled.ended && cancelled.ended->has_value());
  rig.stop(ctx);

  Rig other(ctx);
  auto& client = other.watch(ctx, "");
  other.storage->stop(ctx);
  Rig::settle(ctx);
  EXPECT_TRUE(client.ended && client.ended->has_value());
  other.stop(ctx);
}

FIBER_TEST(Watch, SendsTablesWithColumnsInTheFirstEventAlone) {
  Rig rig(ctx);
  const auto a = rig.put(ctx, {"n", "a"});
  auto& client = rig.watch(ctx, "", kTable);
  const auto b = rig.put(ctx, {"n", "b"}, "blue");
  const auto events = client.events();
  ASSERT_EQ(events.size(), 2U);
  const auto& first = *events[0].find("object");
  EXPECT_EQ(first.find_string("kind"), "Table");
  EXPECT_EQ(first.find("columnDefinitions")->size(), 2U);
  EXPECT_EQ(first.find("metadata")->find_string("resourceVersion"), std::to_string(a));
  const auto& second = *events[1].find("object");
  EXPECT_TRUE(second.find("columnDefinitions")->is_null());
  EXPECT_EQ(second.find("metadata")->find_string("resourceVersion"), std::to_string(b));
  EXPECT_EQ(*second.find("rows")->at(0).find("cells"), json::array({"b", "blue"}));
  EXPECT_EQ(second.find("rows")->at(0).find("object")->find_string("kind"), "PartialObjectMetadata");
  rig.stop(ctx);
}

/// Of the newest event.
std::size_t kept_forms(Rig& rig) {
  auto watch = *rig.storage->watch(rig.resource->storage_type, rig.storage->revision() - 1);
  return (*watch->poll())->encodings.size();
}

FIBER_TEST(Watch, MakesEachFormOfAnEventOnceForAllWatchers) {
  Rig rig(ctx);
  for (int i = 0; i < 50; ++i) rig.watch(ctx, "", kMetadata);
  rig.put(ctx, {"n", "a"});
  EXPECT_EQ(kept_forms(rig), 1U);
  for (const auto& client : rig.clients) {
    ASSERT_EQ(client->text, rig.clients.front()->text);
    EXPECT_EQ(client->writes, 1);
  }
  const auto object = *rig.clients.front()->events().front().find("object");
  EXPECT_EQ(object.find_string("kind"), "PartialObjectMetadata");
  EXPECT_FALSE(object.contains("spec"));
  // Tables with and without columns, and what of it is an arrival to some and a change to others.
  rig.watch(ctx, "", kTable);
  rig.watch(ctx, "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan", kTable);
  rig.watch(ctx, "&labelSelector=color%3Dblue", kMetadata);
  rig.put(ctx, {"n", "a"}, "blue");
  EXPECT_EQ(kept_forms(rig), 4U);
  rig.stop(ctx);
}

FIBER_TEST(Watch, CopiesObjectsThatAreSentAsTheyAreStored) {
  Rig rig(ctx);
  for (int i = 0; i < 50; ++i) rig.watch(ctx, "");
  rig.put(ctx, {"n", "a"});
  EXPECT_EQ(kept_forms(rig), 0U);
  EXPECT_EQ(rig.clients.front()->events().size(), 1U);
  rig.stop(ctx);

  Rig converted(ctx);
  converted.resource = converted_widgets();
  for (int i = 0; i < 50; ++i) converted.watch(ctx, "");
  converted.put(ctx, {"n", "a"});
  EXPECT_EQ(kept_forms(converted), 1U);
  EXPECT_EQ(converted.clients.back()->events().front().find("object")->find_string("apiVersion"), "ex.io/v1");
  converted.stop(ctx);
}

FIBER_TEST(Watch, SendsManyObjectsInFewWrites) {
  Rig rig(ctx);
  for (int i = 0; i < 1000; ++i) {
    apiserver::put(ctx, *rig.storage, rig.resource, {"n", "object-" + std::to_string(i)});
  }
  auto& state = rig.watch(ctx, "");
  auto& events = rig.watch(ctx, "&resourceVersion=1");
  EXPECT_EQ(state.events().size(), 1000U);
  EXPECT_EQ(events.events().size(), 999U);
  // About 150 bytes each, 32 KiB at a time.
  EXPECT_LT(state.writes, 10);
  EXPECT_LT(events.writes, 10);
  rig.stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
