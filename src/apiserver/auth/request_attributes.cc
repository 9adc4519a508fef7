// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/request_attributes.h"

#include <span>

#include "base/strings.h"
#include "kube/api/selector.h"

namespace klutch::apiserver {
namespace {

std::string lower(std::string_view method) {
  std::string text(method);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool asks_for_watch(const http::Query& query) {
  const auto watch = query.get("watch");
  return watch && *watch != "0" && !equal_ignore_case(*watch, "false");
}

std::string verb_of_resource(std::string_view method, const RequestAttributes& request,
                             const http::Query& query) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") {
    if (!request.name.empty()) return "get";
    return asks_for_watch(query) ? "watch" : "list";
  }
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return request.name.empty() ? "deletecollection" : "delete";
  return {};
}

/// metadata.name of a field selector: who may see one object may list and watch that one.
std::string selected_name(const http::Query& query) {
  const auto text = query.get("fieldSelector");
  if (!text) return {};
  const auto selector = kube::FieldSelector::parse(*text);
  if (!selector) return {};
  const auto name = selector->required_value("metadata.name").value_or("");
  const bool fits_a_path = name != "." && name != ".." && name.find_first_of("/%") == std::string_view::npos;
  return fits_a_path ? std::string(name) : std::string();
}

}  // namespace

RequestAttributes RequestAttributes::from_request(std::string_view method,
                                                  const std::vector<std::string>& segments,
                                                  const http::Query& query) {
  RequestAttributes request;
  request.verb = lower(method);
  for (const auto& segment : segments) request.path += "/" + segment;
  if (request.path.empty()) request.path = "/";

  std::span<const std::string> rest(segments);
  if (!rest.empty() && rest.back().empty()) rest = rest.first(rest.size() - 1);
  const bool legacy = rest.size() >= 3 && rest[0] == "api";
  const bool grouped = rest.size() >= 4 && rest[0] == "apis";
  if (!legacy && !grouped) return request;

  request.is_resource = true;
  if (grouped) request.group = rest[1];
  request.version = rest[grouped ? 2 : 1];
  rest = rest.subspan(grouped ? 3 : 2);
  // The older form /watch/...: a verb of its own, deprecated but still served.
  bool watches = false;
  if (rest.size() > 1 && rest[0] == "watch") {
    watches = true;
    rest = rest.subspan(1);
  }
  if (rest.size() > 1 && rest[0] == "namespaces") {
    request.ns = rest[1];
    // What follows the name is a resource in that namespace, unless it belongs to the namespace itself.
    if (rest.size() > 2 && rest[2] != "status" && rest[2] != "finalize") rest = rest.subspan(2);
  }
  request.resource = rest[0];
  if (rest.size() > 1) request.name = rest[1];
  if (rest.size() > 2) request.subresource = rest[2];
  request.verb = watches ? "watch" : verb_of_resource(method, request, query);
  if (request.name.empty() && (request.verb == "list" || request.verb == "watch")) {
    request.name = selected_name(query);
  }
  return request;
}

}  // namespace klutch::apiserver
