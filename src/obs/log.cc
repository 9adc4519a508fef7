// SPDX-License-Identifier: Apache-2.0
#include "obs/log.h"

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/os/environment.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "obs/log_format.h"
#include "obs/log_sink.h"

namespace klutch::obs {
namespace detail {

/// The part of a program a logger belongs to. Lives as long as the program, because loggers point to it.
struct Module {
  std::string_view name;
  std::atomic<Level> threshold;
};

/// Copies of fields, because a logger outlives the statement that bound them.
struct BoundFields {
  struct Bound {
    std::string_view key;
    std::variant<std::string, FieldValue> value;
    std::string code;  // of an Error, else empty
  };
  std::vector<Bound> fields;
};

}  // namespace detail

namespace {

using detail::BoundFields;
using detail::Module;

constexpr int kStandardError = 2;

// -------------------------------------------------------------------------------------------------- levels

/// "info,http=debug" taken apart.
struct LevelSpec {
  Level everything = Level::kInfo;
  std::map<std::string, Level, std::less<>> parts;

  /// The level of the longest dotted prefix of `module` that has one.
  [[nodiscard]] Level level_of(std::string_view module) const {
    while (true) {
      if (const auto part = parts.find(module); part != parts.end()) return part->second;
      const auto dot = module.rfind('.');
      if (dot == std::string_view::npos) return everything;
      module = module.substr(0, dot);
    }
  }
};

Result<Level> parse_level(std::string_view text) {
  for (const Level level :
       {Level::kTrace, Level::kDebug, Level::kInfo, Level::kWarn, Level::kError, Level::kOff}) {
    if (equal_ignore_case(text, level_name(level))) return level;
  }
  return fail(Code::kInvalid,
              "unknown log level " + quote(text, 32) + "; there are error, warn, info, debug, trace and off");
}

Result<> add_level(LevelSpec& spec, std::string_view entry, bool& everything_given) {
  const auto part = split_once(entry, "=");
  if (!part) {
    if (everything_given)
      return fail(Code::kInvalid, "log level " + quote(entry, 32) + " is the second for everything");
    everything_given = true;
    spec.everything = TRY(parse_level(entry));
    return {};
  }
  const std::string_view name = trim(part->first);
  if (name.empty()) return fail(Code::kInvalid, "log level entry " + quote(entry, 64) + " names no part");
  const Level level = TRY(parse_level(trim(part->second)));
  if (!spec.parts.emplace(name, level).second) {
    return fail(Code::kInvalid, "two log levels for " + quote(name, 64));
  }
  return {};
}

Result<LevelSpec> parse_levels(std::string_view text) {
  constexpr std::size_t kMaxBytes = 4096;
  if (text.size() > kMaxBytes) return fail(Code::kTooLarge, "the log levels are longer than 4096 characters");
  LevelSpec spec;
  bool everything_given = false;
  for (const auto piece : split(text, ',')) {
    if (const auto entry = trim(piece); !entry.empty()) TRY(add_level(spec, entry, everything_given));
  }
  return spec;
}

// --------------------------------------------------------------------------------------------- global state

/// The one global of the project: where lines go and which.
class Logging {
 public:
  static Logging& get() {
    static auto* const logging = new Logging;  // never destroyed: destructors of other statics may log
    return *logging;
  }

  const Module& module(std::string_view name) {
    const std::lock_guard lock(mutex_);
    auto& module = modules_[name];
    if (!module) module.reset(new Module{name, levels_.level_of(name)});
    return *module;
  }

  void set_levels(LevelSpec levels) {
    const std::lock_guard lock(mutex_);
    levels_ = std::move(levels);
    for (const auto& [name, module] : modules_) module->threshold = levels_.level_of(name);
  }

  void set_sink(std::shared_ptr<LogSink> sink, LogFormat format, bool colour) {
    const std::lock_guard lock(mutex_);
    output_ = {std::move(sink), format, colour};
  }

