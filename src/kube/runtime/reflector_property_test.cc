// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "async/suspension.h"
#include "async/task_group.h"
#include "kube/api/status.h"
#include "kube/runtime/reflector.h"
#include "kube/runtime/resource_version.h"
#include "testing/fake_kube_client.h"

// Whatever a server and the network do, the store ends equal to the server's state, and handlers see only
// what can happen to a real object.

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;
using State = std::map<std::string, Object>;  // by name

enum class Streaming { kOffered, kRefused, kIgnored };

/// A server with a history, of which any part may be compacted; and a bad network in front of it.
class FlakyServer final : public Client {
 public:
  FlakyServer(std::uint64_t seed, Streaming streaming) : chance_(seed), streaming_(streaming) {
    history_.resize(2);  // version 0 is none
    log_.resize(1);
  }

  // --- What happens on the server ---

  void write(const std::string& name) {
    State next = history_.back();
    const bool exists = next.contains(name);
    const std::string id = exists ? std::string(uid(next[name])) : "uid-" + std::to_string(history_.size());
    Object object = testing::config_map(name, static_cast<int>(history_.size()), id);
    next[name] = object;
    push(exists ? EventType::kModified : EventType::kAdded, std::move(object), std::move(next));
  }
  void erase(const std::string& name) {
    State next = history_.back();
    const auto at = next.find(name);
    if (at == next.end()) return;
    Object last = at->second;
    last["metadata"].set("resourceVersion", std::to_string(history_.size()));
    next.erase(at);
    push(EventType::kDeleted, std::move(last), std::move(next));
  }
  void compact() { compacted_ = version(); }
  /// Cuts every connection.
  void cut() {
    ++cuts_;
    changed_.wake_all();
  }
  /// From now on everything works.
  void calm() {
    calm_ = true;
    cut();
  }

  [[nodiscard]] const State& state() const { return history_.back(); }
  [[nodiscard]] std::uint64_t version() const { return history_.size() - 1; }
  [[nodiscard]] int requests() const { return requests_; }

  // --- Client ---

  Result<Object> send(Ctx& ctx, const Request& request) override;
  Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override;

 private:
  class Stream;

  void push(EventType type, Object object, State next) {
    log_.push_back({type, std::move(object)});
    history_.push_back(std::move(next));
    changed_.wake_all();
  }
  bool happens(int percent) { return !calm_ && pick(0, 99) < static_cast<std::uint64_t>(percent); }
  std::uint64_t pick(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(least, most)(chance_);
  }
  /// What goes wrong before a request is answered.
  Result<> disturb(Ctx& ctx);
  /// A state that a server may answer with when asked for `wanted` or newer.
  Result<std::uint64_t> choose_version(std::string_view wanted);
  static std::string parameter(const Request& request, std::string_view name) {
    return std::string(request.query.get(name).value_or(""));
  }

  std::mt19937_64 chance_;
  const Streaming streaming_;
  std::vector<State> history_;   // by version
  std::vector<WatchEvent> log_;  // that led to version i + 1
  std::uint64_t compacted_ = 1;  // versions before it are forgotten
  async::WaitList changed_;
  int cuts_ = 0;
  int requests_ = 0;
  bool calm_ = false;
};

Result<> FlakyServer::disturb(Ctx& ctx) {
  ++requests_;
  if (happens(20)) TRY(ctx.sleep(std::chrono::milliseconds(pick(1, 3000))));
  if (happens(5)) TRY(ctx.sleep(2h));
  if (happens(10)) return fail(Code::kUnavailable, "connection refused");
  if (happens(3)) return fail(Code::kInternal, "etcdserver: leader changed");
  if (happens(3)) return fail(Error(Code::kTooManyRequests, "slow down").with_retry_after(2s));
  return {};
}

Result<std::uint64_t> FlakyServer::choose_version(std::string_view wanted) {
  if (wanted.empty()) return version();
  const std::uint64_t least = version_number(wanted).value_or(0);
  if (least > version() || happens(3)) {
    Status status;
    status.http_status = 504;
    status.reason = "Timeout";
    status.causes = {{.reason = "ResourceVersionTooLarge"}};
    return fail(status.to_error());
  }
  if (calm_) return version();
  return pick(std::max(least, compacted_), version());
}

Result<Object> FlakyServer::send(Ctx& ctx, const Request& request) {
  TRY(disturb(ctx));
  std::uint64_t at = 0;
  std::string after;
  if (const auto token = parameter(request, "continue"); !token.empty()) {
    at = std::stoull(token);
    after = token.substr(token.find('/') + 1);
    if (at < compacted_ || happens(10)) return fail(Code::kGone, "the continue token is too old");
  } else {
    const std::string wanted = parameter(request, "resourceVersion");
    const std::uint64_t number = version_number(wanted).value_or(0);
    at = TRY(choose_version(wanted));
    // Without resourceVersionMatch, a page of a version means exactly that version (API concepts, "list").
    const bool exactly = parameter(request, "resourceVersionMatch").empty() && number != 0 &&
                         !parameter(request, "limit").empty();
    if (exactly && number < compacted_) return fail(Code::kGone, "too old resource version");
    if (exactly) at = number;
  }
  const State& state = history_[at];
  const std::string limit = parameter(request, "limit");
  const std::size_t most = limit.empty() ? state.size() : std::stoul(limit);
  std::vector<Object> items;
  auto next = state.upper_bound(after);
  for (; next != state.end() && items.size() < most; ++next) items.push_back(next->second);
  std::string token;
  if (next != state.end()) token = std::to_string(at) + "/" + std::prev(next)->first;
  return testing::list_of(std::move(items), std::to_string(at), token);
}

