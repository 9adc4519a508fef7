// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/task_group.h"
#include "base/duration.h"
#include "kube/runtime/reflector.h"
#include "testing/fake_kube_client.h"

// A reflector with all that it needs, run by a fiber of its own against scripted answers. For tests only.

namespace klutch::kube {

using Lines = std::vector<std::string>;

struct ReflectorRig {
  /// `random` is what chance always gives.
  explicit ReflectorRig(Ctx& ctx, ReflectorOptions options = {}, double random = 0)
      : started(ctx.now()),
        writer(store, {.type = testing::config_maps(), .ns = options.what.ns},
               [this](const Change& change) { changes.push_back(describe(change)); }),
        reflector(client, writer, metrics, complete(std::move(options), random)),
        tasks(ctx, async::TaskGroup::OnError::kKeepGoing) {}

  static ReflectorOptions complete(ReflectorOptions options, double random) {
    options.type = testing::config_maps();
    options.backoff.random = [random] { return random; };
    return options;
  }

  /// "+a@1" added, "a@1>2" updated, "-a@1" deleted.
  static std::string describe(const Change& change) {
    const auto version = [](const ObjectPtr& object) { return std::string(resource_version(*object)); };
    switch (change.kind) {
      case Change::Kind::kAdded: return "+" + change.key.name + "@" + version(change.now);
      case Change::Kind::kUpdated:
        return change.key.name + "@" + version(change.before) + ">" + version(change.now);
      case Change::Kind::kDeleted: break;
    }
    return "-" + change.key.name + "@" + version(change.before);
  }

  /// Starts the reflector and lets it work until nothing is left to do before `duration` has passed.
  void run_for(Ctx& ctx, Duration duration = std::chrono::milliseconds(1)) {
    if (tasks.running() == 0) {
      tasks.spawn("reflector", [this](Ctx& task) -> Result<> {
        ended = reflector.run(task);
        return {};
      });
    }
    ASSERT_TRUE(ctx.sleep(duration).has_value());
  }

  /// All requests so far: "stream 7", "list 7", "list next" (with a continue token), "whole 7" (not paged),
  /// "watch 7"; after them the time since the start, if that is not 0.
  Lines requests() const {
    Lines lines;
    for (const auto& asked : client.asked()) {
      std::string line = "list ";
      if (asked.request.verb == Verb::kWatch) {
        line = asked.parameter("sendInitialEvents") == "true" ? "stream " : "watch ";
      } else if (asked.parameter("limit").empty()) {
        line = "whole ";
      }
      const auto token = asked.parameter("continue");
      const auto version = asked.parameter("resourceVersion");
      // Otherwise a page is one of exactly that version, however old (API concepts, "list").
      const bool at_least = asked.request.verb == Verb::kList && !version.empty() && version != "0";
      if (at_least) {
        EXPECT_EQ(asked.parameter("resourceVersionMatch"), "NotOlderThan") << line << version;
      }
      line += token.empty() ? version : token;
      const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(asked.at - started);
      if (after.count() != 0) line += " after " + format_duration(after);
      lines.push_back(line);
    }
    return lines;
  }

  Lines take_changes() { return std::exchange(changes, {}); }

  const Instant started;
  testing::FakeKubeClient client;
  ObjectStore store;
  Lines changes;
  StoreWriter writer;
  InformerMetrics metrics;
  Reflector reflector;
  std::optional<Result<>> ended;  ///< what run() gave
  async::TaskGroup tasks;
};

}  // namespace klutch::kube
