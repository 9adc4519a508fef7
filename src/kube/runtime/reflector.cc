// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/reflector.h"

#include <algorithm>
#include <utility>

#include "base/duration.h"
#include "kube/api/status.h"
#include "kube/runtime/resource_version.h"

namespace klutch::kube {
namespace {

/// A watch that lives less long and brings nothing is not opened again at once.
constexpr Duration kShortWatch = std::chrono::seconds(1);
/// Watches last between this and twice as long, so that not all of them end together.
constexpr std::chrono::seconds kWatchTimeout = std::chrono::minutes(5);
/// Failures in a row that may lie in the version we watch from, after which we list.
constexpr int kMostBadWatches = 3;
/// Events taken in one go before other fibers get their turn.
constexpr std::size_t kEventsPerTurn = 256;

/// The version asked for is no longer, or not yet, known to this server.
bool version_unknown(const Error& error) {
  return is(error, Code::kGone) || has_cause(error, "ResourceVersionTooLarge");
}

/// The request itself is what the server does not like.
bool refused(const Error& error) {
  return is(error, Code::kBadRequest) || is(error, Code::kInvalid) || is(error, Code::kUnsupported);
}

/// The connection failed, not the request.
bool connection_failed(const Error& error) {
  return is(error, Code::kUnavailable) || is(error, Code::kTimeout) || is(error, Code::kCancelled);
}

obs::Logger logger_for(const ReflectorOptions& options) {
  const obs::Logger log("kube.reflector");
  if (options.what.ns.empty()) return log.with({{"resource", options.type.to_string()}});
  return log.with({{"resource", options.type.to_string()}, {"namespace", options.what.ns}});
}

}  // namespace

std::string_view to_string(ReflectorState state) noexcept {
  switch (state) {
    case ReflectorState::kStreaming: return "streaming";
    case ReflectorState::kPaging: return "paging";
    case ReflectorState::kWatching: return "watching";
    case ReflectorState::kWaiting: break;
  }
  return "waiting";
}

std::string_view to_string(RelistReason reason) noexcept {
  switch (reason) {
    case RelistReason::kExpired: return "expired";
    case RelistReason::kStalled: return "stalled";
    case RelistReason::kBadWatch: return "bad_watch";
    case RelistReason::kBadObject: break;
  }
  return "bad_object";
}

Reflector::Reflector(Client& client, StoreWriter& writer, InformerMetrics& metrics, ReflectorOptions options)
    : client_(client),
      writer_(writer),
      metrics_(metrics),
      options_(std::move(options)),
      log_(logger_for(options_)),
      backoff_(options_.backoff),
      state_(options_.streaming_lists ? ReflectorState::kStreaming : ReflectorState::kPaging),
      after_pause_(state_),
      streaming_(options_.streaming_lists) {}

Result<> Reflector::run(Ctx& ctx) {
  while (true) {
    auto next = step(ctx);
    if (!next) {
      stream_.reset();
      return fail(std::move(next).error());
    }
    state_ = *next;
  }
}

Reflector::Next Reflector::step(Ctx& ctx) {
  TRY(ctx.check());
  switch (state_) {
    case ReflectorState::kStreaming: return stream_list(ctx);
    case ReflectorState::kPaging: return list_pages(ctx);
    case ReflectorState::kWatching: return watch(ctx);
    case ReflectorState::kWaiting: break;
  }
  TRY(ctx.sleep(delay_));
  return after_pause_;
}

// --- Lists ---

ReflectorState Reflector::list_state() const noexcept {
  return streaming_ && !broken_stream_ ? ReflectorState::kStreaming : ReflectorState::kPaging;
}

void Reflector::saw_version(std::string_view version) {
  if (version.empty() || version == newest_) return;
  newest_ = newer_version(newest_, version);
}

void Reflector::listed(Ctx& ctx, std::string_view version) {
  writer_.end_list(version);
  position_ = newest_ = version;
  version_refused_ = broken_stream_ = false;
  listed_at_ = ctx.now();
  stalls_ = bad_watches_ = 0;
  metrics_.set_synced_at(system_clock().now());
  log_.debug("list complete", {{"count", writer_.listed()}, {"resource_version", version}});
  went_well();
  if (on_synced_) on_synced_();
}

Reflector::Next Reflector::stream_list(Ctx& ctx) {
  ++counts_.streaming_lists;
  metrics_.count_list(/*streaming=*/true);
  WatchOptions wanted = watch_options(version_refused_ ? std::string() : newest_);
  wanted.send_initial_events = true;
  opened_at_ = ctx.now();
  auto limited = ctx.with_timeout(options_.request_timeout);
  auto stream = client_.watch(limited, options_.type, wanted);
  if (!stream) {
    TRY(ctx.check());
    return after_streaming_failure(ctx, stream.error());
  }
  return receive_list(ctx, *std::move(stream));
}

Reflector::Next Reflector::receive_list(Ctx& ctx, std::unique_ptr<WatchStream> stream) {
  writer_.begin_list();
  const Instant latest_end = ctx.now() + options_.stall_timeout;
  Instant progress = ctx.now();
  for (std::size_t received = 1;; ++received) {
    auto limited = ctx.with_deadline(std::min(progress + options_.initial_events_timeout, latest_end));
    auto next = stream->next(limited);
    if (!next) {
      TRY(ctx.check());
      if (is(next.error(), Code::kTimeout) && ctx.now() >= limited.deadline()) {
        return give_up_streaming("its end does not come");
      }
      broken_stream_ = connection_failed(next.error());
      return after_streaming_failure(ctx, next.error());
    }
    if (!*next) return ReflectorState::kPaging;  // ended before it was complete
    ++counts_.events;
    metrics_.count_event();
    WatchEvent event = **std::move(next);
    const std::string version(resource_version(event.object));
    if (event.type == EventType::kBookmark) {
      if (!event.ends_initial_events())
        return give_up_streaming("an ordinary bookmark came instead of its end");
      if (version.empty()) return pause(ctx, no_version(), ReflectorState::kPaging);
      listed(ctx, version);
      stream_ = std::move(stream);
      useful_ = true;
      return ReflectorState::kWatching;
    }
    saw_version(version);
    const std::size_t listed_before = writer_.listed();
    if (const auto applied = writer_.apply(std::move(event)); !applied) {
      return pause(ctx, applied.error(), ReflectorState::kPaging);
    }
    if (writer_.listed() != listed_before) progress = ctx.now();
    if (received % kEventsPerTurn == 0) ctx.yield();
  }
}

Reflector::Next Reflector::list_pages(Ctx& ctx) {
  ++counts_.paged_lists;
  metrics_.count_list(/*streaming=*/false);
  ListOptions wanted = list_options();
  std::string version;
  std::size_t taken = 0;
  writer_.begin_list();
  while (true) {
    ++counts_.pages;
    auto limited = ctx.with_timeout(options_.request_timeout);
    auto page = client_.list_page(limited, options_.type, wanted);
    if (!page) {
      TRY(ctx.check());
      const bool token_expired = is(page.error(), Code::kGone) && !wanted.continue_token.empty();
      if (!token_expired || wanted.limit == 0) return after_list_failure(ctx, page.error());
      // The pages before came from a state that the server no longer has: all in one answer instead.
      wanted = list_options();
      wanted.limit = 0;
      version.clear();
      taken = 0;
      writer_.begin_list();
      continue;
    }
    if (version.empty()) version = page->resource_version;
    if (version.empty()) return pause(ctx, no_version(), list_state());
    saw_version(version);
    taken += std::max<std::size_t>(page->items.size(), 1);
    if (taken > options_.max_objects) return pause(ctx, too_many(), list_state());
    for (Object& item : page->items) {
      if (const auto added = writer_.add_listed(std::move(item)); !added) {
        return pause(ctx, added.error(), list_state());
      }
    }
    if (page->continue_token.empty()) break;
    wanted.continue_token = std::move(page->continue_token);
    wanted.resource_version.clear();  // the token holds it; both together are an error
    wanted.resource_version_match.clear();
    ctx.yield();
  }
  listed(ctx, version);
  return ReflectorState::kWatching;
}

ListOptions Reflector::list_options() const {
  const auto& what = options_.what;
  ListOptions options{.ns = what.ns, .labels = what.labels, .fields = what.fields};
  options.limit = options_.page_size;
  options.metadata_only = what.metadata_only;
  if (version_refused_) return options;
  // Any state will do at first; later none older than what has been seen, or we would go back in time. A page
  // of a version alone would mean exactly that version, which may be too old to be watched from.
  options.resource_version = newest_.empty() ? "0" : newest_;
  if (!newest_.empty()) options.resource_version_match = "NotOlderThan";
  return options;
}

WatchOptions Reflector::watch_options(std::string version) {
  const auto& what = options_.what;
  WatchOptions options{.ns = what.ns, .labels = what.labels, .fields = what.fields};
  options.resource_version = std::move(version);
  options.metadata_only = what.metadata_only;
  options.timeout =
      kWatchTimeout + std::chrono::seconds(static_cast<int>(backoff_.random() * kWatchTimeout.count()));
  return options;
}

Error Reflector::no_version() const {
  return Error(Code::kInternal,
               "the server sent a list of " + options_.type.to_string() + " without a resource version");
}

Error Reflector::too_many() const {
  return Error(Code::kTooLarge, "the list of " + options_.type.to_string() + " has more than " +
                                    std::to_string(options_.max_objects) +
                                    " objects, the limit of this cache");
}

ReflectorState Reflector::after_list_failure(Ctx& ctx, const Error& error) {
  // A server that was replaced or set back does not know our version, or not even its form.
  if ((version_unknown(error) || refused(error)) && !version_refused_) {
    version_refused_ = true;
    return state_;
  }
  return pause(ctx, error, list_state());
}

ReflectorState Reflector::after_streaming_failure(Ctx& ctx, const Error& error) {
  if (refused(error)) return give_up_streaming("the server refuses it");
  return after_list_failure(ctx, error);
}

ReflectorState Reflector::give_up_streaming(std::string_view reason) {
  log_.debug("streaming lists are not available, pages from now on", {{"reason", reason}});
  streaming_ = false;
  return ReflectorState::kPaging;
}

// --- Watches ---

Reflector::Next Reflector::watch(Ctx& ctx) {
  if (!stream_) {
    ++counts_.watches;
    metrics_.count_watch();
    opened_at_ = ctx.now();
    useful_ = false;
    // Some proxies hold the answer back until the first event, so this may take as long as that.
    auto limited = ctx.with_timeout(options_.stall_timeout);
    auto opened = client_.watch(limited, options_.type, watch_options(position_));
    if (!opened) {
      TRY(ctx.check());
      return after_watch_failure(ctx, opened.error(), /*was_open=*/false);
    }
    stream_ = *std::move(opened);
    went_well();
  }
  ctx.trim_stack();  // a list needs more of it than waiting does
  auto next = receive_events(ctx);
  stream_.reset();
  return next;
}

Reflector::Next Reflector::receive_events(Ctx& ctx) {
  for (std::size_t received = 1;; ++received) {
    auto limited = ctx.with_timeout(options_.stall_timeout);
    auto next = stream_->next(limited);
    if (!next) {
      TRY(ctx.check());
      if (is(next.error(), Code::kTimeout) && ctx.now() >= limited.deadline()) return after_stall(ctx);
      return after_watch_failure(ctx, next.error(), /*was_open=*/true);
    }
    if (!*next) return after_watch_end(ctx, Error(Code::kUnavailable, "the server ended the watch at once"));
    ++counts_.events;
    metrics_.count_event();
    stalls_ = 0;
    if (const auto taken = take_event(**std::move(next)); !taken) {
      return relist(ctx, RelistReason::kBadObject, taken.error());
    }
    if (received % kEventsPerTurn == 0) ctx.yield();
  }
}

Result<> Reflector::take_event(WatchEvent event) {
  const std::string version(resource_version(event.object));
  const bool bookmark = event.type == EventType::kBookmark;
  const bool news = !bookmark && TRY(writer_.apply(std::move(event)));
  if (news) {
    useful_ = true;
    bad_watches_ = 0;
  }
  // A replay must not turn the position back, though it would do no harm.
  if (version.empty() || !(news || bookmark || is_older_version(position_, version))) return {};
  position_ = version;
  saw_version(version);
  writer_.advance(version);
  return {};
}

ReflectorState Reflector::after_watch_failure(Ctx& ctx, const Error& error, bool was_open) {
  if (version_unknown(error)) return relist(ctx, RelistReason::kExpired, error);
  if (was_open && connection_failed(error)) return after_watch_end(ctx, error);
  const bool in_request = refused(error);
  const bool in_watch = in_request || is(error, Code::kInternal) || is(error, Code::kTooLarge);
  if (in_request || (in_watch && ++bad_watches_ >= kMostBadWatches)) {
    return relist(ctx, RelistReason::kBadWatch, error);
  }
  return pause(ctx, error, ReflectorState::kWatching);
}

ReflectorState Reflector::after_watch_end(Ctx& ctx, const Error& error) {
  if (useful_ || ctx.now() - opened_at_ >= kShortWatch) return ReflectorState::kWatching;
  return pause(ctx, error, ReflectorState::kWatching);
}

ReflectorState Reflector::after_stall(Ctx& ctx) {
  const Error error(Code::kTimeout, "nothing came from the watch of " + options_.type.to_string() + " for " +
                                        format_duration(options_.stall_timeout));
  last_error_ = error;
  // A second time may mean that the server was set back, and waits for the version that we have seen.
  if (++stalls_ >= 2) return relist(ctx, RelistReason::kStalled, error);
  log_.debug("watch stalled", {{"timeout", options_.stall_timeout}});
  return ReflectorState::kWatching;
}

ReflectorState Reflector::relist(Ctx& ctx, RelistReason reason, const Error& error) {
  ++counts_.relists;
  metrics_.count_relist(to_string(reason));
  log_.info("the watch cannot go on, listing again", {{"reason", to_string(reason)}, {"error", error}});
  const bool in_data = reason == RelistReason::kBadObject || reason == RelistReason::kBadWatch;
  const bool soon = listed_at_ && ctx.now() - *listed_at_ < options_.backoff.most;
  return in_data || soon ? pause(ctx, error, list_state()) : list_state();
}

// --- Failures ---

ReflectorState Reflector::pause(Ctx& ctx, const Error& error, ReflectorState then) {
  const bool known = last_error_ && last_error_->code() == error.code();
  ++counts_.failures;
  metrics_.count_failure(error.code());
  last_error_ = error;
  delay_ = backoff_.next(ctx.now(), error.retry_after());
  after_pause_ = then;
  log_.log(known ? obs::Level::kDebug : obs::Level::kWarn, "list or watch failed",
           {{"state", to_string(state_)}, {"error", error}, {"delay", delay_}});
  return ReflectorState::kWaiting;
}

void Reflector::went_well() {
  if (last_error_) log_.info("list and watch work again");
  last_error_.reset();
}

}  // namespace klutch::kube
