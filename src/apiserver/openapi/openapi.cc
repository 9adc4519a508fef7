// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/openapi.h"

#include <chrono>
#include <span>
#include <utility>

#include "apiserver/endpoints/accept.h"
#include "apiserver/endpoints/rendering.h"
#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/gnostic.h"
#include "base/time.h"
#include "http/compression.h"
#include "http/gzip.h"
#include "json/build.h"
#include "json/print.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kJsonType = "application/json";
/// Clients ask with an '@', which no media type may have; the answer has a '.' in its place.
constexpr std::string_view kAskedProtobuf = "com.github.proto-openapi.spec.v2@v1.0+protobuf";
constexpr std::string_view kGivenProtobuf = "com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// Below it compressing does not pay.
constexpr std::size_t kCompressFrom = 4 * 1024;

std::span<const std::string> openapi_path(const http::ServerRequest& request) {
  std::span<const std::string> path = request.segments;
  if (!path.empty() && path.back().empty()) path = path.first(path.size() - 1);
  return path;
}

Error refusal(int http_status, std::string_view reason, std::string_view message) {
  auto status = std::make_shared<kube::Status>();
  status->http_status = http_status;
  status->reason = reason;
  status->message = message;
  return Error(Code::kUnsupported, status->message).with_detail(status);
}

enum class Form { kNone, kJson, kProtobuf };

/// The form that the client likes best; `protobuf`: whether there is that.
Form choose_form(const http::ServerRequest& request, bool protobuf) {
  const std::string accept = request.headers.joined("Accept");
  if (accept.empty()) return Form::kJson;
  for (const AcceptClause& clause : parse_accept(accept)) {
    if (clause.accepts("application", "json")) return Form::kJson;
    if (!protobuf) continue;
    if (clause.accepts("application", kAskedProtobuf) || clause.accepts("application", kGivenProtobuf)) {
      return Form::kProtobuf;
    }
  }
  return Form::kNone;
}

std::string part_name(std::string_view group, std::string_view version) {
  if (group.empty()) return "api/" + std::string(version);
  return "apis/" + std::string(group) + "/" + std::string(version);
}

std::string url_of_part(std::string_view name, std::string_view etag) {
  return "/openapi/v3/" + std::string(name) + "?hash=" + std::string(etag);
}

}  // namespace

bool OpenApi::handles(const http::ServerRequest& request) {
  const auto path = openapi_path(request);
  if (path.size() < 2 || path[0] != "openapi") return false;
  return path[1] == "v3" || (path[1] == "v2" && path.size() == 2);
}

Result<http::Response> OpenApi::serve(Ctx& ctx, const http::ServerRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return fail(
        refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"));
  }
  refresh();
  const auto path = openapi_path(request);
  if (path[1] == "v2") return serve_v2(ctx, request);
  if (path.size() > 2) return serve_part(ctx, request);
  return answer_with(request, index());
}

void OpenApi::refresh() {
  const auto& groups = registry_.groups();
  const std::uint64_t now = registry_.generation();
  if (now == generation_) return;
  generation_ = now;
  index_ = {};
  swagger_json_ = nullptr;
  swagger_protobuf_ = nullptr;
  std::map<std::string, Part, std::less<>> fresh;
  for (const Registry::Group& group : groups) {
    for (const Registry::Version& version : group.versions) {
      std::string name = part_name(group.name, version.version);
      Part part{.resources = version.resources};
      // What is served does not change once it is published: the same resources, the same document.
      const auto old = parts_.find(name);
      if (old != parts_.end() && old->second.resources == part.resources) part.entry = old->second.entry;
      fresh.emplace(std::move(name), std::move(part));
    }
  }
  parts_ = std::move(fresh);
}

const OpenApi::EntryPtr& OpenApi::entry_of(Part& part) {
  if (part.entry == nullptr) {
    part.entry = std::make_shared<Entry>();
    part.entry->document = make_document(json::print(openapi_v3(part.resources)), kJsonType);
  }
  return part.entry;
}

