// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "http/request.h"

// Finds the handler for a request by its path and method.
//
//   Router router;
//   router.get("/api/v1/namespaces/{namespace}/pods/{name}", get_pod);
//   router.get("/static/{path...}", serve_file);
//   auto server = Server::listen(loop, options, std::move(router).to_handler());
//
// A pattern is literal segments, parameters ({name}, one non-empty segment) and at the end perhaps a tail
// ({name...}, one segment or more, which may be empty). A literal goes before a parameter, a parameter before
// a tail, segment by segment from the left; a route that lacks the request's method steps back behind one
// that has it. Segments are compared after percent-decoding. Routes are added at start-up by one thread;
// afterwards the handler may be called from any fiber of any loop.

namespace klutch::http {

/// Wraps a handler with something that is done before and after it: `router.get("/x",
/// authenticated(show_x))`.
using Middleware = std::function<Handler(Handler)>;

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  Router& get(std::string_view pattern, Handler handler) { return add("GET", pattern, std::move(handler)); }
  Router& post(std::string_view pattern, Handler handler) { return add("POST", pattern, std::move(handler)); }
  Router& put(std::string_view pattern, Handler handler) { return add("PUT", pattern, std::move(handler)); }
  Router& patch(std::string_view pattern, Handler handler) {
    return add("PATCH", pattern, std::move(handler));
  }
  Router& del(std::string_view pattern, Handler handler) {
    return add("DELETE", pattern, std::move(handler));
  }
  /// Any other method. A malformed pattern, and a second route of the same method that would match the same
  /// paths, are programmer errors.
  Router& add(std::string_view method, std::string_view pattern, Handler handler);

  /// Runs the handler that matches, after filling in the request's route, parameters and tail. HEAD takes the
  /// handler of GET unless it has its own; OPTIONS is answered with Allow. kNotFound if no route has the
  /// path; 405 with Allow if none of those that have it takes the method.
  Result<Response> operator()(Ctx& ctx, ServerRequest& request) const;

  /// The finished router as a handler.
  [[nodiscard]] Handler to_handler() &&;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace klutch::http
