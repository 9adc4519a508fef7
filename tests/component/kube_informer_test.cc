// SPDX-License-Identifier: Apache-2.0
// Informers on a whole API server, over HTTPS: the one in memory and the real one alike.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task_group.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/kinds.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "kube/runtime/cache.h"
#include "testing/fault_proxy.h"
#include "testing/fiber_test.h"
#include "testing/kube_server.h"
#include "testing/memory_api_server.h"

namespace klutch {
namespace {

using namespace std::chrono_literals;
using kube::Cache;
using kube::Change;
using kube::ConfigMap;
using kube::Informer;
using kube::Key;
using kube::Object;
using kube::Secret;
using Lines = std::vector<std::string>;

/// Polls, because what happens elsewhere has no event to wait for here.
bool eventually(Ctx& ctx, const std::function<bool()>& holds, Duration within = 15s) {
  const Instant end = ctx.now() + within;
  while (!holds()) {
    if (ctx.now() >= end || !ctx.sleep(2ms)) return false;
  }
  return true;
}

class Counter final : public kube::RequestObserver {
 public:
  void request_finished(const kube::RequestRecord& record) override {
    ++counts_[std::string(to_string(record.request.verb)) + " " + record.request.type.resource];
  }
  [[nodiscard]] int count(const std::string& what) const {
    const auto found = counts_.find(what);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  std::map<std::string, int> counts_;
};

std::unique_ptr<kube::HttpClient> connect(Ctx& ctx, const testing::KubeServer& server,
                                          std::shared_ptr<kube::RequestObserver> observer = {}) {
  const auto config = kube::resolve(kube::Kubeconfig::parse(server.kubeconfig()).value()).value();
  return kube::HttpClient::make(ctx, config, {.observer = std::move(observer)}).value();
}

/// Asks for the latest state where the other would take any: servers ignore page sizes for "any".
class LatestOnly final : public kube::Client {
 public:
  explicit LatestOnly(kube::Client& other) : other_(other) {}
  Result<Object> send(Ctx& ctx, const kube::Request& request) override {
    kube::Request changed = request;
    if (changed.query.get("resourceVersion") == "0") changed.query.set("resourceVersion", "");
    return other_.send(ctx, changed);
  }
  Result<std::unique_ptr<kube::WatchStream>> open(Ctx& ctx, const kube::Request& request) override {
    return other_.open(ctx, request);
  }

 private:
  kube::Client& other_;
};

Object config_map(const Key& key, std::string_view text, const json::Value& labels = nullptr) {
  ConfigMap made(key);
  made.set_data("text", text);
  if (!labels.is_null()) made.object()["metadata"].set("labels", labels);
  return std::move(made).take();
}

/// A server, a namespace of its own on it, and a cache of what is there.
struct Place {
  Place(Ctx& ctx, std::string name, kube::CacheOptions options = {})
      : ns(std::move(name)),
        server(testing::start_kube_server(ctx).value()),
        counter(std::make_shared<Counter>()),
        writer(connect(ctx, *server)),
        client(connect(ctx, *server, counter)),
        cache(ctx, *client, std::move(options)) {
    EXPECT_TRUE(writer->create(ctx, kube::Namespace(ns)).has_value());
  }

