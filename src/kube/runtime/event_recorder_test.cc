// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/event_recorder.h"

#include "json/build.h"
#include "kube/api/kinds.h"
#include "kube/runtime/fake_kube_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;

Object about_object(const char* ns, const char* name) {
  Object object =
      json::object({{"apiVersion", "example.com/v1"},
                    {"kind", "Widget"},
                    {"metadata", json::object({{"name", name}, {"uid", "u-1"}, {"resourceVersion", "7"}})}});
  if (*ns != '\0') object["metadata"].set("namespace", ns);
  return object;
}

struct Recording {
  explicit Recording(Ctx& ctx, EventRecorderOptions options = {})
      : recorder(ctx, server, [&] {
          options.component = "konnector";
          options.clock = &clock;
          return options;
        }()) {}
  [[nodiscard]] std::vector<Object> events() const { return server.all(Event::type()); }

  FakeKube server;
  ManualClock clock{Time(24h * 365 * 50)};
  EventRecorder recorder;
};

FIBER_TEST(EventRecorder, AnEventSaysWhatHappenedToWhom) {
  Recording r(ctx);
  r.recorder.warning(about_object("default", "web"), "SecretNotFound", "Secret a/b does not exist");
  EXPECT_TRUE(r.recorder.flush(ctx).has_value());
  ASSERT_EQ(r.events().size(), 1U);
  const auto event = r.events()[0];
  EXPECT_EQ(ns(event), "default");
  EXPECT_EQ(name(event).substr(0, 4), "web.");
  EXPECT_EQ(event.find_string("type"), "Warning");
  EXPECT_EQ(event.find_string("reason"), "SecretNotFound");
  EXPECT_EQ(event.find_string("message"), "Secret a/b does not exist");
  EXPECT_EQ(event.find_int("count"), 1);
  EXPECT_EQ(event.find_string("firstTimestamp"), event.find_string("lastTimestamp"));
  EXPECT_EQ(event.find_object("source")->find_string("component"), "konnector");
  EXPECT_EQ(*event.find_object("involvedObject"), json::object({{"apiVersion", "example.com/v1"},
                                                                {"kind", "Widget"},
                                                                {"namespace", "default"},
                                                                {"name", "web"},
                                                                {"uid", "u-1"},
                                                                {"resourceVersion", "7"}}));
  r.recorder.stop(ctx);
}

FIBER_TEST(EventRecorder, ObjectsWithoutNamespaceHaveTheirEventsInDefault) {
  Recording r(ctx);
  r.recorder.normal(about_object("", "node"), "Ready", "is ready");
  r.recorder.stop(ctx);
  ASSERT_EQ(r.events().size(), 1U);
  EXPECT_EQ(ns(r.events()[0]), "default");
  EXPECT_FALSE(r.events()[0].find_object("involvedObject")->contains("namespace"));
}

FIBER_TEST(EventRecorder, TheSameEventIsPatchedAndNotMadeAgain) {
  Recording r(ctx);
  for (int i = 0; i < 5; ++i) {
    r.recorder.normal(about_object("default", "web"), "Synced", "copied");
    r.clock.advance(1min);
  }
  EXPECT_TRUE(r.recorder.flush(ctx).has_value());
  ASSERT_EQ(r.events().size(), 1U);
  EXPECT_EQ(r.events()[0].find_int("count"), 5);
  EXPECT_NE(r.events()[0].find_string("lastTimestamp"), r.events()[0].find_string("firstTimestamp"));
  EXPECT_EQ(r.server.writes(), 5U);
  r.recorder.stop(ctx);
}

FIBER_TEST(EventRecorder, AnEventThatExpiredIsMadeAgainWithItsCount) {
  Recording r(ctx);
  const auto about = about_object("default", "web");
  r.recorder.normal(about, "Synced", "copied");
  EXPECT_TRUE(r.recorder.flush(ctx).has_value());
  r.server.erase(Event::type(), key(r.events()[0]));
  r.recorder.normal(about, "Synced", "copied");
  EXPECT_TRUE(r.recorder.flush(ctx).has_value());
  ASSERT_EQ(r.events().size(), 1U);
  EXPECT_EQ(r.events()[0].find_int("count"), 2);
  r.recorder.stop(ctx);
}

FIBER_TEST(EventRecorder, AStormOfEventsStaysSmall) {
  Recording r(ctx, {.queue = 100'000});
  for (int i = 0; i < 10'000; ++i) {
    r.recorder.warning(about_object("default", "web"), "Failed", "attempt " + std::to_string(i));
    if (i % 50 == 0) ctx.yield();
  }
  EXPECT_TRUE(r.recorder.flush(ctx).has_value());
  EXPECT_EQ(r.events().size(), 10U) << "nine different ones and a combined one";
  EXPECT_EQ(r.server.writes(), 25U);
  EXPECT_EQ(r.recorder.lost(), 0U) << "left out on purpose";
  r.recorder.stop(ctx);
}

FIBER_TEST(EventRecorder, RecordingNeverWaitsAndWhatIsTooMuchIsCounted) {
  Recording r(ctx, {.queue = 10});
  r.server.before = [](Ctx& task, const Request&) { return task.sleep(24h); };
  const Instant start = ctx.now();
  for (int i = 0; i < 100; ++i) {
    r.recorder.normal(about_object("default", ("web" + std::to_string(i)).c_str()), "Synced", "copied");
  }
  EXPECT_EQ(ctx.now(), start);
  EXPECT_EQ(r.recorder.lost(), 90U);
  r.recorder.stop(ctx);
  EXPECT_EQ(ctx.now() - start, 5s) << "the end does not wait for a dead server";
  EXPECT_GE(r.recorder.lost(), 99U);
}

FIBER_TEST(EventRecorder, AServerInTroubleIsAskedAgainAndOneThatRefusesIsNot) {
  Recording r(ctx);
  int requests = 0;
  Code code = Code::kUnavailable;
  r.server.before = [&](Ctx&, const Request&) -> Result<> {
    ++requests;
    return fail(code, "no");
  };
  r.recorder.normal(about_object("default", "a"), "Synced", "copied");
  EXPECT_TRUE(r.recorder.flush(ctx).has_value());
  EXPECT_EQ(requests, 3);
  code = Code::kForbidden;
  r.recorder.normal(about_object("default", "b"), "Synced", "copied");
  EXPECT_TRUE(r.recorder.flush(ctx).has_value());
  EXPECT_EQ(requests, 4);
  EXPECT_EQ(r.recorder.lost(), 2U);
  r.recorder.stop(ctx);
}

FIBER_TEST(EventRecorder, LongTextsAreCutBetweenCharacters) {
  Recording r(ctx);
  std::string message(1020, 'x');
  message += "\u00e4\u00e4\u00e4\u00e4";
  r.recorder.normal(about_object("default", std::string(253, 'n').c_str()), "Synced", message);
  r.recorder.stop(ctx);
  ASSERT_EQ(r.events().size(), 1U);
  const std::string stored(r.events()[0].find_string("message").value());
  EXPECT_LE(stored.size(), EventRecorder::kMaxMessage);
  EXPECT_EQ(stored.substr(stored.size() - 4), "x...");
  EXPECT_LE(name(r.events()[0]).size(), 253U);
}

}  // namespace
}  // namespace klutch::kube
