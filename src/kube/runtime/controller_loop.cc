// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/controller_loop.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "async/task_group.h"
#include "base/duration.h"
#include "kube/runtime/commit.h"
#include "obs/log.h"
#include "obs/log_context.h"
#include "obs/trace.h"

namespace klutch::kube {
namespace {

using std::chrono::seconds;

/// How often it is told that a cache is not synced yet.
constexpr Duration kProgressInterval = seconds(15);
/// A store that answered and does not know its list any more.
constexpr Duration kUnknownDelay = seconds(1);
/// Objects that others keep changing are tried again at least so often.
constexpr Duration kMostConflictDelay = seconds(5);

const obs::Logger& controller_log() {
  static const obs::Logger log("kube.controller");
  return log;
}

async::WorkQueueOptions queue_options(const ControllerOptions& options, ControllerMetrics& metrics) {
  return {.backoff_first = options.backoff_first,
          .backoff_most = options.backoff_most,
          .retries = options.retries,
          .observer = &metrics};
}

/// Namespaces take turns.
std::uint64_t group_of_key(const Key& key) {
  return std::hash<std::string>{}(key.ns);
}

bool is_terminal(const Error& error) {
  return is(error, Code::kTerminal) || is(error, Code::kInvalid) || is(error, Code::kUnsupported);
}

ReconcileResult classify(const Result<Outcome>& result) {
  if (result) return result->after ? ReconcileResult::kRequeueAfter : ReconcileResult::kSuccess;
  if (is(result.error(), Code::kConflict)) return ReconcileResult::kConflict;
  return is_terminal(result.error()) ? ReconcileResult::kTerminal : ReconcileResult::kError;
}

}  // namespace

ControllerLoop::ControllerLoop(async::Loop& loop, ControllerParts parts, Client& client,
                               obs::Registry* metrics)
    : parts_(std::move(parts)),
      client_(client),
      metrics_(metrics, parts_.name),
      queue_(loop, queue_options(parts_.options, metrics_), group_of_key) {}

Result<> ControllerLoop::run(Ctx& ctx, ControllerSource own, std::vector<ControllerSource> watched) {
  auto named = obs::with_log_fields(ctx, {{"controller", parts_.name}});
  own_ = own.informer;
  auto ended = run_on(named, own, watched);
  own_.reset();
  return ended;
}

Result<> ControllerLoop::run_on(Ctx& ctx, const ControllerSource& own,
                                const std::vector<ControllerSource>& watched) {
  std::vector<Subscription> subscriptions;
  subscriptions.push_back(own_->subscribe([this](const Change& change) { on_own_change(change); }));
  for (const auto& source : watched) {
    subscriptions.push_back(source.informer->subscribe(
        [this, mapper = source.mapper](const Change& change) { on_watched_change(mapper, change); }));
  }
  TRY(wait_for_sync(ctx, own));
  for (const auto& source : watched) TRY(wait_for_sync(ctx, source));

  async::TaskGroup workers(ctx, async::TaskGroup::OnError::kKeepGoing);
  const std::size_t count = std::max<std::size_t>(parts_.options.workers, 1);
  for (std::size_t i = 0; i < count; ++i) {
    workers.spawn("controller " + parts_.name, [this](Ctx& worker) -> Result<> {
      work(worker);
      return {};
    });
  }
  metrics_.workers_started(count);
  obs::log_for(controller_log(), ctx).info("started workers", {{"workers", count}});
  working_.set();

  async::Event never;
  auto stopped = never.wait(ctx);
  subscriptions.clear();
  queue_.shut_down();
  auto grace = ctx.shielded(parts_.options.stop_grace);
  if (!queue_.drain(grace)) {
    obs::log_for(controller_log(), ctx)
        .warn("cancelled reconciles that did not end in time", {{"count", queue_.active()}});
  }
  workers.stop(ctx);
  metrics_.workers_stopped(count);
  return stopped;
}

Result<> ControllerLoop::wait_for_sync(Ctx& ctx, const ControllerSource& source) const {
  const Instant start = ctx.now();
  for (;;) {
    auto limited = ctx.with_timeout(kProgressInterval);
    auto synced = source.informer->wait_for_sync(limited);
    if (synced) return {};
    TRY(ctx.check());
    if (!is(synced.error(), Code::kTimeout)) return synced;
    obs::log_for(controller_log(), ctx)
        .warn("still waiting for a cache to sync", {{"cluster", source.cluster},
                                                    {"resource", source.informer->type().to_string()},
                                                    {"duration", ctx.now() - start},
                                                    {"error", synced.error()}});
  }
}

void ControllerLoop::on_own_change(const Change& change) {
  const bool deleted = change.kind == Change::Kind::kDeleted;
  if (deleted) gone_.insert(change.key);
  const bool awaited = freshness_.caught_up(change.key, change.now.get());
  const bool wanted = deleted || std::all_of(parts_.predicates.begin(), parts_.predicates.end(),
                                             [&](const Predicate& holds) { return holds(change); });
  if (!awaited && !wanted) return;
  queue_.add(change.key, change.initial ? async::Priority::kLow : async::Priority::kNormal);
}

void ControllerLoop::on_watched_change(const Mapper& mapper, const Change& change) {
  const auto priority = change.initial ? async::Priority::kLow : async::Priority::kNormal;
  for (const auto& object : {change.before, change.now}) {
    if (object == nullptr) continue;
    for (const auto& key : mapper(*object)) queue_.add(key, priority);
  }
}

void ControllerLoop::work(Ctx& ctx) {
  for (;;) {
    {
      const auto work = queue_.take(ctx);
      if (!work || !*work) return;
      work_on(ctx, *work);
    }
    ctx.yield();  // a reconcile need not have waited for anything
  }
}

void ControllerLoop::work_on(Ctx& ctx, const Queue::Work& work) {
  const Key& key = work.key();
  const auto found = own_->store().get(key);
  if (found.unknown()) {
    queue_.add_after(key, kUnknownDelay, work.priority());
    return;
  }
  const auto verdict = freshness_.judge(key, found.object.get(), ctx.now());
  if (verdict == Freshness::Verdict::kBehind) {
    // Its change brings it sooner.
    queue_.add_after(key, freshness_.until(key) - ctx.now(), work.priority());
    return;
  }
  if (found.absent() && !gone_.contains(key)) {
    queue_.forget(key);
    return;
  }
  const auto trace = std::make_shared<const obs::TraceContext>(obs::new_trace());
  auto traced = ctx.with_value(trace);
  auto named = obs::with_log_fields(
      traced, {{"namespace", key.ns}, {"name", key.name}, {"reconcile_id", obs::to_hex(trace->trace_id)}});
  const Instant started = ctx.now();
  metrics_.reconcile_started();
  const auto result = pass(named, key, found.object, verdict == Freshness::Verdict::kOverdue);
  settle(named, work, result, started);
}

Result<Outcome> ControllerLoop::pass(Ctx& ctx, const Key& key, ObjectPtr object, bool read_live) {
  if (gone_.contains(key)) {
    auto forgotten = TRY(forget(ctx, key));
    if (object == nullptr || forgotten.after) return forgotten;
  }
  if (read_live) {
    metrics_.read_live();
    auto limited = ctx.with_timeout(parts_.options.commit_timeout);
    auto live = TRY(client_.find(limited, parts_.type, key)
                        .map_error(context("cannot read the object that the cache does not have yet")));
    if (!live) return done();
    freshness_.at_least(key, *live, resource_version(*live), ctx.now() + parts_.options.cache_wait);
    object = std::make_shared<const Object>(*std::move(live));
  }
  return reconcile(ctx, key, *object);
}

template <class Body>
Result<Outcome> ControllerLoop::guarded(Ctx& ctx, bool& threw, Body body) {
  auto limited = ctx.with_timeout(parts_.options.timeout);
  try {
    auto result = body(limited);
    if (!result && is(result.error(), Code::kTimeout) && limited.now() >= limited.deadline()) {
      return fail(
          result.error().with_context("cannot finish within " + format_duration(parts_.options.timeout)));
    }
    return result;
  } catch (const std::exception& e) {
    threw = true;
    metrics_.exception_caught();
    return fail(Code::kInternal, std::string("unexpected exception: ") + e.what());
  }
}

Result<Outcome> ControllerLoop::forget(Ctx& ctx, const Key& key) {
  bool threw = false;
  auto outcome =
      TRY(guarded(ctx, threw, [&](Ctx& limited) { return parts_.reconciler->forget(limited, key); }));
  if (!outcome.after) gone_.erase(key);
  return outcome;
}

Result<Outcome> ControllerLoop::reconcile(Ctx& ctx, const Key& key, const Object& before) {
  Object after = before;
  bool threw = false;
  auto result =
      guarded(ctx, threw, [&](Ctx& limited) { return parts_.reconciler->reconcile(limited, after); });
  // What a reconciler left behind when it was thrown out of is not worth storing.
  if (threw || ctx.cancelled()) return result;
  auto stored = store(ctx, key, before, after, /*status_only=*/!result);
  if (result && !stored) return fail(std::move(stored).error());
  if (!stored) {
    obs::log_for(controller_log(), ctx)
        .warn("could not store the status of a failed reconcile", {{"error", stored.error()}});
  }
  return result;
}

Result<> ControllerLoop::store(Ctx& ctx, const Key& key, const Object& before, const Object& after,
                               bool status_only) {
  auto limited = ctx.with_timeout(parts_.options.commit_timeout);
  CommitResult sent;
  auto stored = commit(limited, client_, parts_.type, before, after,
                       {.status_subresource = parts_.options.status_subresource,
                        .status_only = status_only,
                        .field_manager = parts_.options.field_manager},
                       sent);
  metrics_.wrote(sent.requests);
  const Instant until = ctx.now() + parts_.options.cache_wait;
  const bool stored_some = !sent.resource_version.empty();
  if (sent.gone || (!stored && is(stored.error(), Code::kConflict))) {
    freshness_.newer_than(key, before, stored_some ? sent.resource_version : resource_version(before), until);
  } else if (stored_some) {
    freshness_.at_least(key, before, sent.resource_version, until);
  }
  return stored;
}

void ControllerLoop::settle(Ctx& ctx, const Queue::Work& work, const Result<Outcome>& result,
                            Instant started) {
  const auto came_out = classify(result);
  const Duration took = ctx.now() - started;
  metrics_.reconcile_finished(came_out, took);
  const auto log = obs::log_for(controller_log(), ctx);
  const Key& key = work.key();
  switch (came_out) {
    case ReconcileResult::kSuccess:
    case ReconcileResult::kRequeueAfter:
      if (result->after && *result->after <= Duration::zero()) {
        queue_.add_rate_limited(key,
                                work.priority());  // who always says "at once" must not keep the loop busy
      } else {
        queue_.forget(key);
        if (result->after) queue_.add_after(key, *result->after);
      }
      log.debug("reconciled", {{"result", to_string(came_out)}, {"duration", took}});
      return;
    case ReconcileResult::kConflict:
      queue_.add_rate_limited(key, work.priority(),
                              result.error().retry_after().value_or(std::chrono::milliseconds(0)),
                              kMostConflictDelay);
      log.debug("reconciling again after a conflict", {{"error", result.error()}});
      return;
    case ReconcileResult::kTerminal:
      queue_.forget(key);
      log.error("reconcile failed and is not retried until something changes",
                {{"error", result.error()}, {"duration", took}});
      return;
    case ReconcileResult::kError: break;
  }
  if (queue_.is_shut_down()) return;
  queue_.add_rate_limited(key, work.priority(),
                          result.error().retry_after().value_or(std::chrono::milliseconds(0)));
  log.warn("reconcile failed and is retried",
           {{"error", result.error()}, {"attempt", work.failures()}, {"duration", took}});
}

}  // namespace klutch::kube
