// SPDX-License-Identifier: Apache-2.0
#include "obs/log_context.h"

#include <string>

#include "async/task_group.h"
#include "obs/log_sink.h"
#include "testing/fiber_test.h"

namespace klutch::obs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

FIBER_TEST(LogContext, EveryLineOfTheWorkCarriesItsFieldsAlsoInTasks) {
  const ScopedLogSink sink;
  const Logger log = Logger("test.context").with({{"module", "bind"}});
  auto named = with_log_fields(ctx, {{"request_id", "r1"}});
  ASSERT_TRUE(async::with_tasks(named, [&](async::TaskGroup& tasks) -> Result<> {
                tasks.spawn("task", [&](Ctx& task) -> Result<> {
                  log_for(log, task).info("working", {{"count", 3}});
                  return {};
                });
                return {};
              }).has_value());
  log_for(log, ctx).info("outside");
  const auto lines = sink.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], AllOf(HasSubstr(R"("module":"bind")"), HasSubstr(R"("request_id":"r1")"),
                              HasSubstr(R"("count":3)")));
  EXPECT_THAT(lines[1], AllOf(HasSubstr(R"("module":"bind")"), Not(HasSubstr("request_id"))));
}

FIBER_TEST(LogContext, InnerFieldsReplaceOuterOnesOfTheSameKey) {
  const ScopedLogSink sink;
  const Logger log("test.context");
  auto outer = with_log_fields(ctx, {{"request_id", "r1"}, {"route", "/x"}});
  auto inner = with_log_fields(outer, {{"request_id", "r2"}});
  log_for(log, inner).info("working");
  const auto lines = sink.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0],
              AllOf(HasSubstr(R"("request_id":"r2")"), HasSubstr(R"("route":"/x")"), Not(HasSubstr("r1"))));
}

}  // namespace
}  // namespace klutch::obs
