// SPDX-License-Identifier: Apache-2.0
// Kubernetes' functions for URLs.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/go_text.h"
#include "apiserver/cel/heap.h"
#include "apiserver/schema/go_url.h"

namespace klutch::apiserver::cel {
namespace {

/// URL.String().
std::string printed_url(const GoUrl& url) {
  std::string text = url.scheme.empty() ? "" : url.scheme + ':';
  if (!url.opaque.empty()) {
    text += url.opaque;
  } else {
    const bool has_authority = !url.host.empty() || !url.user.empty();
    if (has_authority || (!url.scheme.empty() && !url.path.empty())) text += "//";
    if (!url.user.empty()) text += url.user + '@';
    text += url.host + go_escaped_path(url);
  }
  if (url.has_query) text += '?' + url.raw_query;
  if (!url.fragment.empty()) text += '#' + url.fragment;
  return text;
}

class UrlObject : public detail::OpaqueObject {
 public:
  explicit UrlObject(GoUrl parsed) : url(std::move(parsed)) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "kubernetes.URL"; }
  [[nodiscard]] bool equals(const OpaqueObject& other) const override {
    return printed_url(url) == printed_url(static_cast<const UrlObject&>(other).url);
  }
  [[nodiscard]] std::string debug() const override { return "url(" + printed_url(url) + ')'; }
  [[nodiscard]] Value native() const override {
    return Value::error("unsupported conversion to ref.Val: (*url.URL)" + printed_url(url));
  }

  const GoUrl url;
};

const GoUrl& url_of(const Value& value) {
  return detail::find_opaque<UrlObject>(value)->url;
}

/// A request URI first, as formats of schemas check it; the second time for the fragment.
Value to_url(Arguments a) {
  const auto checked = go_parse_request_uri(a[0].as_text());
  auto parsed = checked ? go_parse_url(a[0].as_text()) : checked;
  if (!parsed) {
    return Value::error("URL parse error during conversion from string: " + parsed.error().message());
  }
  return Value::adopt(Kind::kOpaque, new UrlObject(*std::move(parsed)));
}

Value is_url(Arguments a) {
  return Value::boolean(go_parse_request_uri(a[0].as_text()).has_value());
}

/// Host and port; the port is checked already.
std::pair<std::string_view, std::string_view> split_port(std::string_view host) {
  std::string_view port;
  const std::size_t colon = host.rfind(':');
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (colon != std::string_view::npos && std::ranges::all_of(host.substr(colon + 1), is_digit)) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, port};
}

Value url_scheme(Arguments a) {
  return Value::string(url_of(a[0]).scheme);
}

Value url_host(Arguments a) {
  return Value::string(url_of(a[0]).host);
}

Value url_hostname(Arguments a) {
  return Value::string(split_port(url_of(a[0]).host).first);
}

Value url_port(Arguments a) {
  return Value::string(split_port(url_of(a[0]).host).second);
}

Value url_escaped_path(Arguments a) {
  return Value::string(go_escaped_path(url_of(a[0])));
}

/// Parts that cannot be read are left out, as Go's URL.Query does.
Value url_query(Arguments a) {
  auto* map = new detail::MapObject;
  Value query = Value::adopt(Kind::kMap, map);
  for (const std::string_view part : go_split(url_of(a[0]).raw_query, "&", -1)) {
    if (part.empty() || part.find(';') != std::string_view::npos) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto key = go_unescape_query(part.substr(0, equals));
    const auto value = go_unescape_query(part.substr(std::min(equals + 1, part.size())));
    if (!key || !value) continue;
    const Value name = Value::string(*key);
    std::vector<Value> values;
    if (const Value* present = map->find_same(name)) {
      for (std::size_t i = 0; i < present->size(); ++i) values.push_back(present->element(i));
    }
    values.push_back(Value::string(*value));
    map->set(name, Value::list(values));
  }
  return query;
}

constexpr std::string_view kToText = ".(kubernetes.URL) -> string";

constexpr std::array kUrlFunctions = {
    OverloadSpec{"url", "string_to_url", "(string) -> kubernetes.URL", to_url},
    OverloadSpec{"getScheme", "url_get_scheme", kToText, url_scheme},
    OverloadSpec{"getHost", "url_get_host", kToText, url_host},
    OverloadSpec{"getHostname", "url_get_hostname", kToText, url_hostname},
    OverloadSpec{"getPort", "url_get_port", kToText, url_port},
    OverloadSpec{"getEscapedPath", "url_get_escaped_path", kToText, url_escaped_path},
    OverloadSpec{"getQuery", "url_get_query", ".(kubernetes.URL) -> map(string, list(string))", url_query},
    OverloadSpec{"isURL", "is_url_string", "(string) -> bool", is_url},
};

}  // namespace

std::span<const OverloadSpec> url_overloads() {
  return kUrlFunctions;
}

}  // namespace klutch::apiserver::cel
