// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <optional>

#include "async/event.h"
#include "kube/api/kinds.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "kube/runtime/cache.h"
#include "obs/log.h"
#include "testing/change_checker.h"
#include "testing/fiber_test.h"
#include "testing/running_server.h"

// What an informer makes of an API server that was sane and turns evil: what it has stays as it was, the
// error says what is wrong, requests do not come one upon the other, memory stays bounded, and when the
// server is sane again so is the store.

namespace klutch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kFirstPause = milliseconds(5);

std::string config_map_text(const std::string& name, int version, const std::string& more = {}) {
  return R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"default","name":")" + name +
         R"(","uid":")" + name + R"(-uid","resourceVersion":")" + std::to_string(version) + "\"" + more +
         "}}";
}

std::string list_text(const std::string& items, const std::string& metadata = R"({"resourceVersion":"10"})") {
  return R"({"kind":"ConfigMapList","apiVersion":"v1","metadata":)" + metadata + R"(,"items":[)" + items +
         "]}";
}

std::string event_text(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

const std::string kSaneItems = config_map_text("a", 3) + "," + config_map_text("b", 4);
const std::string kExpired =
    event_text("ERROR", R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})");

/// A server that is sane, or says what a test puts into its mouth.
class MoodyApi {
 public:
  explicit MoodyApi(Ctx& ctx)
      : server_(ctx, {}, [this](Ctx& task, http::ServerRequest& request) { return answer(task, request); }) {}

  [[nodiscard]] std::unique_ptr<HttpClient> connect(Ctx& ctx) const {
    ClientConfig config{.server = http::Url::parse("http://" + server_.address().to_string()).value()};
    HttpClientOptions options;
    options.request_timeout = options.list_timeout = seconds(2);
    return HttpClient::make(ctx, config, options).value();
  }

  /// Ends all watches; what comes next is evil: `list` for lists, the lines of `watch` for watches.
  void turn_evil(std::string list, std::string watch) {
    evil_list = std::move(list);
    evil_watch = std::move(watch);
    evil = true;
    lists = watches = 0;
    mood_.set();
  }
  void turn_sane() {
    evil = false;
    mood_.set();
  }

  bool evil = false;
  std::string evil_list;
  std::string evil_watch;
  bool endless = false;  // repeats evil_watch
  std::size_t lists = 0;
  std::size_t watches = 0;

 private:
  static http::Response json_text(std::string body) {
    return {200, {{"Content-Type", "application/json"}}, http::Body(std::move(body)), {}};
  }

  Result<http::Response> answer(Ctx&, http::ServerRequest& request) {
    if (request.query.get("watch") != "true") {
      ++lists;
      return json_text(evil ? evil_list : list_text(kSaneItems));
    }
    ++watches;
    auto response = json_text("");
    if (!evil && request.query.get("resourceVersion") != "10") {
      response.body = http::Body(kExpired);
      return response;
    }
    response.stream = [this, was_evil = evil](Ctx& task, http::BodyWriter& out) -> Result<> {
      if (was_evil) {
        do TRY(out.write(task, evil_watch));
        while (endless && evil);
        return {};
      }
      mood_.clear();
      static_cast<void>(mood_.wait(task));
      return out.write(task, kExpired);
    };
    return response;
  }

  async::Event mood_;
  testing::RunningServer server_;
};

struct Watching {
  Watching(Ctx& owner, MoodyApi& api, std::size_t max_objects = 1000)
      : ctx(owner), client(api.connect(ctx)), cache(ctx, *client, options(max_objects)) {
    informer = cache.informer(ConfigMap::type(), {.ns = "default"});
    EXPECT_TRUE(informer->wait_for_sync(ctx));
    checker = std::make_unique<testing::ChangeChecker>(*informer);
  }

  static CacheOptions options(std::size_t max_objects) {
    CacheOptions made;
    made.page_size = 100;
    made.streaming_lists = false;
    made.backoff_first = kFirstPause;
    made.backoff_most = 4 * kFirstPause;
    made.max_objects = max_objects;
    return made;
  }
  [[nodiscard]] std::string names() const {
    std::string text;
    for (const auto& object : informer->store().list()) text += std::string(name(*object)) + " ";
    return text;
  }
  /// Until the list or watch has gone well again.
  void wait_until_well() const {
    const auto give_up = ctx.now() + seconds(5);
    while (informer->last_error() && ctx.now() < give_up) ASSERT_TRUE(ctx.sleep(milliseconds(2)));
    EXPECT_FALSE(informer->last_error()) << informer->last_error()->message();
  }
  ~Watching() {
    EXPECT_TRUE(checker->complaints().empty()) << checker->report();
    checker->compare_with_store();
    EXPECT_TRUE(checker->complaints().empty()) << checker->report();
    checker.reset();
    informer.reset();
    cache.stop(ctx);
  }

  Ctx& ctx;
  std::unique_ptr<HttpClient> client;
  Cache cache;
  std::shared_ptr<Informer> informer;
  std::unique_ptr<testing::ChangeChecker> checker;
};

