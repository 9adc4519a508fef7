// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/error.h"
#include "base/result.h"
#include "obs/fields.h"

// Structured logs: a constant message with keys and values.
//
//   const obs::Logger log("http.server");
//   log.info("started listener", {{"address", address}, {"port", port}});
//   const auto request_log = log.with({{"request_id", id}});
//
// Loggers are values, cheap to copy, safe from any thread and fiber. A line never suspends a fiber, waits at
// most a fraction of a second for a reader that stopped (then lines are counted as lost), cannot be forged
// through a value (control characters are escaped) and has a bounded length. A Secret is not a value: it does
// not compile.

namespace klutch::obs {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

/// A value of a field. Borrows: it lives no longer than the logging call it is written in.
class FieldValue {
 public:
  using Variant =
      std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, Duration, Time, const Error*>;

  // Implicit throughout, so that {"port", port} reads well. Each template takes one kind of type and no
  // conversions, so that a pointer never becomes a bool.
  template <std::convertible_to<std::string_view> Text>
  FieldValue(const Text& text) : value_(std::string_view(text)) {}
  template <std::integral Number>
  FieldValue(Number number) : value_(widen(number)) {}
  template <std::floating_point Number>
  FieldValue(Number number) : value_(static_cast<double>(number)) {}
  template <class Rep, class Period>
  FieldValue(std::chrono::duration<Rep, Period> duration)
      : value_(std::chrono::duration_cast<Duration>(duration)) {}
  FieldValue(Time time) : value_(time) {}
  /// Becomes two fields: the message under the key given, and the name of the code as "error_code".
  FieldValue(const Error& error) : value_(&error) {}

  [[nodiscard]] const Variant& get() const noexcept { return value_; }

 private:
  template <std::integral Number>
  static Variant widen(Number number) {
    if constexpr (std::same_as<Number, bool>) {
      return number;
    } else if constexpr (std::unsigned_integral<Number>) {
      return static_cast<std::uint64_t>(number);
    } else {
      return static_cast<std::int64_t>(number);
    }
  }

  Variant value_;
};

struct Field {
  FieldKey key;
  FieldValue value;
};
using Fields = std::initializer_list<Field>;

namespace detail {
struct Module;
struct BoundFields;
}  // namespace detail

class Logger {
 public:
  /// A logger for part of the program, named by folder and file: "http.server". Loggers of one name share a
  /// level.
  explicit Logger(LogText name);

  /// The same logger with fields that every line of it carries. A later field of the same key replaces them.
  [[nodiscard]] Logger with(Fields fields) const;
  /// The same logger with the fields that `other` is bound to, as with() would add them.
  [[nodiscard]] Logger with_fields_of(const Logger& other) const;

  /// Whether a line of this level would be written. One atomic load.
  [[nodiscard]] bool enabled(Level level) const noexcept {
    return level >= threshold_->load(std::memory_order_relaxed);
  }

  /// Somebody must act.
  void error(LogText message, Fields fields = {}) const { log(Level::kError, message, fields); }
  /// Unexpected, but handled.
  void warn(LogText message, Fields fields = {}) const { log(Level::kWarn, message, fields); }
  /// What an operator wants to see of normal work.
  void info(LogText message, Fields fields = {}) const { log(Level::kInfo, message, fields); }
  /// For whoever looks for a fault.
  void debug(LogText message, Fields fields = {}) const { log(Level::kDebug, message, fields); }
  /// Every step.
  void trace(LogText message, Fields fields = {}) const { log(Level::kTrace, message, fields); }

  void log(Level level, LogText message, Fields fields = {}) const {
    if (enabled(level)) write(level, message, fields);
  }

 private:
  void write(Level level, LogText message, Fields fields) const;
  [[nodiscard]] Logger with_bound(const detail::BoundFields& more) const;

  const detail::Module* module_;
  const std::atomic<Level>* threshold_;
  std::shared_ptr<const detail::BoundFields> bound_;
};

enum class LogFormat {
  kText,  ///< For people: aligned, coloured on a terminal unless NO_COLOR is set.
  kJson,  ///< One JSON object per line: ts, level, logger, msg, then the fields.
};

struct LogOptions {
  /// A level for everything and levels for parts, where "http" covers "http.server": "info,http=debug".
  /// Levels are error, warn, info, debug, trace and off.
  std::string levels = "info";
  LogFormat format = LogFormat::kText;
  /// Appended to (mode 0600 when it is made); standard error when empty.
  std::string file = {};
};

/// Sets up logging for the whole program; before that, text at level info goes to standard error. May be
/// called again at any time. kInvalid for wrong levels; the errors of opening the file. On failure nothing
/// changes.
Result<> configure_logging(const LogOptions& options);

/// Changes the levels only. kInvalid names the entry that is wrong; then nothing changes.
Result<> set_log_levels(std::string_view levels);

}  // namespace klutch::obs
