// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/body.h"

#include <memory>
#include <utility>

#include "apiserver/builtin/protobuf.h"
#include "apiserver/endpoints/json_syntax.h"
#include "base/strings.h"
#include "json/parse.h"
#include "json/pointer.h"
#include "json/yaml.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kYaml = "application/yaml";
constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

/// What API servers read first of a body, as their errors show it.
constexpr std::string_view kGoType =
    R"(struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" })";

/// "/spec/ports/0/x" as "spec.ports[0].x". What a number means depends on what `root` has there.
std::string field_path(std::string_view pointer, const json::Value& root) {
  const auto parsed = json::Pointer::parse(pointer);
  if (!parsed) return std::string(pointer);
  std::string path;
  json::Pointer at;
  for (const std::string& token : parsed->tokens()) {
    const json::Value* parent = at.find(root);
    if (parent != nullptr && parent->is_array()) {
      path += "[" + token + "]";
    } else {
      path += (path.empty() ? "" : ".") + token;
    }
    at.push(token);
  }
  return path;
}

Result<DecodedBody> decode_json(std::string_view body) {
  auto document = json::parse_document(body);
  if (!document) {
    const std::string words = go_json_syntax_error(body);
    if (words.empty() || !is(document.error(), Code::kBadRequest)) return fail(document.error());
    return fail(Code::kBadRequest, "couldn't get version/kind; json parse error: " + words);
  }
  DecodedBody decoded;
  for (const std::string& pointer : document->duplicate_keys) {
    decoded.duplicate_fields.push_back(field_path(pointer, document->value));
  }
  decoded.object = std::move(document->value);
  return decoded;
}

Result<DecodedBody> decode_yaml(std::string_view body) {
  auto documents = TRY(json::parse_yaml_documents(body));
  if (documents.size() > 1) return fail(Code::kBadRequest, "a single YAML document is expected, not several");
  DecodedBody decoded;
  if (documents.empty()) return decoded;
  for (const auto& duplicate : documents.front().duplicate_keys) {
    decoded.duplicate_fields.push_back(field_path(duplicate.path, documents.front().value));
  }
  decoded.object = std::move(documents.front().value);
  return decoded;
}

Result<DecodedBody> decode_protobuf(std::string_view body) {
  auto object = decode_kubernetes_protobuf(body);
  // A kind that is not built in is as wrong here as bytes that are no message.
  if (!object) return fail(object.error().with_code(Code::kBadRequest));
  return DecodedBody{.object = std::move(*object)};
}

Result<DecodedBody> decode_as(std::string_view media_type, std::string_view body, bool protobuf) {
  if (media_type.empty() || media_type == kJson) return decode_json(body);
  if (media_type == kYaml) return decode_yaml_body(body);
  if (protobuf && media_type == kProtobuf) return decode_protobuf(body);
  std::vector<std::string_view> accepted = {kJson, kYaml};
  if (protobuf) accepted.push_back(kProtobuf);
  return fail(unsupported_media_type(accepted));
}

bool looks_like_json(std::string_view body) {
  const std::string_view trimmed = trim(body);
  return trimmed.starts_with('{') || trimmed.starts_with('[');
}

std::string_view go_kind_name(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::kBool: return "bool";
    case json::Kind::kString: return "string";
    case json::Kind::kArray: return "array";
    default: return "number";
  }
}

}  // namespace

Result<DecodedBody> decode_body(std::string_view body, const http::Headers& headers,
                                const RequestBodyOptions& options) {
  const std::string media_type = media_type_of(headers);
  if (body.empty()) {
    // The content type counts all the same.
    auto unused = decode_as(media_type, "null", options.protobuf);
    if (!unused && unused.error().detail<kube::Status>() != nullptr) return unused;
    return DecodedBody{};
  }
  auto decoded = decode_as(media_type, body, options.protobuf);
  if (options.kind.empty()) return decoded;
  const std::string expected =
      "the object provided is unrecognized (must be of type " + std::string(options.kind) + "): ";
  if (!decoded) {
    if (!is(decoded.error(), Code::kBadRequest)) return decoded;
    return fail(Code::kBadRequest, expected + decoded.error().message());
  }
  if (!decoded->object.is_object() && !decoded->object.is_null()) {
    return fail(Code::kBadRequest,
                expected + "couldn't get version/kind; json parse error: json: cannot unmarshal " +
                    std::string(go_kind_name(decoded->object)) + " into Go value of type " +
                    std::string(kGoType));
  }
  return decoded;
}

Result<DecodedBody> decode_yaml_body(std::string_view body) {
  if (looks_like_json(body)) {
    if (auto decoded = decode_json(body); decoded || is(decoded.error(), Code::kTooLarge)) return decoded;
  }
  return decode_yaml(body);
}

std::string media_type_of(const http::Headers& headers) {
  const std::string_view value = headers.get("Content-Type").value_or("");
  return to_lower(trim(value.substr(0, value.find(';'))));
}

Error unsupported_media_type(const std::vector<std::string_view>& accepted) {
  auto status = std::make_shared<kube::Status>();
  status->http_status = 415;
  status->reason = "UnsupportedMediaType";
  status->message = "the body of the request was in an unknown format - accepted media types include: " +
                    join(accepted, ", ");
  std::string message = status->message;
  return Error(Code::kUnsupported, std::move(message)).with_detail(std::move(status));
}

}  // namespace klutch::apiserver
