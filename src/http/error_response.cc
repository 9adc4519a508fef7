// SPDX-License-Identifier: Apache-2.0
#include "http/error_response.h"

#include "json/build.h"
#include "json/print.h"

namespace klutch::http {

int error_status(const Error& error) noexcept {
  return is(error, Code::kCancelled) ? 503 : traits(error.code()).http_status;
}

std::string public_message(const Error& error, const ServerRequest& request) {
  switch (error.code()) {
    case Code::kInternal: return "internal error, request id " + request.id;
    case Code::kCancelled: return "the server is stopping";
    default: return error.message();
  }
}

void add_retry_after(Response& response, const Error& error) {
  const auto delay = error.retry_after();
  if (!delay) return;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(*delay);
  response.headers.set("Retry-After",
                       std::to_string(std::max<std::chrono::seconds::rep>(0, seconds.count())));
}

Response render_error_as_text(const Error& error, const ServerRequest& request) {
  Response response;
  response.status = error_status(error);
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("X-Content-Type-Options", "nosniff");
  add_retry_after(response, error);
  response.body = Body(public_message(error, request) + "\n");
  return response;
}

Response render_error_as_json(const Error& error, const ServerRequest& request) {
  Response response;
  response.status = error_status(error);
  response.headers.add("Content-Type", "application/json");
  add_retry_after(response, error);
  response.body = Body(json::print(json::object({{"code", response.status},
                                                 {"reason", traits(error.code()).name},
                                                 {"message", public_message(error, request)}})));
  return response;
}

}  // namespace klutch::http
