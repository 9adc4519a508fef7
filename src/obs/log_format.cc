// SPDX-License-Identifier: Apache-2.0
#include "obs/log_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/duration.h"
#include "base/strings.h"
#include "base/time.h"

namespace klutch::obs {
namespace {

struct LevelLook {
  std::string_view name;
  std::string_view padded;
  std::string_view colour;
};

constexpr std::array kLevels = {
    LevelLook{"trace", "TRACE", "\x1b[2m"},  LevelLook{"debug", "DEBUG", "\x1b[36m"},
    LevelLook{"info", "INFO ", "\x1b[32m"},  LevelLook{"warn", "WARN ", "\x1b[33m"},
    LevelLook{"error", "ERROR", "\x1b[31m"}, LevelLook{"off", "OFF  ", ""},
};
constexpr std::string_view kColourEnd = "\x1b[0m";

const LevelLook& look(Level level) {
  return kLevels[static_cast<std::size_t>(level)];
}

/// What a value is on paper. Numbers and booleans stand bare in JSON, the rest is text.
struct Printed {
  std::string text;
  bool bare = false;
};

template <class Number>
std::string print_number(Number number) {
  std::array<char, 32> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end};
}

struct Printer {
  Printed operator()(std::string_view text) const {
    return {std::string(text.substr(0, kMaxValueBytes + 1))};
  }
  Printed operator()(std::int64_t number) const { return {print_number(number), true}; }
  Printed operator()(std::uint64_t number) const { return {print_number(number), true}; }
  Printed operator()(double number) const { return {print_number(number), std::isfinite(number)}; }
  Printed operator()(bool value) const { return {value ? "true" : "false", true}; }
  Printed operator()(Duration duration) const { return {format_duration(duration)}; }
  Printed operator()(Time time) const { return {format_rfc3339_micros(time)}; }
  Printed operator()(const Error* error) const { return (*this)(std::string_view(error->message())); }
};

/// Calls `emit(key, printed)` for each field that counts, with values cut to what the line still has room
/// for.
template <class Emit>
void for_each_field(const Record& record, Emit emit) {
  std::size_t room = kMaxLineValueBytes;
  std::size_t emitted = 0;
  for (auto field = record.fields.begin(); field != record.fields.end(); ++field) {
    const auto same_key = [&](const RecordField& other) { return other.key == field->key; };
    if (std::any_of(field + 1, record.fields.end(), same_key)) continue;
    if (emitted++ == kMaxFields) break;
    Printed printed = std::visit(Printer{}, field->value.get());
    const std::size_t cap = std::min(room, kMaxValueBytes);
    if (printed.text.size() > cap) {
      printed = {std::string(utf8_prefix(printed.text, cap)) + "..."};
    }
    room -= std::min(room, printed.text.size());
    emit(field->key, printed);
    if (const auto* error = std::get_if<const Error*>(&field->value.get())) {
      emit("error_code", Printed{std::string(traits((*error)->code()).name)});
    }
  }
}

void append_json_escape(std::string& out, std::string_view c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (c == "\"" || c == "\\") {
    out.append("\\").append(c);
  } else if (c == "\n") {
    out += "\\n";
  } else if (!is_deceptive(c)) {
    out += c;
  } else {
    // All deceptive characters are in the basic plane: one to three bytes of UTF-8.
    unsigned point = static_cast<unsigned char>(c[0]);
    if (c.size() == 2) point = (point & 0x1FU) << 6U | (static_cast<unsigned char>(c[1]) & 0x3FU);
    if (c.size() == 3) {
      point = (point & 0x0FU) << 12U | (static_cast<unsigned char>(c[1]) & 0x3FU) << 6U |
              (static_cast<unsigned char>(c[2]) & 0x3FU);
    }
    out += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kHex[point >> shift & 0xFU];
  }
}

/// Any bytes as a JSON string: what is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      append_json_escape(out, text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

/// Whether a value can stand in a text line without quotes and be told from what is around it.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '=' && c != '\\';
  });
}

void pad_to(std::string& out, std::size_t column) {
  if (out.size() < column) out.append(column - out.size(), ' ');
}

}  // namespace

std::string_view level_name(Level level) noexcept {
  return look(level).name;
}

std::string render_text(const Record& record, bool colour) {
  constexpr std::size_t kLoggerWidth = 16;
  constexpr std::size_t kMessageWidth = 36;
  const LevelLook& level = look(record.level);
  std::string out = format_rfc3339_micros(record.time) + ' ';
  if (colour) out += level.colour;
  out += level.padded;
  if (colour) out += kColourEnd;
  out += ' ';
  const std::size_t logger_column = out.size();
  out += record.logger;
  pad_to(out, logger_column + kLoggerWidth);
  out += ' ';
  const std::size_t message_column = out.size();
  out += record.message;
  if (!record.fields.empty()) pad_to(out, message_column + kMessageWidth);
  for_each_field(record, [&out](std::string_view key, const Printed& value) {
    out.append(" ").append(key).append("=");
    out += is_plain(value.text) ? value.text : quote(value.text, value.text.size());
  });
  return out;
}

std::string render_json(const Record& record) {
  std::string out = "{\"ts\":\"" + format_rfc3339_micros(record.time) + "\",\"level\":\"";
  out.append(level_name(record.level)).append("\",\"logger\":");
  append_json_string(out, record.logger);
  out += ",\"msg\":";
  append_json_string(out, record.message);
  for_each_field(record, [&out](std::string_view key, const Printed& value) {
    out.append(",\"").append(key).append("\":");
    if (value.bare) {
      out += value.text;
    } else {
      append_json_string(out, value.text);
    }
  });
  return out + '}';
}

}  // namespace klutch::obs
