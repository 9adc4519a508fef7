// SPDX-License-Identifier: Apache-2.0
#include "http/redirect.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace klutch::http {
namespace {

/// What any server may see.
constexpr std::array<std::string_view, 12> kHarmless = {
    "Accept",           "Accept-Encoding",  "Accept-Language", "Cache-Control", "Content-Encoding",
    "Content-Language", "Content-Location", "Content-Type",    "Range",         "User-Agent",
    "traceparent",      "tracestate",
};

constexpr std::array<std::string_view, 4> kAboutTheBody = {
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Content-Type",
};

template <class Names>
bool contains(const Names& names, std::string_view wanted) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return equal_ignore_case(name, wanted); });
}

template <class Keep>
void keep_headers(Headers& headers, Keep keep) {
  Headers kept;
  for (const auto& field : headers) {
    if (keep(field.name)) kept.add(field.name, field.value);
  }
  headers = std::move(kept);
}

bool is_followed(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// 303 asks for GET; 301 and 302 mean it where the request was a POST.
bool becomes_get(std::string_view method, int status) {
  if (method == "GET" || method == "HEAD") return false;
  return status == 303 || ((status == 301 || status == 302) && method == "POST");
}

}  // namespace

Result<bool> apply_redirect(ClientRequest& request, int status, const Headers& headers) {
  const auto location = headers.get("Location");
  if (!is_followed(status) || !location) return false;
  auto next = TRY(request.url.resolve(*location).map_error(context("cannot follow the redirect")));
  const auto to = "redirect from " + request.url.origin() + " to " + next.origin();
  if (request.url.is_https() && !next.is_https()) {
    return fail(Code::kForbidden, to + " leads out of TLS and is not followed");
  }
  if (becomes_get(request.method, status)) {
    request.method = "GET";
    request.body = {};
    request.stream = {};
    keep_headers(request.headers, [](std::string_view name) { return !contains(kAboutTheBody, name); });
  }
  if (request.stream) return fail(Code::kUnsupported, to + " needs the body again, which was a stream");
  // A Host of the caller's own was for the first request.
  request.headers.erase("Host");
  if (!request.url.same_origin(next)) {
    if (!request.body.empty()) return fail(Code::kForbidden, to + " would hand the body to another server");
    keep_headers(request.headers, [](std::string_view name) { return contains(kHarmless, name); });
  }
  request.url = std::move(next);
  return true;
}

}  // namespace klutch::http
