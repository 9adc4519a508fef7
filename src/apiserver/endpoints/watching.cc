// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <random>
#include <utility>

#include "apiserver/endpoints/list_options.h"
#include "apiserver/endpoints/negotiation.h"
#include "apiserver/endpoints/read_support.h"
#include "apiserver/endpoints/reading.h"
#include "apiserver/endpoints/rendering.h"
#include "apiserver/endpoints/watch_encoding.h"

namespace klutch::apiserver {
namespace {

constexpr Duration kBookmarkEvery = std::chrono::minutes(1);
/// The last bookmark comes so long before the end, so that the client can go on from there.
constexpr Duration kBookmarkBeforeEnd = std::chrono::seconds(2);
constexpr Duration kShortestDefault = std::chrono::minutes(30);
constexpr std::int64_t kLongestTimeoutSeconds = std::int64_t{24} * 60 * 60;
/// Lines go out together up to about this size.
constexpr std::size_t kWriteBytes = std::size_t{32} * 1024;

/// A watch that was understood.
struct WatchPlan {
  ServedPtr resource = {};
  Representation form = {};
  ObjectFilter filter = {};
  std::string ns = {};
  /// Events after this.
  Revision from = 0;
  /// Begins with all objects that are there, once `from` is.
  bool sends_state = false;
  bool marks_end_of_state = false;
  bool bookmarks = false;
  Duration timeout = {};
};

Duration timeout_of(const ListOptions& options) {
  const std::int64_t seconds = options.timeout_seconds.value_or(0);
  if (seconds != 0) return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLongestTimeoutSeconds));
  // At random, so that clients that came together do not come back together.
  std::random_device random;
  return kShortestDefault + std::chrono::milliseconds(random() % 1'800'000);
}

Result<WatchPlan> plan_watch(const ApiRequest& request, Revision now) {
  const auto options = TRY(read_list_options(request.http.query, true));
  WatchPlan plan{.resource = request.resource};
  plan.form = TRY(negotiate(request));
  plan.filter = TRY(read_filter(request));
  plan.ns = listed_namespace(request);
  plan.bookmarks = options.bookmarks;
  plan.timeout = timeout_of(options);
  const auto asked = parse_revision(options.resource_version);
  if (!asked) {
    return fail(Code::kBadRequest, revision_problem(asked.error(), options.resource_version));
  }
  plan.from = *asked;
  // Without a version a watch begins with what is there, unless that is not wanted.
  plan.sends_state = options.send_initial_events.value_or(*asked == 0);
  plan.marks_end_of_state = plan.sends_state && plan.bookmarks;
  if (*asked == 0) plan.from = now;
  return plan;
}

class WatchStream {
 public:
  WatchStream(WatchPlan plan, Storage& storage, const Clock& clock)
      : plan_(std::move(plan)), storage_(storage), clock_(clock), encoder_(plan_.resource, plan_.form) {}

  Result<> run(Ctx& ctx, http::BodyWriter& writer) {
    end_ = ctx.now() + plan_.timeout;
    auto limited = ctx.with_deadline(end_);
    const auto result = serve(limited, writer);
    if (result || gone_) return result;
    // The end of the watch is no failure, and neither is that of the server.
    if (is(result.error(), Code::kCancelled)) return {};
    if (is(result.error(), Code::kTimeout) && limited.remaining() <= Duration::zero()) return {};
    // A response that has begun can say what is wrong only in an event.
    std::string line;
    WatchEncoder::append_error(line, result.error());
    return writer.write(ctx, line);
  }

 private:
  Result<> serve(Ctx& ctx, http::BodyWriter& writer) {
    if (plan_.sends_state) TRY(send_state(ctx, writer));
    next_bookmark_ = bookmark_after(ctx.now());
    auto watch = storage_.watch(plan_.resource->storage_type, plan_.from);
    if (!watch) return expired(watch.error());
    watch_ = std::move(*watch);
    ctx.trim_stack();
    while (true) {
      TRY(send_pending(ctx, writer));
      TRY(wait(ctx, writer));
    }
  }

  Result<> send(Ctx& ctx, http::BodyWriter& writer, std::string& lines) {
    auto written = writer.write(ctx, lines);
    gone_ = !written && !is(written.error(), Code::kTimeout) && !is(written.error(), Code::kCancelled);
    lines.clear();
    return written;
  }

