// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/event_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "async/event.h"
#include "async/loop.h"
#include "async/task_group.h"
#include "base/strings.h"
#include "base/time.h"
#include "json/build.h"
#include "kube/api/kinds.h"
#include "obs/log.h"

namespace klutch::kube {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxReason = 128;
constexpr std::size_t kMaxObjectName = 230;  // of 253, with room for '.' and a number
constexpr Duration kRequestTimeout = seconds(10);
constexpr Duration kStopGrace = seconds(5);
/// Pauses before an event is tried again; then it is lost.
constexpr std::array<Duration, 2> kPauses = {seconds(2), seconds(10)};

/// On its way to the server.
struct PendingEvent {
  Key key;
  std::int64_t count;
  std::string message;
  Time first, last;
  Object rest;  // what only a new event needs
};

json::Value reference_to(const Object& object) {
  auto reference = json::Value::empty_object();
  const auto add = [&](const char* member, std::string_view value) {
    if (!value.empty()) reference.set(member, value);
  };
  add("kind", kind(object));
  add("apiVersion", api_version(object));
  add("namespace", ns(object));
  add("name", name(object));
  add("uid", uid(object));
  add("resourceVersion", resource_version(object));
  return reference;
}

std::string cut_text(std::string_view text, std::size_t most) {
  constexpr std::string_view kDots = "...";
  if (text.size() <= most) return std::string(text);
  return std::string(utf8_prefix(text, most - kDots.size())) + std::string(kDots);
}

/// Whether the same request may succeed a little later.
bool worth_another_try(const Error& error) {
  return traits(error.code()).retry == Retry::kBackoff;
}

const obs::Logger& events_log() {
  static const obs::Logger log("kube.events");
  return log;
}

}  // namespace

struct EventRecorder::State {
  State(const Ctx& owner, Client& to, EventRecorderOptions given)
      : client(to),
        options(std::move(given)),
        clock(*options.clock),
        loop(owner.loop()),
        correlator(options.limits),
        tasks(owner) {
    tasks.spawn("events", [this](Ctx& ctx) { return run(ctx); });
  }

  void record(const Object& about, const char* type, std::string_view reason, std::string_view message);
  std::string new_name(std::string_view object);
  [[nodiscard]] Object describe(const Object& about, const char* type, std::string_view reason) const;
  Result<> run(Ctx& ctx);
  Result<> deliver(Ctx& ctx, const PendingEvent& event);
  Result<> send(Ctx& ctx, const PendingEvent& event);

  Client& client;
  EventRecorderOptions options;
  const Clock& clock;
  async::Loop& loop;
  EventCorrelator correlator;
  std::deque<PendingEvent> pending;
  std::size_t lost = 0;
  Time last_stamp = {};
  bool stopping = false;
  async::Event work;
  async::Event idle;
  async::TaskGroup tasks;
};

void EventRecorder::State::record(const Object& about, const char* type, std::string_view reason,
                                  std::string_view message) {
  if (stopping) return;
  const Time now = clock.now();
  const std::string cut_reason = cut_text(reason, kMaxReason);
  const EventCorrelator::Input input{.object = fmt::format("{}/{}/{}/{}/{}", api_version(about), kind(about),
                                                           ns(about), name(about), uid(about)),
                                     .kind = fmt::format("{}/{}", type, cut_reason),
                                     .message = cut_text(message, kMaxMessage)};
  const auto decision = correlator.observe(input, loop.now(), now, [&] { return new_name(name(about)); });
  if (!decision.send) return;
  if (pending.size() >= options.queue) {
    ++lost;
    return;
  }
  const auto place = ns(about).empty() ? std::string_view("default") : ns(about);
  pending.push_back({.key = {std::string(place), decision.name},
                     .count = decision.count,
                     .message = cut_text(decision.message, kMaxMessage),
                     .first = decision.first,
                     .last = now,
                     .rest = describe(about, type, cut_reason)});
  idle.clear();
  work.set();
}

