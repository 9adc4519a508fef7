// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace klutch::http {
namespace {

constexpr std::size_t kMaxSegments = 256;

bool is_decimal_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Visible ASCII without what RFC 3986 keeps out of every part of a URI. Some of it is common in the wild
/// ('|', '{') and harmless; a fragment, space, control or non-ASCII byte is not.
bool is_target_text(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

bool is_reg_name(std::string_view host) noexcept {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_decimal_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
  });
}

bool is_ip_literal(std::string_view host) noexcept {
  return host.size() > 2 && std::all_of(host.begin(), host.end(), [](char c) {
           return is_decimal_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
                  c == '.' || c == '%';
         });
}

/// The part behind "http://host" of an absolute-form target, and that host; nothing for other forms.
std::optional<std::pair<std::string_view, std::string_view>> split_absolute_form(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_ignore_case(target, scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto end = std::min(target.find_first_of("/?"), target.size());
    return std::pair{target.substr(0, end), target.substr(end)};
  }
  return std::nullopt;
}

/// Also inside a segment that hides slashes as %2F: nothing that joins segments may be led astray.
bool has_dot_segments(const std::string& segment) {
  if (segment.find('/') == std::string::npos) return segment == "." || segment == "..";
  const auto parts = split(segment, '/');
  return std::any_of(parts.begin(), parts.end(), [](auto part) { return part == "." || part == ".."; });
}

tl::unexpected<Error> bad_target(std::string what) {
  return fail(Code::kBadRequest, std::move(what));
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) return false;
    rest = text.substr(end + 1);
  } else {
    const auto end = std::min(text.find(':'), text.size());
    if (!is_reg_name(text.substr(0, end))) return false;
    rest = text.substr(end);
  }
  if (rest.empty()) return true;
  return rest.front() == ':' && rest.size() <= 6 &&
         std::all_of(rest.begin() + 1, rest.end(), is_decimal_digit);
}

Result<std::string_view> BufferedRequestBody::read(Ctx&) {
  if (bytes_.size() > limit_) {
    return fail(Code::kTooLarge, "the body is larger than " + std::to_string(limit_) + " bytes");
  }
  if (given_) return std::string_view();
  given_ = true;
  return std::string_view(bytes_);
}

ServerRequest::ServerRequest(MessageHead head, RequestBody& body)
    : method(std::move(head.method)),
      target(std::move(head.target)),
      headers(std::move(head.headers)),
      version(head.version),
      body_(&body) {}

Result<ServerRequest> ServerRequest::from_head(MessageHead head, RequestBody& body) {
  ServerRequest request(std::move(head), body);
  if (request.method == "CONNECT" || request.method == "TRACE") {
    return fail(Code::kUnsupported, "method " + request.method + " is not supported");
  }
  TRY(request.find_authority());
  TRY(request.split_path());
  TRY(request.split_query());
  return request;
}

/// RFC 9112 §3.2.2: the authority of an absolute-form target wins over Host; RFC 9112 §3.2: Host must be
/// there exactly once all the same.
Result<> ServerRequest::find_authority() {
  const auto hosts = std::count_if(headers.begin(), headers.end(),
                                   [](const Field& f) { return equal_ignore_case(f.name, "Host"); });
  if (hosts > 1) return bad_target("more than one Host header");
  if (hosts == 0 && version >= 11) return bad_target("the Host header is missing");
  authority = headers.get("Host").value_or("");
  if (!is_authority(authority)) return bad_target("the Host header is malformed");

  if (!is_target_text(target)) return bad_target("the request target has characters that are not allowed");
  if (const auto parts = split_absolute_form(target)) {
    if (parts->first.empty() || !is_authority(parts->first))
      return bad_target("the target's authority is malformed");
    authority = parts->first;
    std::string origin = parts->second.starts_with('/') ? "" : "/";
    origin += parts->second;
    target = std::move(origin);
  }
  return {};
}

Result<> ServerRequest::split_path() {
  if (target == "*") {
    if (method != "OPTIONS") return bad_target("the target * goes with OPTIONS only");
    return {};
  }
  if (!target.starts_with('/')) return bad_target("the request target does not begin with a slash");
  const auto pieces = split(path().substr(1), '/');
  if (pieces.size() > kMaxSegments) return bad_target("the path has more than 256 segments");
  segments.reserve(pieces.size());
  for (const auto piece : pieces) {
    auto decoded = percent_decode(piece);
    if (!decoded) return bad_target("the path has a malformed percent-encoding");
    if (has_dot_segments(*decoded)) return bad_target("the path has dot segments");
    if (decoded->find('\0') != std::string::npos) return bad_target("the path has a NUL");
    segments.push_back(std::move(*decoded));
  }
  return {};
}

Result<> ServerRequest::split_query() {
  const auto parts = split_once(target, "?");
  if (!parts) return {};
  auto parsed = Query::parse_form(parts->second);
  if (!parsed)
    return fail(is(parsed.error(), Code::kTooLarge) ? parsed.error()
                                                    : parsed.error().with_code(Code::kBadRequest));
  query = *std::move(parsed);
  return {};
}

std::string_view ServerRequest::path() const noexcept {
  const std::string_view all = target;
  return all.substr(0, all.find('?'));
}

std::string_view ServerRequest::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const auto& pair) { return pair.first == name; });
  CHECK(found != parameters.end());
  return found->second;
}

Result<std::string> ServerRequest::read_body(Ctx& ctx, std::optional<std::uint64_t> limit) {
  if (limit) body_->set_limit(*limit);
  return read_all(ctx, *body_, static_cast<std::size_t>(limit.value_or(SIZE_MAX)));
}

}  // namespace klutch::http
