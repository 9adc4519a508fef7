// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/list_options.h"

#include <charconv>
#include <limits>
#include <utility>

#include "apiserver/endpoints/options.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/schema/go_text.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kTokenVersion = "meta.k8s.io/v1";
constexpr std::size_t kMaxTokenBytes = 2048;

/// Go's strconv of the same name.
template <class Number>
Result<Number> parse_go_number(std::string_view function, std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stopped == end) return number;
  const bool out_of_range = error == std::errc::result_out_of_range && stopped == end;
  return fail(Code::kInvalid, "strconv." + std::string(function) + ": parsing " + go_quote(text) +
                                  (out_of_range ? ": value out of range" : ": invalid syntax"));
}

Result<std::optional<std::int64_t>> read_integer(const http::Query& query, std::string_view name) {
  const auto text = query.get(name);
  if (!text) return std::optional<std::int64_t>();
  const auto number = parse_go_number<std::int64_t>("ParseInt", *text);
  if (!number) return fail(number.error().with_code(Code::kBadRequest));
  return std::optional<std::int64_t>(*number);
}

FieldErrors check_list(const ListOptions& options, std::string_view match) {
  const FieldPath path("resourceVersionMatch");
  FieldErrors errors;
  if (!match.empty()) {
    if (options.resource_version.empty()) {
      errors.push_back(FieldError::forbidden(
          path, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if (!options.continue_token.empty()) {
      errors.push_back(
          FieldError::forbidden(path, "resourceVersionMatch is forbidden when continue is provided"));
    }
    if (match != "Exact" && match != "NotOlderThan") {
      const std::string supported[] = {"Exact", "NotOlderThan", ""};
      errors.push_back(FieldError::not_supported(path, match, supported));
    }
    if (match == "Exact" && options.resource_version == "0") {
      errors.push_back(FieldError::forbidden(
          path, R"(resourceVersionMatch "exact" is forbidden for resourceVersion "0")"));
    }
  }
  if (options.send_initial_events) {
    errors.push_back(
        FieldError::forbidden(FieldPath("sendInitialEvents"), "sendInitialEvents is forbidden for list"));
  }
  return errors;
}

FieldErrors check_watch(const ListOptions& options, std::string_view match) {
  const FieldPath path("resourceVersionMatch");
  FieldErrors errors;
  if (options.send_initial_events && match != "NotOlderThan") {
    errors.push_back(FieldError::forbidden(
        path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match.empty()) return errors;
  if (!options.send_initial_events) {
    errors.push_back(FieldError::forbidden(
        path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (match != "NotOlderThan") {
    const std::string supported[] = {"NotOlderThan"};
    errors.push_back(FieldError::not_supported(path, match, supported));
  }
  if (!options.continue_token.empty()) {
    errors.push_back(
        FieldError::forbidden(path, "resourceVersionMatch is forbidden when continue is provided"));
  }
  return errors;
}

}  // namespace

Result<ListOptions> read_list_options(const http::Query& query, bool watch) {
  ListOptions options;
  options.resource_version = query.get("resourceVersion").value_or("");
  options.continue_token = query.get("continue").value_or("");
  options.limit = TRY(read_integer(query, "limit")).value_or(0);
  options.timeout_seconds = TRY(read_integer(query, "timeoutSeconds"));
  options.bookmarks = read_flag(query, "allowWatchBookmarks");
  if (query.get("sendInitialEvents")) options.send_initial_events = read_flag(query, "sendInitialEvents");
  const std::string_view match = query.get("resourceVersionMatch").value_or("");
  const auto errors = watch ? check_watch(options, match) : check_list(options, match);
  if (!errors.empty()) return fail(invalid_error({"meta.k8s.io", "ListOptions"}, "", errors));
  if (match == "Exact") options.match = ListOptions::Match::kExact;
  if (match == "NotOlderThan") options.match = ListOptions::Match::kNotOlderThan;
  return options;
}

Result<Revision> parse_revision(std::string_view text) {
  if (text.empty()) return Revision{0};
  return parse_go_number<Revision>("ParseUint", text);
}

std::string ContinueToken::encode() const {
  auto token = json::object({{"v", kTokenVersion}});
  token.set("rv", revision ? json::Value(*revision) : json::Value(-1));
  token.set("start", after.to_string());
  return crypto::base64_encode(json::print(token), crypto::Base64::kUrlUnpadded);
}

Result<ContinueToken> ContinueToken::decode(std::string_view text) {
  const auto bad = fail(Code::kBadRequest, "invalid continue token: continue key is not valid");
  if (text.size() > kMaxTokenBytes) return bad;
  const auto bytes = crypto::base64_decode(text, crypto::Base64::kUrlUnpadded);
  const auto value = bytes ? json::parse(*bytes) : Result<json::Value>(json::Value());
  if (!value || value->find_string("v") != kTokenVersion) return bad;
  const auto revision = value->find_int("rv");
  const auto start = value->find_string("start");
  if (!revision || !start || *revision == 0) return bad;
  auto key = kube::Key::parse(*start);
  if (!key) return bad;
  ContinueToken token;
  token.after = std::move(*key);
  if (*revision > 0) token.revision = static_cast<Revision>(*revision);
  return token;
}

}  // namespace klutch::apiserver
