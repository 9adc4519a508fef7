// SPDX-License-Identifier: Apache-2.0
#include "http/compression.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "http/gzip.h"

namespace klutch::http {
namespace {

/// From here on compressing would hold up the loop.
constexpr std::size_t kOnPool = 64 * 1024;

/// The weight of RFC 9110 §12.4.2 in thousandths; nothing if malformed.
std::optional<int> parse_weight(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.' || text.size() > 5) return std::nullopt;
  int unit = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return std::nullopt;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

struct Weights {
  std::optional<int> gzip;
  std::optional<int> identity;
  std::optional<int> any;
};

void take_coding(std::string_view element, Weights& weights) noexcept {
  const auto semicolon = std::min(element.find(';'), element.size());
  const auto coding = trim(element.substr(0, semicolon));
  int weight = 1000;
  if (semicolon < element.size()) {
    const auto parameter = trim(element.substr(semicolon + 1));
    if (!starts_with_ignore_case(parameter, "q=")) return;
    const auto parsed = parse_weight(parameter.substr(2));
    if (!parsed) return;
    weight = *parsed;
  }
  if (equal_ignore_case(coding, "gzip") || equal_ignore_case(coding, "x-gzip")) weights.gzip = weight;
  if (equal_ignore_case(coding, "identity")) weights.identity = weight;
  if (coding == "*") weights.any = weight;
}

bool is_compressible(std::string_view content_type) noexcept {
  const auto type = trim(content_type.substr(0, content_type.find(';')));
  if (starts_with_ignore_case(type, "text/") && !equal_ignore_case(type, "text/event-stream")) return true;
  for (const std::string_view known : {"application/json", "application/yaml", "application/xml",
                                       "application/javascript", "image/svg+xml"}) {
    if (equal_ignore_case(type, known)) return true;
  }
  const auto plus = type.rfind('+');
  const auto suffix = plus == std::string_view::npos ? std::string_view() : type.substr(plus);
  return equal_ignore_case(suffix, "+json") || equal_ignore_case(suffix, "+yaml") ||
         equal_ignore_case(suffix, "+xml");
}

bool may_be_compressed(const Response& response, const CompressionOptions& options) {
  if (response.stream || response.status != 200 || response.body.size() < options.at_least) return false;
  const auto& headers = response.headers;
  return !headers.contains("Content-Encoding") && !headers.contains("Content-Range") &&
         !headers.lists("Cache-Control", "no-transform") &&
         is_compressible(headers.get("Content-Type").value_or(""));
}

Result<std::string> gzip_somewhere(Ctx& ctx, std::string_view bytes) {
  if (bytes.size() < kOnPool) return gzip(bytes);
  return ctx.blocking([bytes] { return gzip(bytes); });
}

Result<> compress(Ctx& ctx, Response& response) {
  std::string small = TRY(gzip_somewhere(ctx, response.body.view()));
  if (small.size() >= response.body.size()) return {};
  auto& headers = response.headers;
  headers.set("Content-Encoding", "gzip");
  headers.erase("Content-Length");
  // Other bytes, so another entity: equal only in meaning (RFC 9110 §8.8.1).
  if (const auto tag = headers.get("ETag"); tag && !tag->starts_with("W/")) {
    headers.set("ETag", "W/" + std::string(*tag));
  }
  response.body = Body(std::move(small));
  return {};
}

}  // namespace

bool accepts_gzip(const Headers& headers) noexcept {
  Weights weights;
  for (const auto& field : headers) {
    if (!equal_ignore_case(field.name, "Accept-Encoding")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      take_coding(rest.substr(0, comma), weights);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  const int gzip_weight = weights.gzip.value_or(weights.any.value_or(0));
  return gzip_weight > 0 && gzip_weight >= weights.identity.value_or(0);
}

Handler compressed(Handler handler, CompressionOptions options) {
  return [handler = std::move(handler), options](Ctx& ctx, ServerRequest& request) -> Result<Response> {
    auto response = TRY(handler(ctx, request));
    if (!may_be_compressed(response, options)) return response;
    if (!response.headers.lists("Vary", "Accept-Encoding")) response.headers.add("Vary", "Accept-Encoding");
    if (accepts_gzip(request.headers)) TRY(compress(ctx, response));
    return response;
  };
}

}  // namespace klutch::http
