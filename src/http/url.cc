// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/parse_path.hpp>
#include <boost/url/parse_query.hpp>
#include <boost/url/url_view.hpp>

#include "base/strings.h"

namespace klutch::http {
namespace {

namespace urls = boost::urls;

/// What may be shown of a text that is no URL: nothing up to the last '@' and nothing from '?' on.
std::string shown_url(std::string_view text) {
  const auto at = text.rfind('@');
  if (at != std::string_view::npos) text.remove_prefix(at + 1);
  const auto visible = text.substr(0, text.find_first_of("?#"));
  return quote((at != std::string_view::npos ? "...@" : "") + std::string(visible));
}

tl::unexpected<Error> invalid_url(std::string_view text, const std::string& why) {
  return fail(Code::kInvalid, "URL " + shown_url(text) + ": " + why);
}

/// A DNS name (underscores tolerated), or an IPv4 address where it ends like one.
Result<> check_host_name(std::string_view text, std::string_view host, urls::host_type type) {
  if (host.size() > 253) return invalid_url(text, "the host is longer than 253 characters");
  if (type == urls::host_type::ipv4) return {};
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  if (!plain)
    return invalid_url(text, "the host has characters other than letters, digits, '-', '.' and '_'");
  const auto absolute = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  const auto labels = split(absolute, '.');
  if (std::any_of(labels.begin(), labels.end(),
                  [](auto label) { return label.empty() || label.size() > 63; })) {
    return invalid_url(text, "the host has a label that is empty or longer than 63 characters");
  }
  // "127.1" and "0x7f.1" mean 127.0.0.1 to getaddrinfo, and slip past rules written for names.
  const auto last = labels.back();
  const bool numeric = last.starts_with("0x") ||
                       std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (numeric) return invalid_url(text, "the host ends in a number but is no IPv4 address");
  return {};
}

Result<std::string> parse_host(std::string_view text, const urls::url_view& view) {
  switch (view.host_type()) {
    case urls::host_type::none: return invalid_url(text, "the host is missing");
    case urls::host_type::ipv6: return std::string(view.host_ipv6_address().to_string());
    case urls::host_type::ipvfuture:
      return invalid_url(text, "the host is an IP address of an unknown version");
    case urls::host_type::ipv4:
    case urls::host_type::name: break;
  }
  auto host = to_lower(std::string_view(view.encoded_host().data(), view.encoded_host().size()));
  if (host.empty()) return invalid_url(text, "the host is missing");
  TRY(check_host_name(text, host, view.host_type()));
  return host;
}

Result<std::uint16_t> parse_port(std::string_view text, const urls::url_view& view, std::uint16_t standard) {
  if (!view.has_port() || view.port().empty()) return standard;
  if (view.port_number() == 0) return invalid_url(text, "the port is not between 1 and 65535");
  return view.port_number();
}

template <class View>
std::string text_in(const View& view) {
  return std::string(view.data(), view.size());
}

/// RFC 3986 §5.2.4.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool slash_at_end = false;
  auto rest = path.substr(1);
  while (true) {
    const auto end = rest.find('/');
    const auto segment = rest.substr(0, end);
    const bool last = end == std::string_view::npos;
    slash_at_end = last && (segment == "." || segment == "..");
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    if (last) break;
    rest.remove_prefix(end + 1);
  }
  if (slash_at_end) kept.emplace_back();
  return "/" + join(kept, "/");
}

/// RFC 3986 §5.2.3; a base without a path counts as "/".
std::string merge_paths(std::string_view base, std::string_view reference) {
  const auto slash = base.rfind('/');
  return slash == std::string_view::npos ? "/" + std::string(reference)
                                         : std::string(base.substr(0, slash + 1)) + std::string(reference);
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  auto parsed = TRY(parse_with_user_info(text));
  if (parsed.user_info) return invalid_url(text, "a user name or password is not allowed in it");
  return std::move(parsed.url);
}

Result<Url::WithUserInfo> Url::parse_with_user_info(std::string_view text) {
  if (text.empty()) return fail(Code::kInvalid, "the URL is empty");
  if (text.size() > kMaxBytes) {
    return invalid_url(text, "it is longer than " + std::to_string(kMaxBytes) + " bytes");
  }
  const auto parsed = urls::parse_uri(urls::string_view(text.data(), text.size()));
  if (!parsed) {
    return invalid_url(text, text.find("://") == std::string_view::npos
                                 ? "it does not begin with http:// or https://"
                                 : "it is malformed");
  }
  const auto scheme = to_lower(text_in(parsed->scheme()));
  if (scheme != "http" && scheme != "https") return invalid_url(text, "the scheme is not http or https");
  if (!parsed->has_authority()) return invalid_url(text, "\"//\" and a host must follow the scheme");
  if (parsed->has_fragment()) return invalid_url(text, "a fragment (#...) is not allowed in it");

  Url url;
  url.https_ = scheme == "https";
  url.host_ = TRY(parse_host(text, *parsed));
  url.port_ = TRY(parse_port(text, *parsed, url.https_ ? 443 : 80));
  url.path_ = text_in(parsed->encoded_path());
  // Boost 1.81 takes "h:8x/" for port 8 and path "x/".
  if (!url.path_.empty() && url.path_.front() != '/')
    return invalid_url(text, "it is malformed after the host");
  if (parsed->has_query()) url.query_ = text_in(parsed->encoded_query());

  std::optional<UserInfo> user_info;
  if (parsed->has_userinfo()) {
    auto password = TRY(percent_decode(text_in(parsed->encoded_password())));
    user_info = UserInfo{TRY(percent_decode(text_in(parsed->encoded_user()))), Secret::take(password)};
  }
  return WithUserInfo{std::move(url), std::move(user_info)};
}

std::string Url::host_and_port() const {
  const bool ipv6 = host_.find(':') != std::string::npos;
  return (ipv6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_);
}

std::string Url::authority() const {
  auto whole = host_and_port();
  if (port_ == (https_ ? 443 : 80)) whole.resize(whole.rfind(':'));
  return whole;
}

std::string Url::origin() const {
  return std::string(scheme()) + "://" + authority();
}

std::string Url::target() const {
  return (path_.empty() ? "/" : path_) + (query_ ? "?" + *query_ : "");
}

std::string Url::to_string() const {
  return for_log() + (query_ ? "?" + *query_ : "");
}

std::string Url::for_log() const {
  return origin() + path_;
}

bool Url::same_origin(const Url& other) const noexcept {
  return https_ == other.https_ && port_ == other.port_ && host_ == other.host_;
}

Result<Url> Url::resolve(std::string_view reference) const {
  if (reference.size() > kMaxBytes) return invalid_url(reference, "the reference is too long");
  const auto parsed = urls::parse_uri_reference(urls::string_view(reference.data(), reference.size()));
  if (!parsed) return invalid_url(reference, "the reference is malformed");
  const auto without_fragment = reference.substr(0, reference.find('#'));
  if (parsed->has_scheme()) return parse(without_fragment);
  if (parsed->has_authority()) return parse(std::string(scheme()) + ":" + std::string(without_fragment));

  Url url = *this;
  const auto path = text_in(parsed->encoded_path());
  if (!path.empty()) url.path_ = remove_dot_segments(path.starts_with('/') ? path : merge_paths(path_, path));
  if (parsed->has_query()) {
    url.query_ = text_in(parsed->encoded_query());
  } else if (!path.empty()) {
    url.query_.reset();
  }
  return url;
}

Result<Url> Url::with_path(std::string_view path) const {
  if (!path.empty() && !path.starts_with('/'))
    return fail(Code::kInvalid, "path " + quote(path) + " lacks '/'");
  if (path.size() > kMaxBytes) return fail(Code::kInvalid, "the path is too long");
  if (!urls::parse_path(urls::string_view(path.data(), path.size()))) {
    return fail(Code::kInvalid, "path " + quote(path) + " has characters that must be percent-encoded");
  }
  Url url = *this;
  url.path_ = path;
  url.query_.reset();
  return url;
}

Result<Url> Url::join(std::string_view more) const {
  std::string path = path_;
  while (path.ends_with('/')) path.pop_back();
  while (more.starts_with('/')) more.remove_prefix(1);
  return with_path(path + "/" + std::string(more));
}

Result<Url> Url::with_query(std::string_view query) const {
  if (query.size() > kMaxBytes) return fail(Code::kInvalid, "the query is too long");
  if (!urls::parse_query(urls::string_view(query.data(), query.size()))) {
    return fail(Code::kInvalid, "the query has characters that must be percent-encoded");
  }
  Url url = *this;
  if (query.empty()) {
    url.query_.reset();
  } else {
    url.query_ = query;
  }
  return url;
}

}  // namespace klutch::http
