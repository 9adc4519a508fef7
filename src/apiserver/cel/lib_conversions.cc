// SPDX-License-Identifier: Apache-2.0
// Conversions between the types of the language, and tests of texts.
#include <array>
#include <string>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/go_text.h"
#include "apiserver/cel/go_time.h"
#include "base/duration.h"
#include "base/strings.h"

namespace klutch::apiserver::cel {
namespace {

Value as_it_is(Arguments a) {
  return a[0];
}

Value conversion_error(std::string_view from, std::string_view to) {
  return Value::error("type conversion error from '" + std::string(from) + "' to '" + std::string(to) + "'");
}

Value string_to_bool(Arguments a) {
  const auto truth = go_parse_bool(a[0].as_text());
  return truth ? Value::boolean(*truth) : conversion_error("string", "bool");
}

Value string_to_bytes(Arguments a) {
  return Value::bytes(a[0].as_text());
}

Value int_to_double(Arguments a) {
  return Value::real(static_cast<double>(a[0].as_int()));
}

Value uint_to_double(Arguments a) {
  return Value::real(static_cast<double>(a[0].as_uint()));
}

Value string_to_double(Arguments a) {
  const auto number = go_parse_double(a[0].as_text());
  return number ? Value::real(*number) : conversion_error("string", "double");
}

Value int_to_duration(Arguments) {
  return conversion_error("int", "google.protobuf.Duration");
}

Value string_to_duration(Arguments a) {
  const auto duration = parse_duration(a[0].as_text());
  return duration ? Value::duration(duration->count())
                  : conversion_error("string", "google.protobuf.Duration");
}

Value double_to_int(Arguments a) {
  const double number = a[0].as_double();
  if (!(number > -9223372036854775808.0 && number < 9223372036854775808.0)) {
    return Value::error("integer overflow");
  }
  return Value::integer(static_cast<std::int64_t>(number));
}

Value duration_to_int(Arguments a) {
  return Value::integer(a[0].as_duration());
}

Value string_to_int(Arguments a) {
  const auto number = go_parse_int(a[0].as_text());
  return number ? Value::integer(*number) : conversion_error("string", "int");
}

Value timestamp_to_int(Arguments a) {
  return Value::integer(a[0].as_timestamp().seconds);
}

Value uint_to_int(Arguments a) {
  if (a[0].as_uint() > INT64_MAX) return Value::error("integer overflow");
  return Value::integer(static_cast<std::int64_t>(a[0].as_uint()));
}

Value double_to_uint(Arguments a) {
  const double number = a[0].as_double();
  if (!(number >= 0 && number < 18446744073709551616.0)) return Value::error("unsigned integer overflow");
  return Value::uinteger(static_cast<std::uint64_t>(number));
}

Value int_to_uint(Arguments a) {
  if (a[0].as_int() < 0) return Value::error("unsigned integer overflow");
  return Value::uinteger(static_cast<std::uint64_t>(a[0].as_int()));
}

Value string_to_uint(Arguments a) {
  const auto number = go_parse_uint(a[0].as_text());
  return number ? Value::uinteger(*number) : conversion_error("string", "uint");
}

Value bool_to_string(Arguments a) {
  return Value::string_view(a[0].as_bool() ? "true" : "false");
}

Value bytes_to_string(Arguments a) {
  const std::string_view content = a[0].as_text();
  if (!is_utf8(content)) return Value::error("invalid UTF-8 in bytes, cannot convert to string");
  return Value::string(content);
}

Value double_to_string(Arguments a) {
  return Value::string(go_double_g(a[0].as_double()));
}

Value duration_to_string(Arguments a) {
  return Value::string(format_duration_seconds(a[0].as_duration()));
}

Value int_to_string(Arguments a) {
  return Value::string(std::to_string(a[0].as_int()));
}

Value uint_to_string(Arguments a) {
  return Value::string(std::to_string(a[0].as_uint()));
}

Value timestamp_to_string(Arguments a) {
  return Value::string(format_go_rfc3339_nano(a[0].as_timestamp()));
}

Value checked_timestamp(const Timestamp& time) {
  if (time.seconds < kMinTimestampSeconds || time.seconds > kMaxTimestampSeconds) {
    return Value::error("timestamp overflow");
  }
  return Value::timestamp(time);
}

Value int_to_timestamp(Arguments a) {
  return checked_timestamp({.seconds = a[0].as_int()});
}

Value string_to_timestamp(Arguments a) {
  const auto time = parse_go_rfc3339(a[0].as_text());
  return time ? checked_timestamp(*time) : conversion_error("string", "google.protobuf.Timestamp");
}

/// A test of a text whose operands may be anything at run time.
template <class Test>
Value test_texts(Arguments a, Test test) {
  if (a[0].kind() != Kind::kString || a[1].kind() != Kind::kString) return Value::no_such_overload();
  return Value::boolean(test(a[0].as_text(), a[1].as_text()));
}

Value text_contains(Arguments a) {
  return test_texts(a, [](std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

Value text_ends_with(Arguments a) {
  return test_texts(a, [](std::string_view text, std::string_view end) { return text.ends_with(end); });
}

Value text_starts_with(Arguments a) {
  return test_texts(a, [](std::string_view text, std::string_view start) { return text.starts_with(start); });
}

constexpr std::array kConversions = {
    OverloadSpec{"bool", "bool_to_bool", "(bool) -> bool", as_it_is},
    OverloadSpec{"bool", "string_to_bool", "(string) -> bool", string_to_bool},
    OverloadSpec{"bytes", "bytes_to_bytes", "(bytes) -> bytes", as_it_is},
    OverloadSpec{"bytes", "string_to_bytes", "(string) -> bytes", string_to_bytes},
    OverloadSpec{"double", "double_to_double", "(double) -> double", as_it_is},
    OverloadSpec{"double", "int64_to_double", "(int) -> double", int_to_double},
    OverloadSpec{"double", "string_to_double", "(string) -> double", string_to_double},
    OverloadSpec{"double", "uint64_to_double", "(uint) -> double", uint_to_double},
    OverloadSpec{"duration", "duration_to_duration", "(duration) -> duration", as_it_is},
    OverloadSpec{"duration", "int64_to_duration", "(int) -> duration", int_to_duration},
    OverloadSpec{"duration", "string_to_duration", "(string) -> duration", string_to_duration},
    OverloadSpec{"int", "int64_to_int64", "(int) -> int", as_it_is},
    OverloadSpec{"int", "double_to_int64", "(double) -> int", double_to_int},
    OverloadSpec{"int", "duration_to_int64", "(duration) -> int", duration_to_int},
    OverloadSpec{"int", "string_to_int64", "(string) -> int", string_to_int},
    OverloadSpec{"int", "timestamp_to_int64", "(timestamp) -> int", timestamp_to_int},
    OverloadSpec{"int", "uint64_to_int64", "(uint) -> int", uint_to_int},
    OverloadSpec{"uint", "uint64_to_uint64", "(uint) -> uint", as_it_is},
    OverloadSpec{"uint", "double_to_uint64", "(double) -> uint", double_to_uint},
    OverloadSpec{"uint", "int64_to_uint64", "(int) -> uint", int_to_uint},
    OverloadSpec{"uint", "string_to_uint64", "(string) -> uint", string_to_uint},
    OverloadSpec{"string", "string_to_string", "(string) -> string", as_it_is},
    OverloadSpec{"string", "bool_to_string", "(bool) -> string", bool_to_string},
    OverloadSpec{"string", "bytes_to_string", "(bytes) -> string", bytes_to_string},
    OverloadSpec{"string", "double_to_string", "(double) -> string", double_to_string},
    OverloadSpec{"string", "duration_to_string", "(duration) -> string", duration_to_string},
    OverloadSpec{"string", "int64_to_string", "(int) -> string", int_to_string},
    OverloadSpec{"string", "timestamp_to_string", "(timestamp) -> string", timestamp_to_string},
    OverloadSpec{"string", "uint64_to_string", "(uint) -> string", uint_to_string},
    OverloadSpec{"timestamp", "timestamp_to_timestamp", "(timestamp) -> timestamp", as_it_is},
    OverloadSpec{"timestamp", "int64_to_timestamp", "(int) -> timestamp", int_to_timestamp},
    OverloadSpec{"timestamp", "string_to_timestamp", "(string) -> timestamp", string_to_timestamp},
    OverloadSpec{"contains", "contains_string", ".(string, string) -> bool", text_contains},
    OverloadSpec{"endsWith", "ends_with_string", ".(string, string) -> bool", text_ends_with},
    OverloadSpec{"startsWith", "starts_with_string", ".(string, string) -> bool", text_starts_with},
};

}  // namespace

std::span<const OverloadSpec> conversion_overloads() {
  return kConversions;
}

}  // namespace klutch::apiserver::cel