/// As client-go names them: the object's name and the time in nanoseconds.
std::string EventRecorder::State::new_name(std::string_view object) {
  last_stamp = std::max(clock.now(), last_stamp + std::chrono::nanoseconds(1));
  return fmt::format("{}.{:x}", object.substr(0, kMaxObjectName), last_stamp.time_since_epoch().count());
}

Object EventRecorder::State::describe(const Object& about, const char* type, std::string_view reason) const {
  auto source = json::object({{"component", options.component}});
  if (!options.instance.empty()) source.set("host", options.instance);
  return json::object({{"involvedObject", reference_to(about)},
                       {"type", type},
                       {"reason", reason},
                       {"source", std::move(source)},
                       {"reportingComponent", options.component},
                       {"reportingInstance", options.instance}});
}

Result<> EventRecorder::State::run(Ctx& ctx) {
  for (;;) {
    if (pending.empty()) {
      idle.set();
      work.clear();
      if (stopping) return {};
      TRY(work.wait(ctx));
      continue;
    }
    const PendingEvent event = std::move(pending.front());
    pending.pop_front();
    if (const auto sent = deliver(ctx, event); !sent) {
      TRY(ctx.check());
      ++lost;
      events_log().warn("an event was lost", {{"key", event.key.to_string()}, {"error", sent.error()}});
    }
  }
}

Result<> EventRecorder::State::deliver(Ctx& ctx, const PendingEvent& event) {
  auto sent = send(ctx, event);
  for (const Duration pause : kPauses) {
    if (sent || !worth_another_try(sent.error()) || stopping) break;
    TRY(ctx.sleep(pause));
    sent = send(ctx, event);
  }
  return sent;
}

Result<> EventRecorder::State::send(Ctx& ctx, const PendingEvent& event) {
  auto limited = ctx.with_timeout(kRequestTimeout);
  const auto last = format_rfc3339(event.last);
  if (event.count > 1) {
    const auto patch =
        json::object({{"count", event.count}, {"lastTimestamp", last}, {"message", event.message}});
    auto patched = client.patch(limited, Event::type(), event.key, PatchType::kMerge, patch);
    if (patched) return {};
    // The first one has expired, or was lost.
    if (!is(patched.error(), Code::kNotFound)) return fail(std::move(patched).error());
  }
  Event fresh(event.key);
  for (const auto& [member, value] : event.rest.members()) fresh.object().set(member, value);
  fresh.object().set("message", event.message);
  fresh.object().set("firstTimestamp", format_rfc3339(event.first));
  fresh.object().set("lastTimestamp", last);
  fresh.object().set("count", event.count);
  auto created = client.create(limited, fresh);
  if (created || is(created.error(), Code::kAlreadyExists)) return {};
  return fail(std::move(created).error());
}

EventRecorder::EventRecorder(const Ctx& owner, Client& client, EventRecorderOptions options)
    : state_(std::make_unique<State>(owner, client, std::move(options))) {}

EventRecorder::~EventRecorder() = default;

void EventRecorder::normal(const Object& about, std::string_view reason, std::string_view message) {
  state_->record(about, "Normal", reason, message);
}

void EventRecorder::warning(const Object& about, std::string_view reason, std::string_view message) {
  state_->record(about, "Warning", reason, message);
}

std::size_t EventRecorder::lost() const noexcept {
  return state_->lost;
}

Result<> EventRecorder::flush(Ctx& ctx) {
  if (state_->pending.empty() && state_->idle.is_set()) return {};
  return state_->idle.wait(ctx);
}

void EventRecorder::stop(Ctx& ctx) {
  state_->stopping = true;
  state_->work.set();
  auto grace = ctx.shielded(kStopGrace);
  static_cast<void>(state_->tasks.wait(grace));
  state_->lost += state_->pending.size();
  state_->pending.clear();
}

}  // namespace klutch::kube
