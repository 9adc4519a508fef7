// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/negotiation.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/endpoints/accept.h"
#include "apiserver/schema/go_text.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

/// What the parameters of a clause ask for.
struct Conversion {
  std::string_view kind = {};
  std::string_view group = {};
  std::string_view version = {};
  bool given = false;
  bool pretty = false;

  [[nodiscard]] bool known() const {
    return group == "meta.k8s.io" && (version == "v1" || version == "v1beta1") &&
           (kind == "Table" || kind == "PartialObjectMetadata" || kind == "PartialObjectMetadataList");
  }
};

/// Nothing if the clause asks for something that cannot be given.
std::optional<Conversion> read_conversion(const AcceptClause& clause, bool streams) {
  Conversion conversion;
  for (const auto& [name, value] : clause.parameters) {
    if (name == "as" || name == "g" || name == "v") {
      conversion.given = true;
      (name == "as" ? conversion.kind : name == "g" ? conversion.group : conversion.version) = value;
    } else if (name == "stream") {
      if (!value.empty() && (!streams || value != "watch")) return std::nullopt;
    } else if (name == "sv") {
      if (!value.empty() && value != "v1") return std::nullopt;
    } else if (name == "pretty") {
      conversion.pretty = value == "1";
    }
  }
  if (conversion.given && !conversion.known()) return std::nullopt;
  return conversion;
}

struct Match {
  Representation::Encoding encoding = Representation::Encoding::kJson;
  Conversion conversion = {};
};

/// Refers to `accept`. `converts`: whether Tables and the like are to be had.
std::optional<Match> find_match(std::string_view accept, bool converts) {
  if (accept.empty()) return Match{};
  for (const AcceptClause& clause : parse_accept(accept)) {
    for (const auto encoding : {Representation::Encoding::kJson, Representation::Encoding::kYaml}) {
      const bool json = encoding == Representation::Encoding::kJson;
      if (!clause.accepts("application", json ? "json" : "yaml")) continue;
      const auto conversion = read_conversion(clause, json);
      if (conversion && (converts || !conversion->given)) return Match{encoding, *conversion};
    }
  }
  return std::nullopt;
}

Error not_acceptable(std::string message) {
  auto status = std::make_shared<kube::Status>();
  status->http_status = 406;
  status->reason = "NotAcceptable";
  status->message = message;
  return Error(Code::kUnsupported, std::move(message)).with_detail(std::move(status));
}

Result<Representation::Include> read_include(const http::Query& query) {
  const std::string_view include = query.get("includeObject").value_or("");
  if (include.empty() || include == "Metadata") return Representation::Include::kMetadata;
  if (include == "Object") return Representation::Include::kObject;
  if (include == "None") return Representation::Include::kNone;
  return fail(Code::kBadRequest, "Unable to convert to Table as requested: includeObject: Invalid value: " +
                                     go_quote(include) + ": must be 'Metadata', 'Object', 'None', or empty");
}

/// A list is no object and an object no list. Watches send one object at a time under either name.
Result<> check_metadata_kind(const ApiRequest& request, std::string_view kind) {
  const std::string_view verb = request.attributes.verb;
  const bool asks_for_list = kind == "PartialObjectMetadataList";
  const bool is_list = verb == "list" || verb == "deletecollection";
  if (verb == "watch" || asks_for_list == is_list) return {};
  return fail(not_acceptable("you requested " + std::string(kind) + ", but the requested object is " +
                             (is_list ? "a list (" + request.resource->description.list_kind + ")"
                                      : "not a list (" + request.type().kind + ")")));
}

}  // namespace

std::string Representation::cache_key() const {
  std::string key;
  switch (shape) {
    case Shape::kObject: key = "object"; break;
    case Shape::kMetadata: key = "metadata/" + version; break;
    case Shape::kTable: key = "table/" + version + "/" + std::to_string(static_cast<int>(include)); break;
  }
  if (encoding == Encoding::kYaml) key += "/yaml";
  if (pretty) key += "/pretty";
  return key;
}

std::string Representation::content_type() const {
  return encoding == Encoding::kYaml ? "application/yaml" : "application/json";
}

Result<Representation> negotiate(const ApiRequest& request) {
  const bool watches = request.attributes.verb == "watch";
  // What is found refers to this text.
  const std::string accept = request.http.headers.joined("Accept");
  const auto match = find_match(accept, true);
  // There is no way to tell where one YAML document of a stream ends.
  if (!match || (watches && match->encoding == Representation::Encoding::kYaml)) {
    return fail(
        not_acceptable(std::string("only the following media types are accepted: ") +
                       (watches ? "application/json;stream=watch" : "application/json, application/yaml")));
  }
  Representation form{.encoding = match->encoding};
  form.pretty = match->conversion.pretty || wants_pretty(request.http);
  if (!match->conversion.given) return form;
  form.version = match->conversion.version;
  if (match->conversion.kind == "Table") {
    form.shape = Representation::Shape::kTable;
    form.include = TRY(read_include(request.http.query));
    return form;
  }
  form.shape = Representation::Shape::kMetadata;
  TRY(check_metadata_kind(request, match->conversion.kind));
  return form;
}

Representation negotiate_plain(const http::ServerRequest& request) {
  const std::string accept = request.headers.joined("Accept");
  const auto match = find_match(accept, false);
  Representation form;
  form.pretty = !match || match->conversion.pretty || wants_pretty(request);
  if (match) form.encoding = match->encoding;
  return form;
}

}  // namespace klutch::apiserver
