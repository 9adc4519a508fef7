// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/strings.h"

namespace klutch::http {

struct RouteEntry {
  std::string pattern;
  std::vector<std::string> names;  // of its parameters, from the left; the tail's last
  bool has_tail = false;
  Handler handler;
};

using RoutesByMethod = std::map<std::string, RouteEntry, std::less<>>;

/// One place in the tree of segments.
struct RouteNode {
  std::map<std::string, std::unique_ptr<RouteNode>, std::less<>> literals;
  std::unique_ptr<RouteNode> parameter;
  RoutesByMethod here;   // routes that end at this place
  RoutesByMethod tails;  // routes whose tail begins behind this place
};

namespace {

bool is_name(std::string_view text) noexcept {
  return is_token(text) && text.find_first_of("{}.") == text.npos;
}

/// "{name}" -> "name"; nothing for a literal.
std::optional<std::string_view> parameter_name(std::string_view segment) {
  if (!segment.starts_with('{')) {
    CHECK(segment.find_first_of("{}") == std::string_view::npos);
    return std::nullopt;
  }
  CHECK(segment.ends_with('}'));
  return segment.substr(1, segment.size() - 2);
}

const RouteEntry* find_method(const RoutesByMethod& methods, std::string_view method) {
  auto found = methods.find(method);
  if (found == methods.end() && method == "HEAD") found = methods.find("GET");
  return found == methods.end() ? nullptr : &found->second;
}

/// Looks through the tree for the route of one request. Every node lies at one depth, so that each is visited
/// at most once; the recursion ends with the longest pattern.
class Search {
 public:
  Search(const ServerRequest& request, std::vector<std::string_view>& values)
      : request_(request), values_(values) {}

  const RouteEntry* walk(const RouteNode& node, std::size_t depth) {
    const auto& segments = request_.segments;
    if (depth == segments.size()) return choose(node.here);
    const auto& segment = segments[depth];
    if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
      if (const auto* route = walk(*literal->second, depth + 1)) return route;
    }
    if (node.parameter && !segment.empty()) {
      values_.push_back(segment);
      if (const auto* route = walk(*node.parameter, depth + 1)) return route;
      values_.pop_back();
    }
    const auto* route = choose(node.tails);
    if (route != nullptr) tail_begin = depth;
    return route;
  }

  std::size_t tail_begin = 0;
  std::set<std::string, std::less<>> allowed;

 private:
  const RouteEntry* choose(const RoutesByMethod& methods) {
    const auto* route = find_method(methods, request_.method);
    if (route == nullptr) {
      for (const auto& [method, other] : methods) allowed.insert(method);
    }
    return route;
  }

  const ServerRequest& request_;
  std::vector<std::string_view>& values_;
};

/// What a path that has no route for the method allows (RFC 9110 §10.2.1).
std::string allow_text(std::set<std::string, std::less<>> methods) {
  if (methods.contains("GET")) methods.insert("HEAD");
  methods.insert("OPTIONS");
  return join(methods, ", ");
}

Response without_content(std::string allow) {
  Response response;
  response.status = 204;
  response.headers.add("Allow", allow);
  return response;
}

Response method_not_allowed(std::string allow) {
  Response response;
  response.status = 405;
  response.headers.add("Allow", allow);
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = Body(std::string("method not allowed\n"));
  return response;
}

}  // namespace

struct Router::Table {
  RouteNode root;
  std::set<std::string, std::less<>> methods;

  Result<Response> route(Ctx& ctx, ServerRequest& request) const {
    if (request.target == "*") return without_content(allow_text(methods));
    std::vector<std::string_view> values;
    Search search(request, values);
    const auto* route = search.walk(root, 0);
    if (route == nullptr) {
      if (search.allowed.empty()) return fail(Code::kNotFound, "there is nothing at this path");
      auto allow = allow_text(std::move(search.allowed));
      return request.method == "OPTIONS" ? without_content(std::move(allow))
                                         : method_not_allowed(std::move(allow));
    }
    request.route = route->pattern;
    if (route->has_tail) {
      request.tail = std::span(request.segments).subspan(search.tail_begin);
    }
    request.parameters.clear();
    for (std::size_t i = 0; i < values.size(); ++i)
      request.parameters.emplace_back(route->names[i], values[i]);
    return route->handler(ctx, request);
  }
};

Router::Router() : table_(std::make_unique<Table>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Router& Router::add(std::string_view method, std::string_view pattern, Handler handler) {
  CHECK(is_token(method) && pattern.starts_with('/') && handler != nullptr);
  RouteEntry route{std::string(pattern), {}, false, std::move(handler)};
  RouteNode* node = &table_->root;
  for (const auto segment : split(pattern.substr(1), '/')) {
    CHECK(!route.has_tail);  // a tail is the last segment
    const auto parameter = parameter_name(segment);
    if (!parameter) {
      auto& next = node->literals[std::string(segment)];
      if (!next) next = std::make_unique<RouteNode>();
      node = next.get();
      continue;
    }
    route.has_tail = parameter->ends_with("...");
    const auto name = route.has_tail ? parameter->substr(0, parameter->size() - 3) : *parameter;
    CHECK(is_name(name) && std::find(route.names.begin(), route.names.end(), name) == route.names.end());
    route.names.emplace_back(name);
    if (route.has_tail) continue;
    if (!node->parameter) node->parameter = std::make_unique<RouteNode>();
    node = node->parameter.get();
  }
  auto& methods = route.has_tail ? node->tails : node->here;
  CHECK(
      methods.try_emplace(std::string(method), std::move(route)).second);  // two routes for the same requests
  table_->methods.insert(std::string(method));
  return *this;
}

Result<Response> Router::operator()(Ctx& ctx, ServerRequest& request) const {
  return table_->route(ctx, request);
}

Handler Router::to_handler() && {
  return [table = std::shared_ptr<const Table>(std::move(table_))](Ctx& ctx, ServerRequest& request) {
    return table->route(ctx, request);
  };
}

}  // namespace klutch::http
