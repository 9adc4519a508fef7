// SPDX-License-Identifier: Apache-2.0
#include "obs/trace.h"

#include <algorithm>
#include <span>

#include "base/ids.h"
#include "base/strings.h"

namespace klutch::obs {
namespace {

constexpr std::size_t kVersion00Length = 55;
constexpr std::uint8_t kSampledFlag = 0x01;
constexpr std::size_t kMaxStateEntries = 32;
constexpr std::size_t kMaxStateLength = 512;

using StateEntries = std::vector<std::pair<std::string_view, std::string_view>>;

template <std::size_t N>
bool is_zero(const std::array<std::uint8_t, N>& id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// Never all zeros, which §3.2.2.3 reserves for "no id".
template <std::size_t N>
std::array<std::uint8_t, N> random_id() {
  std::array<std::uint8_t, N> id{};
  while (is_zero(id)) fill_random(std::as_writable_bytes(std::span(id)));
  return id;
}

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(2 * N, '\0');
  for (std::size_t i = 0; i < N; ++i) {
    out[2 * i] = kDigits[bytes[i] >> 4U];
    out[2 * i + 1] = kDigits[bytes[i] & 0x0FU];
  }
  return out;
}

/// -1 for anything but a digit or a lower-case letter: §3.2 allows no capitals.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

template <std::size_t N>
bool parse_hex(std::string_view text, std::array<std::uint8_t, N>& bytes) {
  if (text.size() != 2 * N) return false;
  for (std::size_t i = 0; i < N; ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

tl::unexpected<Error> not_a_traceparent(std::string_view text, std::string_view why) {
  return fail(Code::kInvalid, "not a traceparent: " + quote(text, 64) + ": " + std::string(why));
}

// ---------------------------------------------------------------------------------------------- tracestate

bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '*' || c == '/';
}

bool is_key_part(std::string_view part, std::size_t max_length, bool digit_first) {
  if (part.empty() || part.size() > max_length) return false;
  const char first = part.front();
  const bool first_fits = (first >= 'a' && first <= 'z') || (digit_first && first >= '0' && first <= '9');
  return first_fits && std::all_of(part.begin(), part.end(), is_key_char);
}

/// §3.3.1.3.1: a simple key, or tenant@system.
bool is_state_key(std::string_view key) {
  const auto parts = split_once(key, "@");
  if (!parts) return is_key_part(key, 256, false);
  return is_key_part(parts->first, 241, true) && is_key_part(parts->second, 14, false);
}

/// §3.3.1.3.2: printable ASCII without ',' and '=', not ending in a space.
bool is_state_value(std::string_view value) {
  if (value.empty() || value.size() > 256 || value.back() == ' ') return false;
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

std::string_view without_outer_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

TraceContext new_trace(bool sampled) {
  return {.trace_id = random_id<16>(), .span_id = random_id<8>(), .sampled = sampled};
}

TraceContext child_of(const TraceContext& parent) {
  TraceContext child = parent;
  child.span_id = random_id<8>();
  return child;
}

Result<TraceContext> parse_trace(std::string_view text, std::string_view tracestate) {
  TraceContext context;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  if (text.size() < kVersion00Length || text[2] != '-' || text[35] != '-' || text[52] != '-') {
    return not_a_traceparent(text, "expected version-traceid-parentid-flags");
  }
  if (!parse_hex(text.substr(0, 2), version) || version[0] == 0xFF)
    return not_a_traceparent(text, "unknown version");
  // §4.3: what a later version appends after another '-' is not ours to understand.
  const bool longer = text.size() > kVersion00Length;
  if (longer && (version[0] == 0 || text[kVersion00Length] != '-'))
    return not_a_traceparent(text, "too long");
  if (!parse_hex(text.substr(3, 32), context.trace_id) || is_zero(context.trace_id)) {
    return not_a_traceparent(text, "the trace id is invalid");
  }
  if (!parse_hex(text.substr(36, 16), context.span_id) || is_zero(context.span_id)) {
    return not_a_traceparent(text, "the parent id is invalid");
  }
  if (!parse_hex(text.substr(53, 2), flags)) return not_a_traceparent(text, "the flags are invalid");
  context.sampled = (flags[0] & kSampledFlag) != 0;
  if (const auto entries = parse_tracestate(tracestate); entries && !entries->empty())
    context.state = tracestate;
  return context;
}

TraceContext continue_or_begin(std::optional<std::string_view> traceparent, std::string_view tracestate) {
  if (traceparent) {
    if (const auto parent = parse_trace(*traceparent, tracestate)) return child_of(*parent);
  }
  return new_trace();
}

std::string traceparent(const TraceContext& context) {
  return "00-" + hex(context.trace_id) + '-' + hex(context.span_id) + (context.sampled ? "-01" : "-00");
}

std::string to_hex(const TraceId& id) {
  return hex(id);
}

std::string to_hex(const SpanId& id) {
  return hex(id);
}

Result<StateEntries> parse_tracestate(std::string_view text) {
  if (text.size() > kMaxStateLength) return fail(Code::kTooLarge, "tracestate has more than 512 characters");
  StateEntries entries;
  for (const auto piece : split(text, ',')) {
    const auto member = without_outer_blanks(piece);
    if (member.empty()) continue;  // §3.3.1.1: empty list members are allowed
    const auto entry = split_once(member, "=");
    if (!entry || !is_state_key(entry->first) || !is_state_value(entry->second)) {
      return fail(Code::kInvalid, "not a tracestate entry: " + quote(member, 64));
    }
    const auto same_key = [&](const auto& other) { return other.first == entry->first; };
    if (std::any_of(entries.begin(), entries.end(), same_key)) {
      return fail(Code::kInvalid, "tracestate has the key " + quote(entry->first, 64) + " twice");
    }
    if (entries.size() == kMaxStateEntries)
      return fail(Code::kTooLarge, "tracestate has more than 32 entries");
    entries.push_back(*entry);
  }
  return entries;
}

}  // namespace klutch::obs
