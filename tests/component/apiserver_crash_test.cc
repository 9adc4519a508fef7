// SPDX-License-Identifier: Apache-2.0
// klutch-apiserver under kill -9, with clients that remember what it acknowledged.
#include "apiserver_setup.h"

#include <charconv>
#include <map>

#include "async/task_group.h"
#include "base/os/environment.h"

namespace klutch::testing {
namespace {

constexpr int kWriters = 32;
std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::uint64_t version_of(const kube::Object& object) {
  return number(kube::resource_version(object));
}

/// How often the server is killed: KLUTCH_CRASHES, or a few times.
int crashes() {
  const auto chosen = os::get_env("KLUTCH_CRASHES");
  return chosen ? static_cast<int>(number(*chosen)) : 5;
}

std::unique_ptr<kube::HttpClient> client_of(Ctx& ctx, const EmbeddedServer& server) {
  const auto config = kube::resolve(kube::Kubeconfig::parse(server.kubeconfig()).value()).value();
  return kube::HttpClient::make(ctx, config, {.retries = 0}).value();
}

kube::Object config_map_of(const std::string& name, int value) {
  return json::object({{"apiVersion", "v1"},
                       {"kind", "ConfigMap"},
                       {"metadata", json::object({{"namespace", "default"}, {"name", name}})},
                       {"data", json::object({{"value", std::to_string(value)}})}});
}

/// What was acknowledged of one object: at least this.
struct Acknowledged {
  int value = 0;
  std::uint64_t version = 0;
};

/// Writes until the server is gone: each writer has an object of its own, with a value that only grows.
void write_until_killed(Ctx& ctx, EmbeddedServer& server, Duration until_kill,
                        std::map<std::string, Acknowledged>& acknowledged) {
  auto client = client_of(ctx, server);
  async::TaskGroup writers(ctx, async::TaskGroup::OnError::kKeepGoing);
  for (int i = 0; i < kWriters; ++i) {
    writers.spawn("writer", [&, i](Ctx& task) -> Result<> {
      const std::string name = "w" + std::to_string(i);
      while (true) {
        auto& known = acknowledged[name];
        const int value = known.value + 1;
        const auto written = known.version == 0
                                 ? client->create(task, kConfigMaps, config_map_of(name, value))
                                 : client->update(task, kConfigMaps, config_map_of(name, value));
        // A write that was carried out but not acknowledged is found by the next one.
        if (!written && is(written.error(), Code::kAlreadyExists)) {
          known.version = 1;
          continue;
        }
        if (!written) return fail(written.error());
        known = {value, version_of(*written)};
      }
    });
  }
  EXPECT_TRUE(ctx.sleep(until_kill));
  server.kill();
  static_cast<void>(writers.wait(ctx));
}

IO_FIBER_TEST(ApiServerCrash, KeepsEveryAcknowledgedWriteAndReusesNoRevision) {
  EmbeddedServer server(KLUTCH_APISERVER_PROGRAM, {"--log", "info"});
  std::map<std::string, Acknowledged> acknowledged;
  std::uint64_t newest = 0;
  std::size_t writes = 0;
  for (int round = 0; round < crashes(); ++round) {
    const auto started = server.start(ctx);
    ASSERT_TRUE(started) << started.error().message();
    const auto client = client_of(ctx, server);
    const auto list = client->list(ctx, kConfigMaps, {.ns = "default"});
    ASSERT_TRUE(list) << list.error().message();
    std::map<std::string, const kube::Object*> found;
    for (const auto& object : list->items) found[std::string(kube::name(object))] = &object;
    for (const auto& [name, known] : acknowledged) {
      if (known.version == 0) continue;
      ASSERT_TRUE(found.contains(name)) << name << " was acknowledged with " << known.version;
      EXPECT_GE(version_of(*found[name]), known.version);
      EXPECT_GE(number(found[name]->find("data")->find_string("value").value_or("")), known.value);
    }
    // Nothing that is written from now on may have a revision that anybody has seen.
    const auto fresh = client->create(ctx, kConfigMaps, config_map_of("fresh" + std::to_string(round), 0));
    ASSERT_TRUE(fresh) << fresh.error().message();
    EXPECT_GT(version_of(*fresh), newest);
    const auto pause = std::chrono::milliseconds(30 + 37 * (round % 7));
    write_until_killed(ctx, server, pause, acknowledged);
    for (const auto& [name, known] : acknowledged) {
      newest = std::max(newest, known.version);
      writes += static_cast<std::size_t>(known.value);
    }
  }
  EXPECT_GT(writes, 0U);
}

IO_FIBER_TEST(ApiServerCrash, WatchesFromBeforeGetGoneNeverSilence) {
  EmbeddedServer server(KLUTCH_APISERVER_PROGRAM);
  ASSERT_TRUE(server.start(ctx));
  const auto before = client_of(ctx, server)->create(ctx, kConfigMaps, config_map_of("a", 1));
  ASSERT_TRUE(before) << before.error().message();
  server.kill();
  ASSERT_TRUE(server.start(ctx));
  const auto client = client_of(ctx, server);
  // The server wrote nothing since: resuming from the present is fine, from further back is not.
  const auto old = client->watch(
      ctx, kConfigMaps, {.ns = "default", .resource_version = std::to_string(version_of(*before) - 1)});
  const auto event = old ? (*old)->next(ctx) : Result<std::optional<kube::WatchEvent>>(fail(old.error()));
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code(), Code::kGone) << event.error().message();
}

IO_FIBER_TEST(ApiServerCrash, StopsInOrderWhenAsked) {
  EmbeddedServer server(KLUTCH_APISERVER_PROGRAM);
  ASSERT_TRUE(server.start(ctx));
  const auto client = client_of(ctx, server);
  const auto watch = client->watch(ctx, kConfigMaps, {.ns = "default"});
  ASSERT_TRUE(watch) << watch.error().message();
  const auto status = server.stop(ctx);
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_TRUE(status->success()) << status->describe() << "\n" << server.log();
}

}  // namespace
}  // namespace klutch::testing
