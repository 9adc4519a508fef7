// SPDX-License-Identifier: Apache-2.0
#include "local/supervisor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "async/task_group.h"
#include "base/os/file.h"
#include "base/os/process.h"
#include "testing/fiber_test.h"

namespace klutch::local {
namespace {

using Kind = SupervisorEvent::Kind;

/// A supervisor over programs of the system, in a folder of its own.
struct Stand {
  os::TempDir folder = *os::TempDir::create();
  Layout layout{folder.path()};
  std::vector<Component> components = {};
  std::vector<SupervisorEvent> events = {};

  void add(std::string name, std::vector<std::string> argv) {
    Component component;
    component.name = std::move(name);
    component.argv = std::move(argv);
    components.push_back(std::move(component));
  }
  Result<> run(Ctx& ctx) {
    return supervise(
        ctx, layout, components, [&](const SupervisorEvent& event) { events.push_back(event); },
        {.first_restart = std::chrono::milliseconds(1), .stop_patience = std::chrono::seconds(5)});
  }
  [[nodiscard]] std::size_t count(Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events, kind, &SupervisorEvent::kind));
  }
  /// Waits until so many events of that kind have come.
  [[nodiscard]] bool saw(Ctx& ctx, Kind kind, std::size_t wanted) const {
    for (int i = 0; i < 2000 && count(kind) < wanted; ++i) {
      if (!ctx.sleep(std::chrono::milliseconds(5))) return false;
    }
    return count(kind) >= wanted;
  }
};

int pid_of(const Stand& stand, std::string_view program) {
  const auto found = find_process(stand.layout, program);
  return found && *found ? (*found)->pid : 0;
}

IO_FIBER_TEST(Supervisor, StartsAgainWhatEnds) {
  Stand stand;
  stand.add("once", {"/bin/true"});
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) { return stand.run(task); });
  EXPECT_TRUE(stand.saw(ctx, Kind::kEnded, 3));
  tasks.stop(ctx);
  EXPECT_GE(stand.count(Kind::kStarted), 3U);
}

IO_FIBER_TEST(Supervisor, StopsWhatItStarted) {
  Stand stand;
  stand.add("sleeper", {"/bin/sleep", "1000"});
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) { return stand.run(task); });
  ASSERT_TRUE(stand.saw(ctx, Kind::kStarted, 1));
  const int pid = pid_of(stand, "sleeper");
  ASSERT_NE(pid, 0);
  tasks.stop(ctx);
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_EQ(pid_of(stand, "sleeper"), 0);
  EXPECT_EQ(pid_of(stand, kSupervisor), 0);
}

IO_FIBER_TEST(Supervisor, KillsWhatDoesNotWantToStop) {
  Stand stand;
  stand.add("stubborn",
            {"/bin/sh", "-c",
             "trap '' TERM; touch " + stand.folder.file("ready") + "; while :; do sleep 1000; done"});
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) {
    return supervise(task, stand.layout, stand.components,
                     [&](const SupervisorEvent& event) { stand.events.push_back(event); },
                     {.stop_patience = std::chrono::milliseconds(50)});
  });
  for (int i = 0; i < 1000 && !os::find_file(stand.folder.file("ready")).value_or(std::nullopt); ++i) {
    ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(5)));
  }
  const int pid = pid_of(stand, "stubborn");
  tasks.stop(ctx);
  EXPECT_NE(::kill(pid, 0), 0);
}

IO_FIBER_TEST(Supervisor, TakesOverWhatAnEarlierOneLeftAndNeverDoublesIt) {
  Stand stand;
  stand.add("sleeper", {"/bin/sleep", "1000"});
  // As after kill -9 of a supervisor: the program runs and is written down.
  auto orphan = *os::Process::spawn({.argv = {"/bin/sleep", "1000"}});
  ASSERT_TRUE(os::make_directories(stand.layout.path() + "/run"));
  ASSERT_TRUE(os::write_file_atomic(stand.layout.process_file("sleeper"), os::to_string(orphan.id())));
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) { return stand.run(task); });
  ASSERT_TRUE(stand.saw(ctx, Kind::kAdopted, 1));
  EXPECT_EQ(stand.count(Kind::kStarted), 0U);
  EXPECT_EQ(pid_of(stand, "sleeper"), orphan.id().pid);
  // It is watched, too.
  ASSERT_TRUE(orphan.kill());
  ASSERT_TRUE(orphan.wait());
  EXPECT_TRUE(stand.saw(ctx, Kind::kStarted, 1));
  tasks.stop(ctx);
}

IO_FIBER_TEST(Supervisor, IgnoresANoteAboutAProcessThatIsGone) {
  Stand stand;
  stand.add("sleeper", {"/bin/sleep", "1000"});
  ASSERT_TRUE(os::make_directories(stand.layout.path() + "/run"));
  ASSERT_TRUE(os::write_file_atomic(stand.layout.process_file("sleeper"), "1:1:another-boot"));
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) { return stand.run(task); });
  EXPECT_TRUE(stand.saw(ctx, Kind::kStarted, 1));
  tasks.stop(ctx);
}

IO_FIBER_TEST(Supervisor, IsAloneInItsFolder) {
  Stand stand;
  stand.add("sleeper", {"/bin/sleep", "1000"});
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) { return stand.run(task); });
  ASSERT_TRUE(stand.saw(ctx, Kind::kStarted, 1));
  const auto second = stand.run(ctx);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::kAlreadyExists);
  EXPECT_NE(second.error().message().find("by pid"), std::string::npos);
  tasks.stop(ctx);
}

IO_FIBER_TEST(Supervisor, SaysWhatCannotBeStarted) {
  Stand stand;
  stand.add("missing", {"/nonexistent/program"});
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) { return stand.run(task); });
  EXPECT_TRUE(stand.saw(ctx, Kind::kFailed, 2));
  tasks.stop(ctx);
  EXPECT_NE(stand.events.front().text.find("/nonexistent/program"), std::string::npos);
}

}  // namespace
}  // namespace klutch::local
