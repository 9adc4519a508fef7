// SPDX-License-Identifier: Apache-2.0
// What clients show of themselves, chosen by the first byte:
//   H lines "Name: value"   headers: a token has no spaces, and nobody is impersonated without being asked
//   for F text                  a file of tokens: what was read survives writing and reading again A JSON a
//   policy for the audit log decides about a request
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "apiserver/auth/audit_policy.h"
#include "apiserver/auth/comma_separated.h"
#include "apiserver/auth/credentials.h"
#include "apiserver/auth/impersonation.h"
#include "base/check.h"
#include "base/strings.h"
#include "json/parse.h"

namespace {

using namespace klutch;
using namespace klutch::apiserver;

http::Headers read_headers(std::string_view text) {
  http::Headers headers;
  for (const auto line : split(text, '\n')) {
    if (const auto parts = split_once(line, ": ")) headers.add(parts->first, parts->second);
  }
  return headers;
}

bool is_needed(const Impersonation& impersonation, std::string_view resource, std::string_view name) {
  return std::ranges::any_of(impersonation.needed, [&](const RequestAttributes& request) {
    return request.verb == "impersonate" && request.resource == resource && request.name == name;
  });
}

void try_headers(std::string_view text) {
  const auto headers = read_headers(text);
  if (const auto token = bearer_token(headers); token && *token) {
    CHECK(!(*token)->empty() && (*token)->find_first_of(" \t") == std::string_view::npos);
  }
  const auto got = read_impersonation(headers);
  if (!got || !*got) return;
  const auto& impersonation = **got;
  const auto& user = impersonation.user;
  const auto account = service_account_of(user.name);
  CHECK(account ? is_needed(impersonation, "serviceaccounts", account->name)
                : is_needed(impersonation, "users", user.name));
  for (const auto& group : user.groups) {
    CHECK(group == kAuthenticatedGroup || group == kUnauthenticatedGroup ||
          (account && group.starts_with("system:serviceaccounts")) ||
          is_needed(impersonation, "groups", group));
  }
  for (const auto& [key, values] : user.extra) {
    for (const auto& value : values) CHECK(is_needed(impersonation, "userextras", value));
  }
  CHECK(user.uid.empty() || is_needed(impersonation, "uids", user.uid));
  CHECK(user.in_group(kAuthenticatedGroup) || user.in_group(kUnauthenticatedGroup));
}

void try_file(std::string_view text) {
  const auto records = parse_comma_separated(text, 1000);
  if (!records) return;
  std::string written;
  for (const auto& record : *records) {
    std::string line;
    for (const auto& field : record.fields) {
      line += line.empty() ? "\"" : ",\"";
      for (const char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
      line += '"';
    }
    written += line + "\n";
  }
  const auto again = parse_comma_separated(written, 1000);
  CHECK(again && again->size() == records->size());
  for (std::size_t i = 0; i < records->size(); ++i) CHECK((*again)[i].fields == (*records)[i].fields);
}

void try_policy(std::string_view text) {
  const auto object = json::parse(text, {.max_depth = 32});
  if (!object) return;
  const auto policy = AuditPolicy::from_json(*object);
  if (!policy) {
    CHECK(is(policy.error(), Code::kInvalid));
    return;
  }
  const User user{.name = "alice", .groups = {"dev"}};
  const RequestAttributes request{
      .is_resource = true, .verb = "get", .version = "v1", .ns = "a", .resource = "pods", .name = "x"};
  static_cast<void>(policy->decide(user, request).logs(AuditStage::kResponseComplete));
  static_cast<void>(policy->decide(user, {.verb = "get", .path = "/api"}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'H': try_headers(text); break;
    case 'F': try_file(text); break;
    case 'A': try_policy(text); break;
    default: break;
  }
  return 0;
}
