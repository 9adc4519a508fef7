// SPDX-License-Identifier: Apache-2.0
#include "obs/log_context.h"

#include <memory>

namespace klutch::obs {
namespace {

/// What a Ctx carries: a logger for the sake of its bound fields.
struct Carried {
  Logger fields;
};

const Logger& nobody() {
  static const Logger logger("context");
  return logger;
}

}  // namespace

Ctx with_log_fields(const Ctx& ctx, Fields fields) {
  const auto* carried = ctx.value<Carried>();
  const Logger& before = carried != nullptr ? carried->fields : nobody();
  return ctx.with_value(std::make_shared<const Carried>(Carried{before.with(fields)}));
}

Logger log_for(const Logger& log, const Ctx& ctx) {
  const auto* carried = ctx.value<Carried>();
  return carried != nullptr ? log.with_fields_of(carried->fields) : log;
}

}  // namespace klutch::obs
