// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/leader_election.h"

#include <unistd.h>

#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>

#include "async/event.h"
#include "async/task_group.h"
#include "base/duration.h"
#include "base/ids.h"
#include "kube/api/kinds.h"
#include "kube/runtime/fenced_client.h"
#include "obs/log.h"
#include "obs/metrics.h"

namespace klutch::kube {
namespace {

using std::chrono::seconds;

const obs::Logger& election_log() {
  static const obs::Logger log("kube.election");
  return log;
}

std::string default_identity() {
  std::array<char, 256> host = {};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return std::string(host.data()) + "_" + new_uuid();
}

/// A candidate, and later the leader.
class Elector {
 public:
  Elector(Client& client, LeaderElectionOptions options)
      : options_(std::move(options)),
        client_(client),
        clock_(*options_.clock),
        leadership_(std::make_shared<Leadership>(options_.lease.to_string(), clock_)),
        log_(election_log().with({{"lease", options_.lease.to_string()}, {"identity", options_.identity}})) {
    std::uint32_t seed = 0;
    fill_random(std::as_writable_bytes(std::span(&seed, 1)));
    random_.seed(seed);
    if (options_.metrics == nullptr) return;
    status_.emplace(options_.metrics
                        ->gauge({.name = "leader_election_master_status",
                                 .help = "1 while this process leads, else 0.",
                                 .labels = {"name"}})
                        .with({options_.lease.to_string()}));
    status_->set(0);
  }

  const std::shared_ptr<Leadership>& leadership() const noexcept { return leadership_; }

  /// Returns when we lead. Errors: kCancelled, kTimeout.
  Result<> acquire(Ctx& ctx) {
    log_.info("waiting to lead");
    for (;;) {
      const auto leading = try_to_lead(ctx);
      if (leading && *leading) break;
      TRY(ctx.check());
      if (!leading) log_.warn("could not read or write the lease", {{"error", leading.error()}});
      // Not all at once.
      const double stretch = 1 + 0.2 * std::uniform_real_distribution<double>(0, 1)(random_);
      TRY(ctx.sleep(std::chrono::duration_cast<Duration>(options_.retry_period * stretch)));
    }
    log_.info("leading");
    if (status_) status_->set(1);
    return {};
  }

  /// Renews until leadership is lost, which is kUnavailable, or `ctx` is cancelled.
  Result<> hold(Ctx& ctx) {
    for (;;) {
      const Instant latest = leadership_->certain_until();
      auto until_lost = ctx.with_deadline(latest);
      static_cast<void>(until_lost.sleep(options_.retry_period));
      TRY(ctx.check());
      const auto leading = try_to_lead(until_lost);
      if (leading && *leading) continue;
      TRY(ctx.check());
      if (leading) return lose("another candidate has it: " + std::string(observed_->holder()));
      if (is(leading.error(), Code::kNotFound)) return lose("it was deleted");
      log_.warn("could not renew the lease", {{"error", leading.error()}});
      if (ctx.now() >= latest) {
        return lose("not renewed within " + format_duration(options_.renew_deadline) + ": " +
                    leading.error().message());
      }
    }
  }

  /// Lets others lead at once. Nothing may be written under the lease any more.
  void release(Ctx& ctx) {
    leadership_->end("it was released");
    if (status_) status_->set(0);
    if (!observed_ || !options_.release) return;
    Lease free = *observed_;
    free.set_holder("");
    free.set_duration_seconds(1);
    free.set_acquire_time(clock_.now());
    free.set_renew_time(clock_.now());
    auto grace = ctx.shielded(request_timeout());
    if (const auto done = client_.update(grace, free); !done) {
      log_.warn("could not release the lease", {{"error", done.error()}});
      return;
    }
    log_.info("released the lease");
  }

 private:
  [[nodiscard]] Duration request_timeout() const { return options_.renew_deadline / 2; }

  tl::unexpected<Error> lose(const std::string& reason) {
    leadership_->end(reason);
    if (status_) status_->set(0);
    log_.error("lost the lease", {{"reason", reason}});
    return fail(Code::kUnavailable, "lost the lease " + options_.lease.to_string() + ": " + reason);
  }

  /// Whether we lead after this try. An error leaves open who does.
  Result<bool> try_to_lead(Ctx& ctx) {
    auto limited = ctx.with_timeout(request_timeout());
    if (observed_ && observed_->holder() == options_.identity) {
      auto renewed = write(limited, *observed_, /*existing=*/true);
      if (renewed || !is(renewed.error(), Code::kConflict)) return renewed;
      // Somebody else wrote to it, or an answer to us was lost.
    }
    auto found = TRY(client_.find<Lease>(limited, options_.lease));
    if (!found) {
      if (observed_ && observed_->holder() == options_.identity) {
        return fail(Code::kNotFound, "the lease does not exist any more");
      }
      return write(limited, Lease(options_.lease), /*existing=*/false);
    }
    observe(*std::move(found), limited.now());
    const bool ours = observed_->holder() == options_.identity;
    if (!ours && !observed_->holder().empty() && limited.now() < observed_at_ + observed_duration()) {
      return false;
    }
    return write(limited, *observed_, /*existing=*/true);
  }

