// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "obs/log.h"

// How a log line looks. Private to obs: pure functions, tested apart from clocks and sinks.

namespace klutch::obs {

/// Bytes of one value, of all values of a line together, and fields of a line; beyond them things are cut or
/// left out.
inline constexpr std::size_t kMaxValueBytes = 1024;
inline constexpr std::size_t kMaxLineValueBytes = 8 * 1024;
inline constexpr std::size_t kMaxFields = 32;

struct RecordField {
  std::string_view key;
  FieldValue value;
};

struct Record {
  Time time;
  Level level = Level::kInfo;
  std::string_view logger;
  std::string_view message;
  std::vector<RecordField> fields = {};  ///< The last of several with the same key counts.
};

std::string render_text(const Record& record, bool colour);
std::string render_json(const Record& record);

std::string_view level_name(Level level) noexcept;

}  // namespace klutch::obs