  /// All objects of one moment, after which the events follow.
  Result<> send_state(Ctx& ctx, http::BodyWriter& writer) {
    TRY(wait_for_revision(ctx, storage_, plan_.from));
    Storage::ListRange range{.ns = plan_.ns};
    if (!plan_.filter.selects_everything()) {
      range.filter = [this](const StoredObject& object) {
        return plan_.filter.matches(*plan_.resource, object);
      };
    }
    auto page = TRY(storage_.list(plan_.resource->storage_type, range));
    plan_.from = page.revision;
    std::string lines;
    for (StoredPtr& object : page.objects) {
      encoder_.append_added(lines, *object, clock_.now());
      object.reset();
      if (lines.size() >= kWriteBytes) TRY(send(ctx, writer, lines));
    }
    if (plan_.marks_end_of_state) encoder_.append_bookmark(lines, plan_.from, true, clock_.now());
    return lines.empty() ? Result<>() : send(ctx, writer, lines);
  }

  /// Sends what is there already, several lines at a time.
  Result<> send_pending(Ctx& ctx, http::BodyWriter& writer) {
    std::string lines;
    while (true) {
      auto event = watch_->poll();
      if (!event) {
        if (!lines.empty()) TRY(send(ctx, writer, lines));
        return expired(event.error());
      }
      if (*event != nullptr) append(lines, **event);
      if (lines.size() >= kWriteBytes || (*event == nullptr && !lines.empty())) {
        TRY(send(ctx, writer, lines));
        TRY(ctx.check());
      }
      if (*event == nullptr) return {};
    }
  }

  void append(std::string& lines, const StoreEvent& event) {
    // A client may ask for versions that are yet to come.
    if (event.revision <= plan_.from) return;
    const WatchChange change = change_of(event);
    if (change != WatchChange::kNone) encoder_.append_event(lines, event, change, clock_.now());
  }

  [[nodiscard]] WatchChange change_of(const StoreEvent& event) const {
    if (!plan_.ns.empty() && event.after->key().ns != plan_.ns) return WatchChange::kNone;
    const bool before = event.before != nullptr && plan_.filter.matches(*plan_.resource, *event.before);
    if (event.deleted) return before ? WatchChange::kDeleted : WatchChange::kNone;
    const bool after = plan_.filter.matches(*plan_.resource, *event.after);
    if (before) return after ? WatchChange::kModified : WatchChange::kLeft;
    return after ? WatchChange::kAdded : WatchChange::kNone;
  }

  /// Until there is an event, or a bookmark is due, which it sends.
  Result<> wait(Ctx& ctx, http::BodyWriter& writer) {
    if (plan_.bookmarks && ctx.now() >= next_bookmark_) {
      std::string line;
      encoder_.append_bookmark(line, std::max(plan_.from, watch_->position()), false, clock_.now());
      next_bookmark_ = bookmark_after(ctx.now());
      TRY(send(ctx, writer, line));
      ctx.trim_stack();
      return {};
    }
    auto until = ctx.with_deadline(plan_.bookmarks ? next_bookmark_ : Ctx::kNever);
    auto event = watch_->next(until);
    if (!event) {
      if (is(event.error(), Code::kGone)) return expired(event.error());
      const bool bookmark_due = is(event.error(), Code::kTimeout) && ctx.remaining() > Duration::zero();
      return bookmark_due ? Result<>() : fail(event.error());
    }
    std::string lines;
    append(lines, **event);
    // More may be there already; they go out together.
    for (auto more = watch_->poll(); more && *more != nullptr; more = watch_->poll()) {
      append(lines, **more);
      if (lines.size() >= kWriteBytes) break;
    }
    return lines.empty() ? Result<>() : send(ctx, writer, lines);
  }

  [[nodiscard]] Instant bookmark_after(Instant now) const {
    const Instant regular = now + kBookmarkEvery;
    const Instant last = end_ - kBookmarkBeforeEnd;
    return last > now ? std::min(regular, last) : regular;
  }

  [[nodiscard]] tl::unexpected<Error> expired(const Error& error) const {
    if (!is(error, Code::kGone)) return fail(error);
    const Revision position = watch_ != nullptr ? watch_->position() : plan_.from;
    return fail(resource_expired("too old resource version: " + std::to_string(position) + " (" +
                                 std::to_string(storage_.oldest_revision(plan_.resource->storage_type)) +
                                 ")"));
  }

  WatchPlan plan_;
  Storage& storage_;
  const Clock& clock_;
  WatchEncoder encoder_;
  std::unique_ptr<StoreWatch> watch_;
  Instant end_ = {};
  Instant next_bookmark_ = {};
  bool gone_ = false;
};

}  // namespace

Result<http::Response> serve_watch(Ctx& /*ctx*/, ApiRequest& request, Storage& storage, const Clock& clock) {
  auto plan = TRY(plan_watch(request, storage.revision()));
  http::Response response;
  response.headers.add("Cache-Control", "no-cache, private");
  response.headers.add("Content-Type", "application/json");
  add_answer_headers(request, response.headers);
  response.stream = [stream = std::make_unique<WatchStream>(std::move(plan), storage, clock)](
                        Ctx& ctx, http::BodyWriter& writer) { return stream->run(ctx, writer); };
  return response;
}

}  // namespace klutch::apiserver