  /// How long the holder may be without renewing, as it says itself.
  [[nodiscard]] Duration observed_duration() const {
    const auto own = observed_->duration_seconds();
    return own > 0 ? Duration(seconds(own)) : options_.lease_duration;
  }

  void observe(Lease lease, Instant now) {
    const bool changed = !observed_ || resource_version(observed_->object()) != lease.resource_version() ||
                         observed_->uid() != lease.uid();
    if (changed) observed_at_ = now;
    if (!observed_ || observed_->holder() != lease.holder()) {
      log_.info("observed a leader", {{"owner", lease.holder()}});
      if (options_.on_new_leader) options_.on_new_leader(lease.holder());
    }
    observed_ = std::move(lease);
  }

  /// Makes the lease ours. False if somebody else was faster.
  Result<bool> write(Ctx& ctx, const Lease& before, bool existing) {
    const Instant asked = ctx.now();
    const Time asked_wall = clock_.now();
    Lease lease = before;
    if (lease.holder() != options_.identity) {
      lease.set_acquire_time(asked_wall);
      lease.set_transitions(existing ? before.transitions() + 1 : 0);
    }
    lease.set_holder(options_.identity);
    lease.set_duration_seconds(std::chrono::duration_cast<seconds>(options_.lease_duration).count());
    lease.set_renew_time(asked_wall);
    // A renewal that changes nothing would be seen by nobody: a clock may stand still, or repeat itself.
    if (lease.object() == before.object()) lease.set_renew_time(asked_wall + std::chrono::microseconds(1));
    auto stored = existing ? client_.update(ctx, lease) : client_.create(ctx, lease);
    const bool renewing = before.holder() == options_.identity;
    if (!stored && !renewing &&
        (is(stored.error(), Code::kConflict) || is(stored.error(), Code::kAlreadyExists))) {
      return false;
    }
    if (!stored) return fail(std::move(stored).error());
    observe(*std::move(stored), ctx.now());
    const Duration spare = options_.lease_duration - options_.renew_deadline;
    leadership_->renewed(asked, asked_wall, options_.renew_deadline, options_.renew_deadline + spare / 2);
    return true;
  }

  LeaderElectionOptions options_;
  Client& client_;
  const Clock& clock_;
  std::shared_ptr<Leadership> leadership_;
  obs::Logger log_;
  std::minstd_rand random_;
  std::optional<obs::Gauge> status_;
  std::optional<Lease> observed_;
  Instant observed_at_ = {};  // when it was first seen like this
};

Result<> check_election_options(const LeaderElectionOptions& options) {
  if (options.lease.ns.empty() || options.lease.name.empty()) {
    return fail(Code::kInvalid, "leader election needs the namespace and name of a lease");
  }
  if (options.lease_duration < seconds(1) || options.lease_duration % seconds(1) != Duration::zero()) {
    return fail(Code::kInvalid,
                "the lease duration must be whole seconds, not " + format_duration(options.lease_duration));
  }
  if (options.lease_duration <= options.renew_deadline) {
    return fail(Code::kInvalid, "the lease duration must be longer than the renew deadline of " +
                                    format_duration(options.renew_deadline));
  }
  if (options.retry_period <= Duration::zero() || options.renew_deadline < 2 * options.retry_period) {
    return fail(Code::kInvalid, "the renew deadline must be at least twice the retry period of " +
                                    format_duration(options.retry_period));
  }
  return {};
}

/// What happens while we lead: two tasks, of which the first to end ends both.
struct Term {
  explicit Term(Ctx& ctx) : led(ctx), renewing(ctx) {}

  Result<> run(Ctx& ctx, Elector& elector, Client& fenced, UniqueFunction<Result<>(Ctx&, Client&)>& body) {
    led.spawn("work of the leader", [&](Ctx& task) -> Result<> {
      try {
        result = body(task, fenced);
      } catch (const std::exception& e) {
        result = fail(Code::kInternal, std::string("unexpected exception: ") + e.what());
      }
      over.set();
      return {};
    });
    renewing.spawn("renewal of the lease", [&](Ctx& task) -> Result<> {
      if (auto held = elector.hold(task); !held && !is(held.error(), Code::kCancelled)) {
        lost = std::move(held).error();
      }
      over.set();
      return {};
    });
    static_cast<void>(over.wait(ctx));
    led.stop(ctx);
    renewing.stop(ctx);
    if (lost) return fail(*std::move(lost));
    elector.release(ctx);
    return std::move(result);
  }

  async::TaskGroup led;
  async::TaskGroup renewing;
  async::Event over;
  Result<> result;
  std::optional<Error> lost;
};

}  // namespace

Result<> run_as_leader(Ctx& ctx, Client& client, LeaderElectionOptions options,
                       UniqueFunction<Result<>(Ctx& ctx, Client& fenced)> body) {
  TRY(check_election_options(options));
  if (options.identity.empty()) options.identity = default_identity();
  Elector elector(client, std::move(options));
  TRY(elector.acquire(ctx));
  FencedClient fenced(client, elector.leadership());
  Term term(ctx);
  return term.run(ctx, elector, fenced, body);
}

}  // namespace klutch::kube