struct EvilRow {
  const char* reason;
  std::string list;
  std::string watch;
  Code code;
  std::string_view says;
};

void run_evil(Ctx& ctx, const EvilRow& row) {
  SCOPED_TRACE(row.reason);
  MoodyApi api(ctx);
  Watching watching(ctx, api);
  const auto changes = watching.checker->changes();
  api.turn_evil(row.list, row.watch);
  const auto begin = ctx.now();
  std::optional<Error> error;
  while ((api.lists + api.watches < 8 || !error) && ctx.now() - begin < seconds(5)) {
    ASSERT_TRUE(ctx.sleep(milliseconds(1)));
    error = watching.informer->last_error();  // none between a good list and a bad watch
  }
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code(), row.code) << error->message();
  EXPECT_NE(error->message().find(row.says), std::string::npos) << error->message();
  EXPECT_EQ(watching.names(), "a b ") << "nobody said that these are gone";
  EXPECT_EQ(watching.checker->changes(), changes);
  // Each second request or so is followed by a pause that grows.
  EXPECT_GE(ctx.now() - begin, 3 * kFirstPause) << api.lists << " lists, " << api.watches << " watches";
  api.turn_sane();
  watching.wait_until_well();
  EXPECT_EQ(watching.names(), "a b ");
}

IO_FIBER_TEST(KubeHostileInformer, ListsThatCannotBeChangeNothing) {
  ASSERT_TRUE(obs::set_log_levels("off"));
  const auto with = [](const std::string& item) { return list_text(item + "," + config_map_text("c", 5)); };
  const std::vector<EvilRow> rows = {
      {"another kind",
       list_text(R"({"kind":"Secret","apiVersion":"v1","metadata":{"namespace":"default","name":"c"}})"),
       kExpired, Code::kInternal, "Secret"},
      {"another version",
       list_text(R"({"kind":"ConfigMap","apiVersion":"v9","metadata":{"namespace":"default","name":"c"}})"),
       kExpired, Code::kInternal, "v9"},
      {"another namespace", list_text(R"({"metadata":{"namespace":"kube-system","name":"c"}})"), kExpired,
       Code::kInternal, "kube-system"},
      {"no namespace", list_text(R"({"metadata":{"name":"c"}})"), kExpired, Code::kInternal, "namespace"},
      {"no name", with(R"({"metadata":{"namespace":"default"}})"), kExpired, Code::kInternal, "name"},
      {"a name that is none", with(R"({"metadata":{"namespace":"default","name":["c"]}})"), kExpired,
       Code::kInternal, "name"},
      {"an item that is none", with("7"), kExpired, Code::kInternal, "configmaps"},
      {"null", with("null"), kExpired, Code::kInternal, "configmaps"},
      {"no version", list_text("", "{}"), kExpired, Code::kInternal, "resource version"},
      {"a version that is a number", list_text("", R"({"resourceVersion":7})"), kExpired, Code::kInternal,
       "resource version"},
      {"no items", R"({"kind":"ConfigMapList","metadata":{"resourceVersion":"10"}})", kExpired,
       Code::kInternal, "items"},
      {"a status of success", R"({"kind":"Status","status":"Success"})", kExpired, Code::kInternal, "items"},
      {"half of it", list_text(kSaneItems).substr(0, 100), kExpired, Code::kInternal, "JSON"},
  };
  for (const auto& row : rows) run_evil(ctx, row);
}

IO_FIBER_TEST(KubeHostileInformer, EventsThatCannotBeChangeNothing) {
  ASSERT_TRUE(obs::set_log_levels("off"));
  const auto sane = list_text(kSaneItems);
  const auto added = [](const std::string& object) { return event_text("ADDED", object); };
  const std::vector<EvilRow> rows = {
      {"another kind", "",
       event_text("DELETED",
                  R"({"kind":"Secret","apiVersion":"v1","metadata":{"namespace":"default","name":"a"}})"),
       Code::kInternal, "items"},
      {"an event without an object", sane, "{\"type\":\"ADDED\"}\n", Code::kInternal, "event"},
      {"an unknown event", sane, event_text("GONE", config_map_text("a", 20)), Code::kInternal, "GONE"},
      {"no JSON", sane, "}\n", Code::kInternal, "JSON"},
      {"ends at once", sane, "", Code::kUnavailable, "at once"},
      {"half an event", sane, added(config_map_text("a", 20)).substr(0, 40), Code::kUnavailable,
       "middle of an event"},
      {"a deletion of another UID", sane,
       event_text("DELETED",
                  R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"default","name":"a",)"
                  R"("uid":"other","resourceVersion":"30"}})"),
       Code::kUnavailable, "at once"},
      {"an older deletion", sane, event_text("DELETED", config_map_text("a", 1)), Code::kUnavailable,
       "at once"},
      {"states of the past", sane, added(config_map_text("a", 1)) + added(config_map_text("b", 2)),
       Code::kUnavailable, "at once"},
  };
  for (auto row : rows) {
    if (row.list.empty()) row.list = "{}";
    run_evil(ctx, row);
  }
}