  void create(Ctx& ctx, std::string_view name, std::string_view text, const json::Value& labels = nullptr) {
    const auto made =
        writer->create(ctx, ConfigMap::type(), config_map({ns, std::string(name)}, text, labels));
    ASSERT_TRUE(made.has_value()) << made.error().message();
  }
  void patch(Ctx& ctx, std::string_view name, const char* merge) {
    const auto patched = writer->patch(ctx, ConfigMap::type(), {ns, std::string(name)},
                                       kube::PatchType::kMerge, json::parse(merge).value());
    ASSERT_TRUE(patched.has_value()) << patched.error().message();
  }
  void remove(Ctx& ctx, std::string_view name) {
    ASSERT_EQ(writer->remove(ctx, ConfigMap::type(), {ns, std::string(name)}), true);
  }
  /// Creates many at once, named m0000 and so on.
  void create_many(Ctx& ctx, int count) {
    async::TaskGroup tasks(ctx);
    for (int worker = 0; worker < 16; ++worker) {
      tasks.spawn("creator", [this, worker, count](Ctx& task) -> Result<> {
        for (int i = worker; i < count; i += 16) {
          TRY(writer->create(task, ConfigMap::type(), config_map({ns, numbered(i)}, "text")));
        }
        return {};
      });
    }
    const auto done = tasks.wait(ctx);
    ASSERT_TRUE(done.has_value()) << done.error().message();
  }
  static std::string numbered(int number) {
    const std::string digits = std::to_string(number);
    return "m" + std::string(4 - digits.size(), '0') + digits;
  }
  /// What the server has now, in the order of keys.
  std::vector<Object> listed(Ctx& ctx) {
    return writer->list(ctx, ConfigMap::type(), {.ns = ns}).value().items;
  }