/// Sends first what it has queued, then what happens after `version_`.
class FlakyServer::Stream final : public WatchStream {
 public:
  Stream(FlakyServer& server, std::uint64_t version)
      : server_(server), version_(version), cuts_(server.cuts_) {}

  void queue(WatchEvent event) { queued_.push_back(std::move(event)); }

  Result<std::optional<WatchEvent>> next(Ctx& ctx) override {
    while (true) {
      TRY(ctx.check());
      if (server_.cuts_ != cuts_) return fail(Code::kUnavailable, "connection reset");
      if (server_.happens(2)) return fail(Code::kUnavailable, "connection reset");
      if (server_.happens(2)) return std::nullopt;
      if (server_.happens(1)) return fail(Code::kGone, "too old resource version");
      if (server_.happens(1)) return fail(Code::kInternal, "a line that is no event");
      if (server_.happens(1)) return WatchEvent{EventType::kAdded, Object("garbage")};
      if (server_.happens(1)) TRY(ctx.sleep(1h));  // silence
      if (server_.happens(10)) TRY(ctx.sleep(200ms));
      if (!sent_.empty() && server_.happens(10)) return sent_[server_.pick(0, sent_.size() - 1)];
      if (!queued_.empty()) {
        WatchEvent event = std::move(queued_.front());
        queued_.erase(queued_.begin());
        return send(std::move(event));
      }
      if (version_ < server_.compacted_) return fail(Code::kGone, "too old resource version");
      if (version_ < server_.version()) return send(server_.log_[version_++]);
      if (server_.happens(20)) {
        return std::get<WatchEvent>(testing::bookmark(static_cast<int>(version_)));
      }
      auto minute = ctx.with_timeout(1min);
      if (server_.changed_.wait(minute) == async::Wake::kTimedOut) {
        TRY(ctx.check());
        return std::get<WatchEvent>(testing::bookmark(static_cast<int>(version_)));
      }
    }
  }

 private:
  WatchEvent send(WatchEvent event) {
    if (event.type != EventType::kBookmark) sent_.push_back(event);
    if (sent_.size() > 4) sent_.erase(sent_.begin());
    return event;
  }

  FlakyServer& server_;
  std::uint64_t version_;
  int cuts_;
  std::vector<WatchEvent> queued_;
  std::vector<WatchEvent> sent_;  // the latest, for replays
};

Result<std::unique_ptr<WatchStream>> FlakyServer::open(Ctx& ctx, const Request& request) {
  TRY(disturb(ctx));
  const std::string wanted = parameter(request, "resourceVersion");
  const bool streaming = parameter(request, "sendInitialEvents") == "true";
  if (streaming && streaming_ == Streaming::kRefused) return fail(Code::kInvalid, "not offered");
  const bool initial = streaming ? streaming_ == Streaming::kOffered || wanted.empty() : wanted.empty();
  if (!initial) {
    const std::uint64_t from = version_number(wanted).value_or(0);
    if (from < compacted_ && happens(50)) return fail(Code::kGone, "too old resource version");
    return std::make_unique<Stream>(*this, from);
  }
  const std::uint64_t at = TRY(choose_version(wanted));
  const std::uint64_t end = pick(at, version());
  auto stream = std::make_unique<Stream>(*this, end);
  for (const auto& [name, object] : history_[at]) stream->queue({EventType::kAdded, object});
  for (std::uint64_t i = at; i < end; ++i) stream->queue(log_[i]);
  if (streaming && streaming_ == Streaming::kOffered) {
    stream->queue(std::get<WatchEvent>(testing::end_of_list(static_cast<int>(end))));
  }
  return stream;
}

/// What was found wrong. Exceptions, which is how properties fail, must not leave a fiber.
struct Findings {
  std::string first;
  void expect(bool holds, std::string_view what) {
    if (!holds && first.empty()) first = what;
  }
};

/// Believes only what can be.
class Witness {
 public:
  explicit Witness(Findings& findings) : findings_(findings) {}

