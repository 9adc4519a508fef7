// SPDX-License-Identifier: Apache-2.0
#include "obs/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/os/file.h"
#include "base/secret.h"
#include "base/strings.h"
#include "obs/log_sink.h"

namespace klutch::obs {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// What must not compile as a value of a field.
struct Opaque {};
static_assert(!std::is_constructible_v<FieldValue, Secret>);
static_assert(!std::is_constructible_v<FieldValue, const Secret&>);
static_assert(!std::is_constructible_v<FieldValue, Opaque*>, "a pointer must not become a bool");
static_assert(!std::is_constructible_v<FieldValue, Level>);
static_assert(std::is_constructible_v<FieldValue, const char*>);
static_assert(std::is_constructible_v<FieldValue, std::string>);
static_assert(is_known_field("address") && !is_known_field("addr"));

TEST(Log, ALineCarriesMessageAndFields) {
  const ScopedLogSink sink;
  const Logger log("log_test");
  const std::string address = "127.0.0.1";
  log.info("started listener", {{"address", address}, {"port", 8080}});
  ASSERT_THAT(sink.lines(), SizeIs(1));
  EXPECT_THAT(
      sink.lines()[0],
      HasSubstr(R"("logger":"log_test","msg":"started listener","address":"127.0.0.1","port":8080})"));
}

TEST(Log, BoundFieldsStandOnEveryLineAndOutliveTheirSource) {
  const ScopedLogSink sink;
  const Logger log("log_test");
  Logger bound = log;
  {
    const std::string id = "a string that is too long for the small string optimisation";
    bound = log.with({{"request_id", id}, {"attempt", 1}}).with({{"attempt", 2}, {"duration", 1500ms}});
  }
  bound.warn("one", {{"count", 3}});
  log.info("two");
  ASSERT_THAT(sink.lines(), SizeIs(2));
  EXPECT_THAT(sink.lines()[0],
              HasSubstr(R"("request_id":"a string that is too long for the small string optimisation",)"
                        R"("attempt":2,"duration":"1.5s","count":3})"));
  EXPECT_THAT(sink.lines()[1], HasSubstr(R"("msg":"two"})"));
}

TEST(Log, ABoundErrorKeepsItsCode) {
  const ScopedLogSink sink;
  Logger("log_test").with({{"error", Error(Code::kGone, "too old")}}).error("gave up");
  ASSERT_THAT(sink.lines(), SizeIs(1));
  EXPECT_THAT(sink.lines()[0], HasSubstr(R"("error":"too old","error_code":"Expired"})"));
}

TEST(Log, AFieldOfTheCallReplacesABoundOne) {
  const ScopedLogSink sink;
  Logger("log_test").with({{"attempt", 1}}).info("again", {{"attempt", 2}});
  EXPECT_THAT(sink.lines()[0], HasSubstr(R"("msg":"again","attempt":2})"));
}

struct LevelCase {
  std::string_view levels;
  std::string_view written;  ///< Of "http.server" (h), "http" (H) and "kube" (k), at debug, info and error.
  std::string_view reason;
};

TEST(Log, LevelsFollowTheLongestNameThatMatches) {
  const Logger server("http.server");
  const Logger http("http");
  const Logger kube("kube");
  const LevelCase cases[] = {
      {"", "hi Hi ki he He ke", "nothing said is info"},
      {"error", "he He ke", "one level for everything"},
      {"info,http=debug", "hd Hd hi Hi ki he He ke", "a part covers what is below it"},
      {"info,http=error,http.server=debug", "hd hi ki he He ke", "the longer name wins"},
      {"http.server=debug", "hd hi Hi ki he He ke", "everything else stays at info"},
      {"off,kube=info", "ki ke", "off"},
      {" INFO , http = Off ,", "ki ke", "blanks and capitals"},
      {"info,htt=debug", "hi Hi ki he He ke", "names match by whole parts"},
  };
  for (const auto& c : cases) {
    const ScopedLogSink sink(c.levels);
    const auto note = [&](const Logger& log, Level level, std::string_view what) {
      EXPECT_EQ(log.enabled(level), c.written.find(what) != std::string_view::npos)
          << c.reason << ": " << what;
    };
    for (const auto& [log, letter] :
         {std::pair(&server, 'h'), std::pair(&http, 'H'), std::pair(&kube, 'k')}) {
      note(*log, Level::kDebug, std::string{letter, 'd'});
      note(*log, Level::kInfo, std::string{letter, 'i'});
      note(*log, Level::kError, std::string{letter, 'e'});
    }
  }
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  const ScopedLogSink sink("warn");
  const Logger log("log_test");
  log.trace("t");
  log.debug("d");
  log.info("i");
  EXPECT_THAT(sink.lines(), IsEmpty());
  log.warn("w");
  log.error("e");
  EXPECT_THAT(sink.lines(), SizeIs(2));
}

TEST(Log, WrongLevelsChangeNothing) {
  const ScopedLogSink sink("error");
  const Logger log("log_test");
  for (const std::string_view levels :
       {"loud", "info,debug", "http=loud", "=debug", "http=debug,http=info", "info,http=", "http==info"}) {
    const auto result = set_log_levels(levels);
    ASSERT_FALSE(result.has_value()) << levels;
    EXPECT_TRUE(is(result.error(), Code::kInvalid)) << levels;
    EXPECT_FALSE(log.enabled(Level::kWarn)) << levels;
  }
  EXPECT_TRUE(is(set_log_levels(std::string(5000, ',')).error(), Code::kTooLarge));
  EXPECT_TRUE(set_log_levels("debug").has_value());
  EXPECT_TRUE(log.enabled(Level::kDebug));
}

TEST(Log, AFileIsForItsOwnerOnlyAndAppendedTo) {
  const ScopedLogSink restore;
  const auto dir = os::TempDir::create().value();
  const auto path = dir.file("log");
  for (const bool json : {true, false}) {
    LogOptions options{.levels = "info", .format = json ? LogFormat::kJson : LogFormat::kText, .file = path};
    ASSERT_TRUE(configure_logging(options).has_value());
    Logger("log_test").info("hello", {{"name", "x y"}});
  }
  const auto content = os::read_file(path).value();
  const auto lines = split(content, '\n');
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], HasSubstr(R"("msg":"hello","name":"x y"})"));
  EXPECT_THAT(lines[1], HasSubstr(R"(name="x y")"));
  EXPECT_THAT(lines[1], Not(HasSubstr("\x1b"))) << "a file is no terminal";
  EXPECT_EQ(os::find_file(path).value()->mode, 0600U);
}

