// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/fenced_client.h"

#include <utility>

namespace klutch::kube {
namespace {

bool only_reads(const Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

void Leadership::renewed(Instant asked, Time asked_wall, Duration certain, Duration last) {
  certain_until_ = asked + certain;
  last_ = asked + last;
  certain_until_wall_ = asked_wall + certain;
}

void Leadership::end(std::string reason) {
  if (ended_.empty()) ended_ = std::move(reason);
}

Result<> Leadership::check(Instant now) const {
  if (!ended_.empty()) return fail(Code::kUnavailable, "not leading by lease " + name_ + ": " + ended_);
  if (now >= certain_until_) {
    return fail(Code::kUnavailable, "not leading by lease " + name_ + ": it was not renewed in time");
  }
  if (clock_.now() >= certain_until_wall_) {
    return fail(Code::kUnavailable, "not certain of leading by lease " + name_ +
                                        ": the machine slept or its clock was set since it was renewed");
  }
  return {};
}

Result<Object> FencedClient::send(Ctx& ctx, const Request& request) {
  if (only_reads(request)) return inner_.send(ctx, request);
  TRY(leadership_->check(ctx.now()).map_error(context("cannot " + request.to_string())));
  auto limited = ctx.with_deadline(leadership_->last());
  auto answer = inner_.send(limited, request);
  if (!answer && is(answer.error(), Code::kTimeout) && ctx.check() && ctx.now() >= limited.deadline()) {
    return fail(answer.error().with_context("cannot wait longer than the lease is ours"));
  }
  return answer;
}

Result<Document> FencedClient::fetch(Ctx& ctx, const Request& request, std::string_view etag) {
  return inner_.fetch(ctx, request, etag);
}

Result<std::unique_ptr<WatchStream>> FencedClient::open(Ctx& ctx, const Request& request) {
  return inner_.open(ctx, request);
}

}  // namespace klutch::kube