  void see(const Change& change) {
    const std::string name = change.key.name;
    const auto known = known_.find(name);
    const bool present = known != known_.end();
    switch (change.kind) {
      case Change::Kind::kAdded:
        expect(!present, "added twice");
        expect(!dead_.contains(std::string(uid(*change.now))), "added after its deletion");
        known_[name] = change.now;
        break;
      case Change::Kind::kUpdated:
        expect(present && known->second == change.before, "updated from something else");
        expect(uid(*change.before) == uid(*change.now), "updated to another object");
        expect(is_older_version(resource_version(*change.before), resource_version(*change.now)),
               "went backwards");
        known_[name] = change.now;
        break;
      case Change::Kind::kDeleted:
        expect(present && known->second == change.before, "deleted without having been there");
        dead_.insert(std::string(uid(*change.before)));
        known_.erase(name);
        break;
    }
  }
  [[nodiscard]] const std::map<std::string, ObjectPtr>& known() const { return known_; }

 private:
  void expect(bool holds, std::string_view what) { findings_.expect(holds, what); }

  Findings& findings_;
  std::map<std::string, ObjectPtr> known_;
  std::set<std::string> dead_;
};

enum class Step { kWrite, kErase, kCompact, kCut, kWaitShort, kWaitLong };

/// One life of a reflector in front of a flaky server.
struct Life {
  Streaming streaming;
  std::uint64_t seed;
  std::vector<std::pair<Step, int>> steps;

  void play(FlakyServer& server, Ctx& ctx) const {
    for (const auto& [step, number] : steps) {
      const std::string name = "object-" + std::to_string(number % 12);
      switch (step) {
        case Step::kWrite: server.write(name); break;
        case Step::kErase: server.erase(name); break;
        case Step::kCompact: server.compact(); break;
        case Step::kCut: server.cut(); break;
        case Step::kWaitShort: static_cast<void>(ctx.sleep(std::chrono::milliseconds(number))); break;
        case Step::kWaitLong: static_cast<void>(ctx.sleep(std::chrono::seconds(number))); break;
      }
    }
  }

  Findings live(Ctx& ctx) const {
    Findings findings;
    FlakyServer server(seed, streaming);
    Witness witness(findings);
    ObjectStore store;
    StoreWriter writer(store, {.type = testing::config_maps()},
                       [&](const Change& change) { witness.see(change); });
    InformerMetrics metrics;
    Reflector reflector(
        server, writer, metrics,
        {.type = testing::config_maps(), .page_size = 3, .backoff = {.random = [] { return 0.5; }}});
    async::TaskGroup tasks(ctx);
    tasks.spawn("reflector", [&](Ctx& task) { return reflector.run(task); });
    play(server, ctx);
    server.calm();
    static_cast<void>(ctx.sleep(3h));  // for the longest silence to be noticed
    findings.expect(store.synced(), "not synced");
    findings.expect(store.resource_version() == std::to_string(server.version()), "another version");
    compare(server.state(), store, witness, findings);
    // It is alive, and not only equal by chance.
    server.write("last");
    static_cast<void>(ctx.sleep(1s));
    compare(server.state(), store, witness, findings);
    findings.expect(reflector.state() == ReflectorState::kWatching, "not watching");
    findings.expect(server.requests() < 200 + 20 * static_cast<int>(steps.size()), "too many requests");
    tasks.stop(ctx);
    return findings;
  }

  static void compare(const State& state, const ObjectStore& store, const Witness& witness,
                      Findings& findings) {
    findings.expect(store.size() == state.size(), "another number of objects");
    findings.expect(witness.known().size() == state.size(), "told of another number of objects");
    for (const auto& [name, object] : state) {
      const auto found = store.get({"default", name});
      findings.expect(found.present() && *found.object == object, "another object");
      const auto told = witness.known().find(name);
      findings.expect(told != witness.known().end() && told->second == found.object,
                      "told of another object");
    }
  }
};

rc::Gen<std::vector<std::pair<Step, int>>> steps() {
  const auto step = rc::gen::weightedElement<Step>({{30, Step::kWrite},
                                                    {12, Step::kErase},
                                                    {2, Step::kCompact},
                                                    {3, Step::kCut},
                                                    {20, Step::kWaitShort},
                                                    {2, Step::kWaitLong}});
  return rc::gen::scale(3.0, rc::gen::container<std::vector<std::pair<Step, int>>>(
                                 rc::gen::pair(step, rc::gen::inRange(0, 500))));
}

[[maybe_unused]] void showValue(Streaming streaming, std::ostream& out) {
  constexpr const char* kNames[] = {"offered", "refused", "ignored"};
  out << kNames[static_cast<int>(streaming)];
}

[[maybe_unused]] void showValue(Step step, std::ostream& out) {
  constexpr const char* kNames[] = {"write", "erase", "compact", "cut", "wait short", "wait long"};
  out << kNames[static_cast<int>(step)];
}

RC_GTEST_PROP(ReflectorProperty, TheStoreEndsEqualToTheServerAndNothingImpossibleIsSeen,
              (std::uint64_t seed)) {
  const Life life{*rc::gen::element(Streaming::kOffered, Streaming::kRefused, Streaming::kIgnored), seed,
                  *steps()};
  async::Loop loop({.time = async::Loop::Time::kVirtual});
  Findings findings;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    findings = life.live(ctx);
    return {};
  });
  RC_ASSERT(result.has_value());
  RC_ASSERT(findings.first == "");
}

}  // namespace
}  // namespace klutch::kube
