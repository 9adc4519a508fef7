// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/loop.h"
#include "obs/metrics.h"
#include "testing/fake_kube_client.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;
using testing::added;
using testing::config_map;
using testing::config_maps;
using testing::end_of_list;
using testing::FakeKubeClient;
using testing::list_of;
using testing::modified;

void work(Ctx& ctx) {
  ASSERT_TRUE(ctx.sleep(1ms).has_value());
}

LabelSelector labels(std::string_view text) {
  return LabelSelector::parse(text).value();
}

FIBER_TEST(Cache, WhoAsksForTheSameSharesOneInformer) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  const auto first = cache.informer(config_maps(), {.labels = labels("a=b,c in (d,e)")});
  const auto second = cache.informer(config_maps(), {.labels = labels("c in (e,d),a==b")});
  EXPECT_EQ(first, second);
  EXPECT_EQ(cache.size(), 1U);
  work(ctx);
  EXPECT_EQ(client.count(Verb::kWatch), 1U);
  cache.stop(ctx);
}

FIBER_TEST(Cache, EveryDifferenceMakesAnInformerOfItsOwn) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  auto other_version = config_maps();
  other_version.version = "v2";
  const std::vector<std::shared_ptr<Informer>> all = {
      cache.informer(config_maps()),
      cache.informer(other_version),
      cache.informer(config_maps(), {.ns = "a"}),
      cache.informer(config_maps(), {.labels = labels("a")}),
      cache.informer(config_maps(), {.fields = FieldSelector::exactly("metadata.name", "a")}),
      cache.informer(config_maps(), {.metadata_only = true}),
      cache.informer(config_maps(), {.keep_managed_fields = true}),
  };
  EXPECT_EQ(cache.size(), 7U);
  work(ctx);
  EXPECT_EQ(client.open_watches(), 7U);
  cache.stop(ctx);
  EXPECT_EQ(client.open_watches(), 0U);
}

FIBER_TEST(Cache, TheLastOneToLetGoEndsTheInformer) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  const std::size_t fibers = ctx.loop().fiber_count();
  auto first = cache.informer(config_maps());
  auto second = first;
  client.on_watch({added(config_map("a", 1)), end_of_list(5)});
  ASSERT_TRUE(first->wait_for_sync(ctx).has_value());
  first.reset();
  work(ctx);
  EXPECT_EQ(client.open_watches(), 1U);
  EXPECT_EQ(cache.size(), 1U);
  second.reset();
  EXPECT_EQ(cache.size(), 0U);
  work(ctx);
  EXPECT_EQ(client.open_watches(), 0U);
  EXPECT_LE(ctx.loop().fiber_count(), fibers + 1) << "more than the host of all informers is left";
  cache.stop(ctx);
  EXPECT_EQ(ctx.loop().fiber_count(), fibers);
}

FIBER_TEST(Cache, AnInformerCanBeLetGoOfAtAnyMoment) {
  // Before its fiber starts, within the first request, and within a pause after a failure.
  FakeKubeClient client;
  Cache cache(ctx, client, {.streaming_lists = false});
  cache.informer(config_maps()).reset();
  EXPECT_EQ(cache.size(), 0U);
  work(ctx);
  EXPECT_TRUE(client.asked().empty());

  auto listing = cache.informer(config_maps());
  work(ctx);
  EXPECT_EQ(client.asked().size(), 1U);
  listing.reset();
  work(ctx);

  client.on_send(fail(Code::kUnavailable, "connection refused"));
  auto pausing = cache.informer(config_maps());
  work(ctx);
  EXPECT_TRUE(pausing->last_error().has_value());
  pausing.reset();
  ASSERT_TRUE(ctx.sleep(1min).has_value());
  EXPECT_EQ(client.asked().size(), 2U);
  cache.stop(ctx);
}

FIBER_TEST(Cache, AnInformerCanBeLetGoOfWithinAHandler) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  auto informer = cache.informer(config_maps());
  const std::weak_ptr<Informer> watched = informer;
  int changes = 0;
  const auto subscription = informer->subscribe([&](const Change& change) {
    ++changes;
    if (change.key.name == "b") informer.reset();
  });
  client.on_watch({added(config_map("a", 1)), added(config_map("b", 2)), added(config_map("c", 3))});
  work(ctx);
  EXPECT_EQ(changes, 2);
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(client.open_watches(), 0U);
  cache.stop(ctx);
}

FIBER_TEST(Cache, AHandlerMayHoldAnotherInformer) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  auto outer = cache.informer(config_maps());
  auto inner = cache.informer(config_maps(), {.ns = "inner"});
  const std::weak_ptr<Informer> watched = inner;
  auto subscription = outer->subscribe([held = std::move(inner)](const Change&) {});
  work(ctx);
  EXPECT_EQ(client.open_watches(), 2U);
  subscription.reset();
  outer.reset();
  work(ctx);
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(client.open_watches(), 0U);

  // And when all end together.
  outer = cache.informer(config_maps());
  inner = cache.informer(config_maps(), {.ns = "inner"});
  subscription = outer->subscribe([held = std::move(inner)](const Change&) {});
  work(ctx);
  cache.stop(ctx);
  EXPECT_EQ(client.open_watches(), 0U);
}