  const std::string ns;
  std::unique_ptr<testing::KubeServer> server;
  std::shared_ptr<Counter> counter;
  std::unique_ptr<kube::HttpClient> writer;
  std::unique_ptr<kube::HttpClient> client;
  Cache cache;
};

/// The store has exactly these, apart from managedFields.
void expect_equal(const kube::Store& store, const std::vector<Object>& expected) {
  const auto objects = store.list();
  ASSERT_EQ(objects.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Object object = expected[i];
    object["metadata"].erase("managedFields");
    ASSERT_EQ(*objects[i], object);
  }
}

kube::ChangeHandler write_to(Lines& lines) {
  return [&lines](const Change& change) {
    const char* const kinds[] = {"+", "~", "-"};
    lines.push_back(kinds[static_cast<int>(change.kind)] + change.key.name + (change.initial ? "!" : ""));
  };
}

IO_FIBER_TEST(KubeInformer, SeesWhatIsThereAndWhatChanges) {
  for (const bool streaming : {true, false}) {
    SCOPED_TRACE(streaming ? "streaming" : "paging");
    Place place(ctx, streaming ? "changes-streaming" : "changes-paging", {.streaming_lists = streaming});
    place.create(ctx, "a", "one");
    Lines lines;
    const auto informer = place.cache.informer(ConfigMap::type(), {.ns = place.ns});
    const auto subscription = informer->subscribe(write_to(lines));
    ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
    EXPECT_EQ(lines, (Lines{"+a!"}));

    place.create(ctx, "b", "two");
    place.patch(ctx, "a", R"({"data":{"text":"three"}})");
    place.remove(ctx, "a");
    place.create(ctx, "a", "again");
    EXPECT_TRUE(eventually(ctx, [&] { return lines.size() >= 5; }));
    EXPECT_EQ(lines, (Lines{"+a!", "+b", "~a", "-a", "+a"}));
    expect_equal(informer->store(), place.listed(ctx));
    EXPECT_EQ(informer->store().get({place.ns, "a"}).object->find("data")->find_string("text"), "again");
    EXPECT_TRUE(informer->store().get({place.ns, "c"}).absent());
    EXPECT_EQ(place.counter->count("watch configmaps"), 1);
    EXPECT_EQ(place.counter->count("list configmaps"), streaming ? 0 : 1);
    place.cache.stop(ctx);
  }
}

IO_FIBER_TEST(KubeInformer, WhatEntersOrLeavesASelectionIsAddedOrDeleted) {
  Place place(ctx, "selection");
  place.create(ctx, "in", "x", json::object({{"app", "web"}}));
  place.create(ctx, "out", "x", json::object({{"app", "db"}}));
  Lines by_label;
  Lines by_field;
  const auto web = place.cache.informer(
      ConfigMap::type(), {.ns = place.ns, .labels = kube::LabelSelector::parse("app in (web,api)").value()});
  const auto one = place.cache.informer(
      ConfigMap::type(), {.ns = place.ns, .fields = kube::FieldSelector::exactly("metadata.name", "out")});
  const auto web_subscription = web->subscribe(write_to(by_label));
  const auto one_subscription = one->subscribe(write_to(by_field));
  ASSERT_TRUE(web->wait_for_sync(ctx).has_value());
  ASSERT_TRUE(one->wait_for_sync(ctx).has_value());

  place.patch(ctx, "out", R"({"metadata":{"labels":{"app":"api"}}})");
  place.patch(ctx, "in", R"({"metadata":{"labels":{"app":null}}})");
  place.patch(ctx, "in", R"({"data":{"text":"nobody sees this"}})");
  place.patch(ctx, "in", R"({"metadata":{"labels":{"app":"web"}}})");
  place.remove(ctx, "out");
  EXPECT_TRUE(eventually(ctx, [&] { return by_label.size() >= 5 && by_field.size() >= 3; }));
  EXPECT_EQ(by_label, (Lines{"+in!", "+out", "-in", "+in", "-out"}));
  EXPECT_EQ(by_field, (Lines{"+out!", "~out", "-out"}));
  EXPECT_EQ(web->store().get({place.ns, "in"}).object->find("data")->find_string("text"), "nobody sees this");
  place.cache.stop(ctx);
}

IO_FIBER_TEST(KubeInformer, TwoThousandObjectsComeInPagesInOneListOrInOneStream) {
  Place place(ctx, "many");
  place.create_many(ctx, 2000);
  const auto expected = place.listed(ctx);
  ASSERT_EQ(expected.size(), 2000U);
  struct Way {
    const char* name;
    bool streaming;
    bool latest;
    int lists;
  };
  for (const Way& way :
       {Way{"pages", false, true, 7}, Way{"list", false, false, 1}, Way{"stream", true, true, 0}}) {
    SCOPED_TRACE(way.name);
    const auto counter = std::make_shared<Counter>();
    const auto client = connect(ctx, *place.server, counter);
    LatestOnly latest(*client);
    Cache cache(ctx, way.latest ? static_cast<kube::Client&>(latest) : *client,
                {.page_size = 300, .streaming_lists = way.streaming});
    const auto informer = cache.informer(ConfigMap::type(), {.ns = place.ns});
    ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
    expect_equal(informer->store(), expected);
    EXPECT_TRUE(eventually(ctx, [&] { return counter->count("watch configmaps") == 1; }));
    EXPECT_EQ(counter->count("list configmaps"), way.lists);
    cache.stop(ctx);
  }
  place.cache.stop(ctx);
}

IO_FIBER_TEST(KubeInformer, AStreamThatIsCutShortIsMadeUpForByTheWholeList) {
  using testing::Fault;
  for (const auto kind : {Fault::Kind::kWatchEnds, Fault::Kind::kWatchCut, Fault::Kind::kWatchError}) {
    SCOPED_TRACE(static_cast<int>(kind));
    Place place(ctx, "cut-short-" + std::to_string(static_cast<int>(kind)));
    for (int i = 0; i < 60; ++i) place.create(ctx, Place::numbered(i), "text");
    testing::FaultProxy proxy(ctx, *place.server);
    proxy.faults().add({.fault = {kind, {.status = 500, .events = 20}}, .verb = "watch"});
    const auto client = connect(ctx, proxy);
    Cache cache(ctx, *client, {.backoff_first = 10ms, .backoff_most = 50ms});
    const auto informer = cache.informer(ConfigMap::type(), {.ns = place.ns});
    ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
    EXPECT_EQ(informer->store().size(), 60U) << "not the state as of the last event before the cut";
    cache.stop(ctx);
    place.cache.stop(ctx);
  }
}

IO_FIBER_TEST(KubeInformer, MetadataIsAllThatComesWhereNoMoreIsWanted) {
  for (const bool streaming : {true, false}) {
    SCOPED_TRACE(streaming ? "streaming" : "paging");
    Place place(ctx, streaming ? "metadata-streaming" : "metadata-paging", {.streaming_lists = streaming});
    place.create(ctx, "a", "a text that must not come", json::object({{"app", "web"}}));
    Lines lines;
    const auto informer = place.cache.informer(ConfigMap::type(), {.ns = place.ns, .metadata_only = true});
    const auto subscription = informer->subscribe(write_to(lines));
    ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
    place.patch(ctx, "a", R"({"data":{"text":"another"}})");
    place.create(ctx, "b", "text");
    EXPECT_TRUE(eventually(ctx, [&] { return lines.size() >= 3; }));
    EXPECT_EQ(lines, (Lines{"+a!", "~a", "+b"}));
    for (const auto& object : informer->store().list()) {
      EXPECT_EQ(kube::kind(*object), "PartialObjectMetadata");
      EXPECT_FALSE(object->contains("data"));
      EXPECT_FALSE(kube::uid(*object).empty());
    }
    EXPECT_EQ(kube::label(*informer->store().get({place.ns, "a"}).object, "app"), "web");
    place.cache.stop(ctx);
  }
}

IO_FIBER_TEST(KubeInformer, ManagedFieldsComeOnlyWhenWanted) {
  Place place(ctx, "managed");
  place.create(ctx, "a", "one");
  const auto without = place.cache.informer(ConfigMap::type(), {.ns = place.ns});
  const auto with = place.cache.informer(ConfigMap::type(), {.ns = place.ns, .keep_managed_fields = true});
  ASSERT_TRUE(without->wait_for_sync(ctx).has_value());
  ASSERT_TRUE(with->wait_for_sync(ctx).has_value());
  const Object stored = place.listed(ctx).at(0);
  EXPECT_EQ(*with->store().list().at(0), stored);
  EXPECT_FALSE(without->store().list().at(0)->find("metadata")->contains("managedFields"));
  EXPECT_TRUE(stored.find("metadata")->contains("managedFields"));
  place.cache.stop(ctx);
}

IO_FIBER_TEST(KubeInformer, ObjectsWithoutANamespaceAreSeenToo) {
  Place place(ctx, "cluster-wide");
  const auto informer = place.cache.informer(kube::Namespace::type());
  ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
  EXPECT_TRUE(informer->store().get({"", place.ns}).present());
  EXPECT_TRUE(informer->store().get({"", "default"}).present());
  EXPECT_EQ(informer->store().list_namespace("").size(), informer->store().size());
  place.cache.stop(ctx);
}

IO_FIBER_TEST(KubeInformer, ATypeThatTheServerDoesNotKnowStaysUnknown) {
  Place place(ctx, "unknown-type");
  const kube::ResourceType unicorns{
      .group = "ex.io", .version = "v1", .resource = "unicorns", .kind = "Unicorn"};
  const auto informer = place.cache.informer(unicorns);
  auto limited = ctx.with_timeout(1500ms);
  const auto synced = informer->wait_for_sync(limited);
  ASSERT_FALSE(synced.has_value());
  EXPECT_EQ(synced.error().code(), Code::kTimeout);
  EXPECT_THAT(synced.error().message(), ::testing::HasSubstr("unicorns.ex.io"));
  ASSERT_TRUE(informer->last_error().has_value());
  EXPECT_EQ(informer->last_error()->code(), Code::kNotFound);
  EXPECT_TRUE(informer->store().get({"a", "b"}).unknown());
  EXPECT_LE(place.counter->count("watch unicorns") + place.counter->count("list unicorns"), 3);
  place.cache.stop(ctx);
}

IO_FIBER_TEST(KubeInformer, GoesOnWhereItWasAfterTheServerWasAway) {
  Place place(ctx, "away");
  place.create(ctx, "kept", "x");
  place.create(ctx, "gone", "x");
  testing::FaultProxy proxy(ctx, *place.server);
  const auto counter = std::make_shared<Counter>();
  const auto client = connect(ctx, proxy, counter);
  Cache cache(ctx, *client, {.backoff_first = 10ms, .backoff_most = 50ms});
  const auto informer = cache.informer(ConfigMap::type(), {.ns = place.ns});
  Lines lines;
  const auto subscription = informer->subscribe(write_to(lines));
  ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());

