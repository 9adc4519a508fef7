// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <memory>
#include <random>

#include "apiserver/endpoints/endpoints_testing.h"
#include "apiserver/endpoints/reading.h"
#include "async/task_group.h"
#include "base/strings.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/object.h"
#include "testing/fiber_test.h"

// Clients that list, watch, lose their connections and come back must see every change exactly once, in
// order, whatever they select and in whatever form they watch.

namespace klutch::apiserver {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr auto kWidgets = "/apis/ex.io/v1/namespaces/n/widgets?";
constexpr const char* kColors[] = {"red", "blue", "green"};

/// What a client knows: names and versions.
using Replica = std::map<std::string, std::string>;

class Informer final : public http::BodyWriter {
 public:
  Informer(std::string selector, std::string accept)
      : selector_(std::move(selector)), accept_(std::move(accept)) {}

  Result<> write(Ctx& ctx, std::string_view piece) override {
    for (const std::string_view line : split(piece, '\n')) {
      if (!line.empty()) take(*json::parse(line));
    }
    if (slow) TRY(ctx.sleep(100ms));
    return {};
  }

  /// From where it stands, or from a new list when that is lost.
  void connect(Ctx& ctx, Storage& storage, const ServedPtr& resource, std::mt19937& random) {
    task_ = std::make_unique<async::TaskGroup>(ctx);
    const bool streams = version_.empty() && random() % 2 == 0;
    if (version_.empty() && !streams) list(ctx, storage, resource);
    std::string query = selector_ + "&watch=1&allowWatchBookmarks=1&timeoutSeconds=100000";
    if (streams) {
      query += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
      replica.clear();
    } else {
      query += "&resourceVersion=" + version_;
    }
    http::Headers headers;
    if (!accept_.empty()) headers.add("Accept", accept_);
    TestRequest request(resource, kWidgets + query, headers);
    auto response =
        std::make_shared<Result<http::Response>>(serve_watch(ctx, request, storage, system_clock()));
    ASSERT_TRUE(response->has_value());
    task_->spawn("watch", [this, response](Ctx& task) { return (*response)->stream(task, *this); });
  }

  void disconnect(Ctx& ctx) {
    if (task_ != nullptr) task_->stop(ctx);
    task_.reset();
  }
  [[nodiscard]] bool connected() const { return task_ != nullptr; }
  [[nodiscard]] bool lost() const { return lost_; }

  static Replica list_now(Ctx& ctx, Storage& storage, const ServedPtr& resource, const std::string& selector,
                          std::string* version = nullptr) {
    TestRequest request(resource, kWidgets + selector);
    const auto response = serve_list(ctx, request, {storage, system_clock()});
    EXPECT_TRUE(response.has_value());
    const json::Value body = body_of(*response);
    Replica replica;
    for (const json::Value& item : body.find("items")->elements()) {
      replica[std::string(kube::name(item))] = kube::resource_version(item);
    }
    if (version != nullptr) *version = *body.find("metadata")->find_string("resourceVersion");
    return replica;
  }
  [[nodiscard]] const std::string& selector() const { return selector_; }

  Replica replica;
  bool slow = false;
  std::size_t events = 0;
  std::size_t expirations = 0;

 private:
  void list(Ctx& ctx, Storage& storage, const ServedPtr& resource) {
    replica = list_now(ctx, storage, resource, selector_, &version_);
  }

  void take(const json::Value& event) {
    const auto type = *event.find_string("type");
    const json::Value& object = *event.find("object");
    if (type == "ERROR") {
      EXPECT_EQ(object.find_int("code"), 410);
      lost_ = true;
      version_.clear();
      ++expirations;
      return;
    }
    lost_ = false;
    ++events;
    const std::string version(kube::resource_version(object));
    const bool table = object.find_string("kind") == "Table";
    const json::Value& shown = table ? *object.find("rows")->at(0).find("object") : object;
    const std::string name(kube::name(shown));
    if (type == "BOOKMARK") {
      EXPECT_GE(std::stoull(version), version_.empty() ? 0 : std::stoull(version_));
      version_ = version;
      return;
    }
    // The objects of a streamed list come by name; changes by version.
    if (!version_.empty()) {
      EXPECT_GT(std::stoull(version), std::stoull(version_)) << event;
      version_ = version;
    }
    EXPECT_EQ(type == "ADDED", !replica.contains(name)) << event;
    if (type == "DELETED") {
      replica.erase(name);
    } else {
      replica[name] = version;
    }
  }