IO_FIBER_TEST(KubeHostileInformer, NamesAndVersionsMayBeAnyTexts) {
  ASSERT_TRUE(obs::set_log_levels("off"));
  MoodyApi api(ctx);
  Watching watching(ctx, api);
  const std::string long_name(10'000, 'n');
  std::string labels = R"(,"labels":{)";
  for (int i = 0; i < 20'000; ++i) labels += "\"l" + std::to_string(i) + "\":7,";
  labels += R"("x":null})";
  std::string items = kSaneItems + "," + config_map_text("line\\nbreak", 5) + "," +
                      config_map_text(long_name, 6) + "," + config_map_text("\\u001b[2J/../..", 7) + "," +
                      config_map_text("labels", 8, labels) + "," + config_map_text("twice", 9) + "," +
                      config_map_text("twice", 9);
  items += R"(,{"metadata":{"namespace":"default","name":"no-version"}})";
  items += R"(,{"metadata":{"namespace":"default","name":"words","uid":"u","resourceVersion":"abc"}})";
  items +=
      R"(,{"metadata":{"namespace":"default","name":"beyond","uid":"v","resourceVersion":"99999999999999999999"}})";
  api.turn_evil(list_text(items, R"({"resourceVersion":"not a number"})"), kExpired);
  const auto give_up = ctx.now() + seconds(5);
  while (watching.informer->store().size() != 10 && ctx.now() < give_up)
    ASSERT_TRUE(ctx.sleep(milliseconds(2)));
  ASSERT_EQ(watching.informer->store().size(), 10U);
  EXPECT_TRUE(watching.informer->store().get({"default", "line\nbreak"}).present());
  EXPECT_TRUE(watching.informer->store().get({"default", long_name}).present());
  api.turn_sane();
  while (watching.names() != "a b " && ctx.now() < give_up) ASSERT_TRUE(ctx.sleep(milliseconds(2)));
  EXPECT_EQ(watching.names(), "a b ");
}

IO_FIBER_TEST(KubeHostileInformer, MoreObjectsThanTheLimitAreRefusedAndTheOldOnesKept) {
  ASSERT_TRUE(obs::set_log_levels("off"));
  MoodyApi api(ctx);
  Watching watching(ctx, api, 50);
  std::string items = kSaneItems;
  for (int i = 0; i < 100; ++i) items += "," + config_map_text("c" + std::to_string(i), 5);
  api.turn_evil(list_text(items), kExpired);
  const auto give_up = ctx.now() + seconds(5);
  while (api.lists < 3 && ctx.now() < give_up) ASSERT_TRUE(ctx.sleep(milliseconds(2)));
  const auto error = watching.informer->last_error();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code(), Code::kTooLarge) << error->message();
  EXPECT_LE(watching.informer->store().size(), 50U);
  EXPECT_TRUE(watching.informer->store().get({"default", "a"}).present());
  api.turn_sane();
  while (watching.names() != "a b " && ctx.now() < give_up) ASSERT_TRUE(ctx.sleep(milliseconds(2)));
  EXPECT_EQ(watching.names(), "a b ");
}

IO_FIBER_TEST(KubeHostileInformer, PagesWithoutEndEndAtTheLimitOfObjects) {
  ASSERT_TRUE(obs::set_log_levels("off"));
  MoodyApi api(ctx);
  Watching watching(ctx, api, 20);
  api.turn_evil(list_text("", R"({"resourceVersion":"10","continue":"again"})"), kExpired);
  const auto give_up = ctx.now() + seconds(5);
  const auto too_large = [&] {
    const auto error = watching.informer->last_error();
    return error && is(*error, Code::kTooLarge);
  };
  while (!too_large() && ctx.now() < give_up) ASSERT_TRUE(ctx.sleep(milliseconds(1)));
  EXPECT_TRUE(too_large());
  EXPECT_LE(api.lists, 2 * 21U);
  EXPECT_EQ(watching.names(), "a b ");
  api.turn_sane();
  watching.wait_until_well();
}

IO_FIBER_TEST(KubeHostileInformer, AFloodOfEventsLeavesTheOtherFibersTheirTurn) {
  ASSERT_TRUE(obs::set_log_levels("off"));
  MoodyApi api(ctx);
  Watching watching(ctx, api);
  std::string flood;
  const std::string bookmark =
      R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"11"}})";
  for (int i = 0; i < 200; ++i) flood += event_text("BOOKMARK", bookmark);
  api.endless = true;
  api.turn_evil(list_text(kSaneItems), flood);
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  std::size_t turns = 0;
  for (const auto end = ctx.now() + milliseconds(500); ctx.now() < end; ++turns) {
    ASSERT_TRUE(ctx.sleep(milliseconds(1)));
  }
  EXPECT_GT(turns, 20U);
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
#if !defined(KLUTCH_ASAN) && !defined(KLUTCH_TSAN)
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 * 1024);
#endif
  EXPECT_EQ(watching.names(), "a b ");
  api.turn_sane();
  watching.wait_until_well();
}

}  // namespace
}  // namespace klutch::kube