TEST(Log, AFileThatCannotBeOpenedChangesNothing) {
  const ScopedLogSink sink;
  const auto result = configure_logging({.levels = "off", .file = "/nonexistent/log"});
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kNotFound));
  Logger("log_test").info("still here");
  EXPECT_THAT(sink.lines(), SizeIs(1));
}

/// Refuses lines until told otherwise.
class BrokenSink final : public LogSink {
 public:
  bool write(std::string_view line) noexcept override {
    if (broken) return false;
    lines.emplace_back(line);
    return true;
  }
  bool broken = true;
  std::vector<std::string> lines;
};

TEST(Log, LostLinesAreCountedAndReportedOnce) {
  const ScopedLogSink restore;
  const auto sink = std::make_shared<BrokenSink>();
  set_log_sink(sink, LogFormat::kJson);
  const Logger log("log_test");
  for (int i = 0; i < 3; ++i) log.info("lost");
  sink->broken = false;
  log.info("found");
  log.info("again");
  ASSERT_THAT(sink->lines, SizeIs(3));
  EXPECT_THAT(sink->lines[0], HasSubstr("found"));
  EXPECT_THAT(sink->lines[1], HasSubstr(R"("lost":3})"));
  EXPECT_THAT(sink->lines[2], HasSubstr("again"));
}

TEST(Log, ThreadsMayLogAndChangeLevelsAtOnce) {
  const ScopedLogSink sink;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const Logger log("log_test.thread");
      const Logger bound = log.with({{"task", t}});
      for (int i = 0; i < 200; ++i) {
        bound.error("line", {{"count", i}});
        if (i % 50 != 0) continue;
        EXPECT_TRUE(set_log_levels(i % 100 == 0 ? "debug" : "info,log_test=trace").has_value());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(sink.lines(), SizeIs(800));
}

}  // namespace
}  // namespace klutch::obs
