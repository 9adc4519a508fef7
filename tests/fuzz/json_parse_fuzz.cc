// SPDX-License-Identifier: Apache-2.0
// Any bytes as JSON text: no crash, and what was read survives printing and reading again. A second library
// must agree on what is JSON.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/parse.h"
#include "json/print.h"

namespace {

using namespace klutch;

void check_refusal(std::string_view text, const Error& error) {
  CHECK(is(error, Code::kBadRequest) || is(error, Code::kTooLarge));
  CHECK(error.message().size() < 4096);
  // The other library knows no depth limit, stops at a zero byte, skips a byte order mark and reads any
  // exponent of 0.
  if (is(error, Code::kTooLarge) || text.find('\0') != text.npos || text.starts_with('\xef')) return;
  if (error.message().find("exponent") != std::string::npos) return;
  CHECK(!nlohmann::json::accept(text.begin(), text.end()));
}

void check_round_trip(const json::Value& value) {
  const std::string printed = json::print(value);
  const auto again = json::parse(printed, {.max_bytes = SIZE_MAX});
  CHECK(again.has_value());
  // Only -0 changes again, as it reads back as the integer 0.
  const std::string stable = json::print(*again);
  CHECK(json::print(*json::parse(stable, {.max_bytes = SIZE_MAX})) == stable);
  CHECK(stable.size() == printed.size() || printed.find("-0") != std::string::npos);

  const std::string canonical = json::canonical(value);
  const auto exact = json::parse(canonical, {.max_bytes = SIZE_MAX});
  CHECK(exact.has_value() && *exact == value);
  CHECK(json::canonical(*exact) == canonical);
  CHECK(json::hash(*exact) == json::hash(value));

  const auto pretty = json::parse(json::print_pretty(value), {.max_bytes = SIZE_MAX});
  CHECK(pretty.has_value() && *pretty == *again);
  const json::Value copy = value;
  CHECK(copy == value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = json::parse_document(text);
  if (!document) {
    check_refusal(text, document.error());
    return 0;
  }
  check_round_trip(document->value);
  const auto strict = json::parse(text, {.duplicate_keys = json::DuplicateKeys::kReject});
  CHECK(strict.has_value() == document->duplicate_keys.empty());
  const auto shallow = json::parse(text, {.max_depth = 4});
  CHECK(shallow ? *shallow == document->value : is(shallow.error(), Code::kTooLarge));
  return 0;
}
