// SPDX-License-Identifier: Apache-2.0
#include "testing/server_faults.h"

#include <functional>

#include "json/print.h"
#include "kube/api/status.h"

namespace klutch::testing {
namespace {

bool fault_applies(const FaultRule& rule, const ServerFaults::Facts& facts) {
  if (!rule.verb.empty() && rule.verb != facts.verb) return false;
  if (!rule.resource.empty() && rule.resource != facts.resource) return false;
  switch (rule.fault.kind) {
    case Fault::Kind::kExpiredContinue: return facts.continued;
    case Fault::Kind::kIgnoreInitialEvents: return facts.initial_events;
    case Fault::Kind::kWatchEnds:
    case Fault::Kind::kWatchCut:
    case Fault::Kind::kWatchError:
    case Fault::Kind::kWatchStall:
    case Fault::Kind::kDuplicateEvents:
    case Fault::Kind::kDelayEvents:
    case Fault::Kind::kReplayEvents:
    case Fault::Kind::kNoBookmarks: return facts.verb == "watch";
    case Fault::Kind::kTruncatedJson:
    case Fault::Kind::kCutBody:
    case Fault::Kind::kWrongLength:
    case Fault::Kind::kDrip: return facts.verb != "watch";
    default: return true;
  }
}

/// SplitMix64: a good 64-bit number of any 64-bit number.
std::uint64_t mixed(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31U);
}

/// Of 53 random bits, in [0, 1).
double fraction(std::uint64_t bits) {
  return static_cast<double>(bits >> 11U) * 0x1p-53;
}

std::string reason_of_status(int status) {
  switch (status) {
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "NotFound";
    case 409: return "Conflict";
    case 410: return "Expired";
    case 429: return "TooManyRequests";
    case 500: return "InternalError";
    case 503: return "ServiceUnavailable";
    case 504: return "Timeout";
    default: return {};
  }
}

kube::Status status_on_purpose(int code) {
  kube::Status status;
  status.http_status = code;
  status.reason = reason_of_status(code);
  status.message = "on purpose";
  return status;
}

http::Response status_response(const Fault& fault) {
  http::Response response;
  response.status = fault.detail.status;
  response.headers.add("Content-Type", "application/json");
  if (fault.detail.retry_after > 0) {
    response.headers.add("Retry-After", std::to_string(fault.detail.retry_after));
  }
  response.body = http::Body(json::print(status_on_purpose(fault.detail.status).to_json()));
  return response;
}

/// Holds the answer back until the client gives up.
http::Response silent_response() {
  http::Response response;
  response.headers.add("Content-Type", "application/json");
  response.stream = [](Ctx& ctx, http::BodyWriter&) -> Result<> {
    const auto slept = ctx.sleep(std::chrono::hours(1));
    if (!slept && is(slept.error(), Code::kCancelled)) return {};
    return slept;
  };
  return response;
}

}  // namespace

std::size_t ServerFaults::injected(Fault::Kind kind) const {
  const auto found = by_kind_.find(kind);
  return found == by_kind_.end() ? 0 : found->second;
}

std::optional<Fault> ServerFaults::take(const Facts& facts) {
  const auto nth = ++seen_[{std::string(facts.verb), std::string(facts.resource)}];
  const std::uint64_t what =
      std::hash<std::string_view>()(facts.verb) * 31 + std::hash<std::string_view>()(facts.resource);
  for (auto at = rules_.begin(); at != rules_.end(); ++at) {
    auto& rule = at->rule;
    if (!fault_applies(rule, facts)) continue;
    if (rule.skip > 0) {
      --rule.skip;
      continue;
    }
    const auto chance = mixed(mixed(mixed(seed_ + at->number) + what) + nth);
    if (fraction(chance) >= rule.probability) continue;
    Fault fault = rule.fault;
    if (fault.detail.spread > 0) fault.detail.events += mixed(chance) % (fault.detail.spread + 1);
    if (rule.times != FaultRule::kAlways && --rule.times == 0) rules_.erase(at);
    ++injected_;
    ++by_kind_[fault.kind];
    return fault;
  }
  return std::nullopt;
}

std::optional<http::Response> replacement(const Fault& fault) {
  switch (fault.kind) {
    case Fault::Kind::kStatus: return status_response(fault);
    case Fault::Kind::kExpiredContinue: return status_response({fault.kind, {.status = 410}});
    case Fault::Kind::kHtml:
      return http::Response{
          200, {{"Content-Type", "text/html"}}, http::Body("<html><body>Sign in</body></html>"), {}};
    case Fault::Kind::kStall: return silent_response();
    default: return std::nullopt;
  }
}

std::string error_event(int status) {
  std::string line = R"({"type":"ERROR","object":)";
  json::print_to(line, status_on_purpose(status).to_json());
  return line + "}\n";
}

}  // namespace klutch::testing