  std::string selector_;
  std::string accept_;
  std::string version_;
  bool lost_ = false;
  std::unique_ptr<async::TaskGroup> task_;
};

struct World {
  World(Ctx& ctx, unsigned seed, ServedPtr served)
      : random(seed),
        resource(std::move(served)),
        storage(*Storage::open(ctx, make_ephemeral_backend(), {.history_events = 60})) {
    const std::string table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const std::string partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    for (const char* selector : {"", "labelSelector=color%3Dred", "fieldSelector=spec.color%3Dblue",
                                 "fieldSelector=metadata.name%3Do3", "labelSelector=color+notin+(green)"}) {
      for (const std::string& accept : {std::string(), table, partial}) {
        informers.push_back(std::make_unique<Informer>(selector, accept));
      }
    }
  }

  void change(Ctx& ctx) {
    const kube::Key key{random() % 8 == 0 ? "elsewhere" : "n", "o" + std::to_string(random() % 8)};
    if (random() % 4 == 0) {
      if (storage->get(resource->storage_type, key) != nullptr) drop(ctx, *storage, resource, key);
      return;
    }
    const char* const color = kColors[random() % 3];
    put(ctx, *storage, resource, key, json::object({{"spec", json::object({{"color", color}})}}),
        json::object({{"color", color}}));
  }

  void disturb(Ctx& ctx) {
    Informer& informer = *informers[random() % informers.size()];
    informer.slow = random() % 4 == 0;
    if (informer.connected()) {
      informer.disconnect(ctx);
    } else {
      informer.connect(ctx, *storage, resource, random);
    }
  }

  /// Everybody is connected and has seen everything.
  void check(Ctx& ctx) {
    for (int round = 0; round < 3; ++round) {
      for (auto& informer : informers) {
        informer->slow = false;
        if (informer->lost()) informer->disconnect(ctx);
        if (!informer->connected()) informer->connect(ctx, *storage, resource, random);
      }
      ASSERT_TRUE(ctx.sleep(90s));
    }
    for (auto& informer : informers) {
      EXPECT_EQ(informer->replica, Informer::list_now(ctx, *storage, resource, informer->selector()))
          << informer->selector();
    }
  }

  void stop(Ctx& ctx) {
    for (auto& informer : informers) informer->disconnect(ctx);
    storage->stop(ctx);
  }

  std::mt19937 random;
  ServedPtr resource;
  std::unique_ptr<Storage> storage;
  std::vector<std::unique_ptr<Informer>> informers;
};

FIBER_TEST(WatchProperty, EveryClientSeesEveryChangeOnceAndInOrder) {
  std::size_t events = 0;
  std::size_t expirations = 0;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    World world(ctx, seed, seed % 3 == 0 ? converted_widgets() : widgets());
    for (int step = 0; step < 400; ++step) {
      world.change(ctx);
      if (world.random() % 4 == 0) world.disturb(ctx);
      if (world.random() % 8 == 0) {
        ASSERT_TRUE(ctx.sleep(1ms));
      }
      if (step % 100 == 99) world.check(ctx);
    }
    for (const auto& informer : world.informers) {
      events += informer->events;
      expirations += informer->expirations;
    }
    world.stop(ctx);
    if (::testing::Test::HasFailure()) return;
  }
  // The test must have been about something.
  EXPECT_GT(events, 5000U);
  EXPECT_GT(expirations, 20U);
}

}  // namespace
}  // namespace klutch::apiserver