  void write(const Record& record) {
    const Output output = current_output();
    if (!output.write(record)) {
      lost_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (const auto lost = lost_.exchange(0, std::memory_order_relaxed); lost > 0) {
      const Record report{.time = record.time,
                          .level = Level::kWarn,
                          .logger = "obs.log",
                          .message = "lines were lost because nobody took them",
                          .fields = {{"lost", lost}}};
      if (!output.write(report)) lost_.fetch_add(lost, std::memory_order_relaxed);
    }
  }

 private:
  struct Output {
    std::shared_ptr<LogSink> sink;
    LogFormat format;
    bool colour;

    [[nodiscard]] bool write(const Record& record) const {
      return sink->write(format == LogFormat::kJson ? render_json(record) : render_text(record, colour));
    }
  };

  Output current_output() {
    const std::lock_guard lock(mutex_);
    return output_;
  }

  std::mutex mutex_;
  LevelSpec levels_;
  Output output_{std::make_shared<DescriptorSink>(kStandardError), LogFormat::kText, false};
  std::map<std::string_view, std::unique_ptr<Module>> modules_;
  std::atomic<std::uint64_t> lost_ = 0;
};

bool wants_colour(int fd) {
  // https://no-color.org: set and not empty means no.
  return os::is_terminal(fd) && os::get_env("NO_COLOR").value_or("").empty() && os::get_env("TERM") != "dumb";
}

BoundFields::Bound bind(const Field& field) {
  const auto& value = field.value.get();
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return {field.key.text(), std::string(text->substr(0, kMaxValueBytes + 1)), {}};
  }
  if (const auto* error = std::get_if<const Error*>(&value)) {
    return {field.key.text(), (*error)->message(), std::string(traits((*error)->code()).name)};
  }
  return {field.key.text(), field.value, {}};
}

}  // namespace

Logger::Logger(LogText name)
    : module_(&Logging::get().module(name.text())), threshold_(&module_->threshold) {}

Logger Logger::with(Fields fields) const {
  BoundFields more;
  for (const Field& field : fields) more.fields.push_back(bind(field));
  return with_bound(more);
}

Logger Logger::with_fields_of(const Logger& other) const {
  return other.bound_ ? with_bound(*other.bound_) : *this;
}

Logger Logger::with_bound(const BoundFields& more) const {
  auto all = bound_ ? std::make_shared<BoundFields>(*bound_) : std::make_shared<BoundFields>();
  for (const auto& field : more.fields) {
    std::erase_if(all->fields, [&](const auto& old) { return old.key == field.key; });
    if (all->fields.size() < kMaxFields) all->fields.push_back(field);
  }
  Logger copy = *this;
  copy.bound_ = std::move(all);
  return copy;
}

void Logger::write(Level level, LogText message, Fields fields) const {
  Record record{
      .time = system_clock().now(), .level = level, .logger = module_->name, .message = message.text()};
  if (bound_) {
    for (const auto& bound : bound_->fields) {
      const auto* text = std::get_if<std::string>(&bound.value);
      record.fields.push_back(
          {bound.key, text != nullptr ? FieldValue(*text) : std::get<FieldValue>(bound.value)});
      if (!bound.code.empty()) record.fields.push_back({"error_code", bound.code});
    }
  }
  for (const Field& field : fields) record.fields.push_back({field.key.text(), field.value});
  Logging::get().write(record);
}

Result<> configure_logging(const LogOptions& options) {
  auto levels = TRY(parse_levels(options.levels));
  std::shared_ptr<LogSink> sink;
  int fd = kStandardError;
  if (options.file.empty()) {
    sink = std::make_shared<DescriptorSink>(kStandardError);
  } else {
    auto file = TRY(os::open_for_append(options.file).map_error(context("cannot log to a file")));
    fd = file.get();
    sink = std::make_shared<DescriptorSink>(std::move(file));
  }
  Logging::get().set_levels(std::move(levels));
  Logging::get().set_sink(std::move(sink), options.format, wants_colour(fd));
  return {};
}

Result<> set_log_levels(std::string_view levels) {
  Logging::get().set_levels(TRY(parse_levels(levels)));
  return {};
}

void set_log_sink(std::shared_ptr<LogSink> sink, LogFormat format, bool colour) {
  if (!sink) sink = std::make_shared<DescriptorSink>(kStandardError);
  Logging::get().set_sink(std::move(sink), format, colour);
}

ScopedLogSink::ScopedLogSink(std::string_view levels, LogFormat format)
    : sink_(std::make_shared<MemorySink>()) {
  set_log_sink(sink_, format);
  Logging::get().set_levels(parse_levels(levels).value_or(LevelSpec{}));
}

ScopedLogSink::~ScopedLogSink() {
  set_log_sink(nullptr, LogFormat::kText);
  Logging::get().set_levels(LevelSpec{});
}

}  // namespace klutch::obs