const Document& OpenApi::index() {
  if (index_) return index_;
  auto paths = json::Value::empty_object();
  for (auto& [name, part] : parts_) {
    const bool known = part.entry != nullptr;
    const EntryPtr& entry = entry_of(part);
    paths.set(name, json::object({{"serverRelativeURL", url_of_part(name, entry->document.etag)}}));
    // Only its name was wanted; most documents are never read.
    if (!known) entry->document.bytes = nullptr;
  }
  index_ = make_document(json::print(json::object({{"paths", std::move(paths)}})), kJsonType);
  return index_;
}

Result<http::Response> OpenApi::serve_part(Ctx& ctx, const http::ServerRequest& request) {
  const auto path = openapi_path(request).subspan(2);
  std::string name = path[0];
  for (const std::string& segment : path.subspan(1)) name += "/" + segment;
  const auto found = parts_.find(name);
  if (found == parts_.end()) return fail(page_not_found());
  if (choose_form(request, false) == Form::kNone) {
    return fail(
        refusal(406, "NotAcceptable", "only the following media types are accepted: application/json"));
  }
  const EntryPtr entry = entry_of(found->second);
  const std::string etag = entry->document.etag;
  const std::string_view hash = request.query.get("hash").value_or("");
  if (!hash.empty() && hash != etag) {
    http::Response response;
    response.status = 301;
    response.headers.add("Cache-Control", "no-cache, private");
    response.headers.add("Location", url_of_part(name, etag));
    return response;
  }
  const auto produce = [resources = found->second.resources] { return json::print(openapi_v3(resources)); };
  auto response = TRY(send(ctx, request, entry, produce));
  response.headers.add("Vary", "Accept");
  if (hash.empty()) return response;
  // The URL names these bytes and will never name others.
  response.headers.set("Cache-Control", "public, immutable");
  response.headers.add("Expires", format_http_date(clock_.now() + std::chrono::hours(24 * 365)));
  return response;
}

Result<http::Response> OpenApi::serve_v2(Ctx& ctx, const http::ServerRequest& request) {
  const Form form = choose_form(request, true);
  if (form == Form::kNone) {
    return fail(refusal(406, "NotAcceptable",
                        "only the following media types are accepted: application/json, "
                        "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"));
  }
  const bool protobuf = form == Form::kProtobuf;
  const Producer produce = [this, protobuf] {
    const auto document = openapi_v2(registry_.groups());
    return protobuf ? gnostic_document(document) : json::print(document);
  };
  EntryPtr& cached = protobuf ? swagger_protobuf_ : swagger_json_;
  if (cached == nullptr) {
    cached = std::make_shared<Entry>();
    cached->document = make_document(
        produce(), protobuf ? "application/" + std::string(kGivenProtobuf) : std::string(kJsonType));
  }
  auto response = TRY(send(ctx, request, cached, produce));
  response.headers.add("Vary", "Accept");
  return response;
}

Result<http::Response> OpenApi::send(Ctx& ctx, const http::ServerRequest& request, EntryPtr entry,
                                     const Producer& produce) {
  Document& document = entry->document;
  const bool compress = http::accepts_gzip(request.headers);
  const bool known = client_has(request, document.etag);
  if (!known && document.bytes == nullptr && (!compress || entry->compressed == nullptr)) {
    document.bytes = std::make_shared<const std::string>(produce());
  }
  const bool small = document.bytes != nullptr && document.bytes->size() < kCompressFrom;
  if (known || !compress || small) {
    auto response = answer_with(request, document);
    response.headers.add("Vary", "Accept-Encoding");
    return response;
  }
  if (entry->compressed == nullptr) {
    const auto plain = document.bytes;
    auto bytes = TRY(ctx.blocking([plain] { return http::gzip(*plain); }));
    entry->compressed = std::make_shared<const std::string>(std::move(bytes));
  }
  // Those who take it compressed are nearly all.
  document.bytes = nullptr;
  http::Response response;
  response.headers.add("Cache-Control", "no-cache, private");
  // Other bytes, so another entity: equal only in meaning (RFC 9110 §8.8.1).
  response.headers.add("ETag", "W/\"" + document.etag + "\"");
  response.headers.add("Vary", "Accept-Encoding");
  response.headers.add("Content-Type", document.content_type);
  response.headers.add("Content-Encoding", "gzip");
  response.body = http::Body(entry->compressed);
  return response;
}

}  // namespace klutch::apiserver