  proxy.faults().add(
      {.fault = {testing::Fault::Kind::kDropConnection}, .times = testing::FaultRule::kAlways});
  proxy.break_connections();
  ASSERT_TRUE(eventually(ctx, [&] { return informer->last_error().has_value(); }));
  place.remove(ctx, "gone");
  place.create(ctx, "new", "x");
  ASSERT_TRUE(ctx.sleep(200ms).has_value());
  EXPECT_EQ(lines.size(), 2U) << "nobody can know yet";
  EXPECT_TRUE(informer->store().get({place.ns, "gone"}).present());

  proxy.faults().clear();
  EXPECT_TRUE(eventually(ctx, [&] { return lines.size() >= 4; }));
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre("+gone!", "+kept!", "-gone", "+new"));
  EXPECT_TRUE(eventually(ctx, [&] { return !informer->last_error().has_value(); }));
  EXPECT_EQ(counter->count("list configmaps"), 0) << "the watch can be resumed";
  expect_equal(informer->store(), place.listed(ctx));
  cache.stop(ctx);
  place.cache.stop(ctx);
}

IO_FIBER_TEST(KubeInformer, ListsAgainWhenTheServerHasForgottenWhatHappenedMeanwhile) {
  // Only the server in memory forgets on request.
  testing::MemoryApiServer server(ctx);
  testing::FaultProxy proxy(ctx, server);
  const auto writer = connect(ctx, server);
  const auto client = connect(ctx, proxy);
  Cache cache(ctx, *client, {.backoff_first = 10ms, .backoff_most = 50ms});
  for (const char* name : {"kept", "gone", "changed", "replaced"}) {
    ASSERT_TRUE(writer->create(ctx, ConfigMap::type(), config_map({"default", name}, "x")).has_value());
  }
  const auto informer = cache.informer(ConfigMap::type(), {.ns = "default"});
  Lines lines;
  const auto subscription = informer->subscribe(write_to(lines));
  ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
  lines.clear();

  proxy.faults().add(
      {.fault = {testing::Fault::Kind::kDropConnection}, .times = testing::FaultRule::kAlways});
  proxy.break_connections();
  ASSERT_TRUE(eventually(ctx, [&] { return informer->last_error().has_value(); }));
  for (const char* name : {"gone", "replaced"}) {
    ASSERT_EQ(writer->remove(ctx, ConfigMap::type(), {"default", name}), true);
  }
  ASSERT_TRUE(writer->create(ctx, ConfigMap::type(), config_map({"default", "replaced"}, "y")).has_value());
  ASSERT_TRUE(writer
                  ->patch(ctx, ConfigMap::type(), {"default", "changed"}, kube::PatchType::kMerge,
                          json::parse(R"({"data":{"text":"y"}})").value())
                  .has_value());
  server.compact();
  proxy.faults().clear();
  EXPECT_TRUE(eventually(ctx, [&] { return lines.size() >= 4; }));
  EXPECT_EQ(lines, (Lines{"~changed", "-replaced", "+replaced", "-gone"}));
  cache.stop(ctx);
}

IO_FIBER_TEST(KubeInformer, AServerThatDoesNotOfferStreamingIsListed) {
  testing::MemoryApiServer server(ctx, {.watch_lists = false});
  const auto counter = std::make_shared<Counter>();
  const auto client = connect(ctx, server, counter);
  Cache cache(ctx, *client);
  ASSERT_TRUE(client->create(ctx, ConfigMap::type(), config_map({"default", "a"}, "x")).has_value());
  const auto informer = cache.informer(ConfigMap::type());
  ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
  EXPECT_EQ(informer->store().size(), 1U);
  EXPECT_TRUE(eventually(ctx, [&] { return counter->count("watch configmaps") == 2; }));
  EXPECT_EQ(counter->count("list configmaps"), 1);
  cache.stop(ctx);
}

}  // namespace
}  // namespace klutch