FIBER_TEST(Cache, WhatIsAskedForAgainStartsAnew) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  auto informer = cache.informer(config_maps());
  client.on_watch({added(config_map("a", 1)), end_of_list(5)});
  ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
  informer.reset();
  informer = cache.informer(config_maps());  // before the first one has ended
  EXPECT_FALSE(informer->store().synced());
  EXPECT_EQ(cache.size(), 1U);
  client.on_watch({end_of_list(6)});
  ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
  EXPECT_EQ(informer->store().size(), 0U);
  EXPECT_EQ(client.open_watches(), 1U);
  cache.stop(ctx);
}

FIBER_TEST(Cache, StoresStayReadableAfterTheEnd) {
  FakeKubeClient client;
  std::shared_ptr<Informer> informer;
  {
    Cache cache(ctx, client);
    informer = cache.informer(config_maps());
    client.on_watch({added(config_map("a", 1)), end_of_list(5)});
    ASSERT_TRUE(informer->wait_for_sync(ctx).has_value());
    cache.stop(ctx);
    const auto late = cache.informer(config_maps(), {.ns = "late"});
    EXPECT_EQ(late->wait_for_sync(ctx).error().code(), Code::kCancelled);
    EXPECT_EQ(cache.informer(config_maps()), informer);
  }
  EXPECT_TRUE(informer->store().get({"default", "a"}).present());
  EXPECT_TRUE(informer->wait_for_sync(ctx).has_value());
}

FIBER_TEST(Cache, StoppingBeforeAnythingStartedEndsIt) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  const auto informer = cache.informer(config_maps());
  cache.stop(ctx);
  EXPECT_EQ(informer->wait_for_sync(ctx).error().code(), Code::kCancelled);
  EXPECT_EQ(client.open_watches(), 0U);
}

FIBER_TEST(Cache, InformersComeAndGoWithoutATrace) {
  FakeKubeClient client;
  Cache cache(ctx, client);
  const auto kept = cache.informer(config_maps());
  work(ctx);
  const std::size_t fibers = ctx.loop().fiber_count();
  for (int i = 0; i < 200; ++i) {
    const auto passing = cache.informer(config_maps(), {.ns = "ns" + std::to_string(i % 7)});
    if (i % 3 != 0) work(ctx);
  }
  work(ctx);
  EXPECT_EQ(ctx.loop().fiber_count(), fibers);
  EXPECT_EQ(client.open_watches(), 1U);
  cache.stop(ctx);
}

FIBER_TEST(Cache, TransformsAndBoundsReachEveryInformer) {
  FakeKubeClient client;
  Cache cache(ctx, client, {.transform = [](Object& object) { object.erase("data"); }, .max_objects = 1});
  const auto informer = cache.informer(config_maps());
  client.on_watch({added(config_map("a", 1, {}, "text")), added(config_map("b", 2))});
  work(ctx);
  ASSERT_EQ(informer->store().size(), 1U);
  EXPECT_FALSE(informer->store().list().at(0)->contains("data"));
  EXPECT_EQ(informer->last_error()->code(), Code::kTooLarge);
  cache.stop(ctx);
}

FIBER_TEST(Cache, CountsWhatItDoes) {
  obs::Registry registry;
  FakeKubeClient client;
  {
    Cache cache(ctx, client, {.random = [] { return 0.0; }, .metrics = &registry, .cluster = "provider"});
    const auto informer = cache.informer(config_maps());
    client.on_watch(Error(Code::kInvalid, "sendInitialEvents is forbidden"));
    client.on_send(fail(Code::kUnavailable, "connection refused"));
    client.on_send(list_of({config_map("a", 1), config_map("b", 1)}, "5"));
    client.on_watch({modified(config_map("a", 6)), 40s, Error(Code::kGone, "too old")});
    client.on_send(list_of({config_map("a", 6)}, "7"));
    ASSERT_TRUE(ctx.sleep(1min).has_value());
    const std::string text = render(registry);
    for (const char* line : {
             "objects{cluster=\"provider\",resource=\"configmaps\"} 1",
             "lists_total{cluster=\"provider\",form=\"streaming\",resource=\"configmaps\"} 1",
             "lists_total{cluster=\"provider\",form=\"paged\",resource=\"configmaps\"} 3",
             "watches_total{cluster=\"provider\",resource=\"configmaps\"} 2",
             "events_total{cluster=\"provider\",resource=\"configmaps\"} 1",
             "relists_total{cluster=\"provider\",reason=\"expired\",resource=\"configmaps\"} 1",
             "failures_total{cluster=\"provider\",code=\"ServiceUnavailable\",resource=\"configmaps\"} 1",
             "last_list_timestamp_seconds{cluster=\"provider\",resource=\"configmaps\"}",
         }) {
      EXPECT_THAT(text, ::testing::HasSubstr(std::string("\nklutch_informer_") + line));
    }
    cache.stop(ctx);
  }
  EXPECT_THAT(
      render(registry),
      ::testing::HasSubstr("klutch_informer_objects{cluster=\"provider\",resource=\"configmaps\"} 0"));
}

}  // namespace
}  // namespace klutch::kube
