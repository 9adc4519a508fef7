// SPDX-License-Identifier: Apache-2.0
#include "apiserver/discovery/document.h"

#include <utility>

#include "apiserver/endpoints/accept.h"
#include "base/strings.h"
#include "crypto/hash.h"
#include "json/print.h"
#include "json/yaml.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

/// Nothing fits what the client accepts.
Error neither_json_nor_yaml() {
  auto status = std::make_shared<kube::Status>();
  status->http_status = 406;
  status->reason = "NotAcceptable";
  status->message = "only the following media types are accepted: application/json, application/yaml";
  return Error(Code::kUnsupported, status->message).with_detail(status);
}

}  // namespace

Document make_document(std::string bytes, std::string_view content_type) {
  Document document;
  document.etag = crypto::to_hex(crypto::digest(crypto::Hash::kSha512, bytes));
  for (char& c : document.etag) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  document.bytes = std::make_shared<const std::string>(std::move(bytes));
  document.content_type = content_type;
  return document;
}

bool client_has(const http::ServerRequest& request, std::string_view etag) {
  const std::string header = request.headers.joined("If-None-Match");
  for (const std::string_view part : split(header, ',')) {
    std::string_view tag = trim(part);
    if (tag == "*") return true;
    // A proxy or our own compression made it weak; the comparison is the weak one.
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() == etag.size() + 2 && tag.front() == '"' && tag.back() == '"' &&
        tag.substr(1, etag.size()) == etag) {
      return true;
    }
  }
  return false;
}

http::Response answer_with(const http::ServerRequest& request, const Document& document,
                           const AnswerOptions& options) {
  http::Response response;
  response.headers.add("Cache-Control", options.cache_control);
  response.headers.add("ETag", "\"" + document.etag + "\"");
  if (!options.vary.empty()) response.headers.add("Vary", options.vary);
  if (client_has(request, document.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Type", document.content_type);
  response.body = http::Body(document.bytes);
  return response;
}

Result<http::Response> answer_with_object(const http::ServerRequest& request, const json::Value& object) {
  const std::string accept = request.headers.joined("Accept");
  bool yaml = false;
  if (!accept.empty()) {
    bool found = false;
    for (const AcceptClause& clause : parse_accept(accept)) {
      if (!clause.parameter("as").empty()) continue;
      const bool json = clause.accepts("application", "json");
      if (!json && !clause.accepts("application", "yaml")) continue;
      yaml = !json;
      found = true;
      break;
    }
    if (!found) return fail(neither_json_nor_yaml());
  }
  http::Response response;
  response.headers.add("Cache-Control", "no-cache, private");
  response.headers.add("Content-Type", yaml ? "application/yaml" : "application/json");
  if (yaml) {
    response.body = json::print_yaml(object);
  } else {
    response.body = wants_pretty(request) ? json::print_pretty(object, 2) : json::print(object) + "\n";
  }
  return response;
}

}  // namespace klutch::apiserver
