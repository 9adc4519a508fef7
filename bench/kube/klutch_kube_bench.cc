// SPDX-License-Identifier: Apache-2.0
// The same work as bench/peers/clientgo, done by our client and runtime: same modes, same flags, same names
// in the output. Each run does one thing in a fresh process and prints one line of JSON. run.py sets the two
// side by side.
//
//   klutch_kube_bench --kubeconfig FILE [--objects N ...] MODE

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/loop.h"
#include "async/task_group.h"
#include "async/work_queue.h"
#include "base/os/memory.h"
#include "base/os/usage.h"
#include "json/build.h"
#include "json/print.h"
#include "kube/api/kinds.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "kube/runtime/cache.h"

namespace klutch {
namespace {

constexpr auto kPatience = std::chrono::minutes(2);

struct Options {
  std::string kubeconfig = {};
  std::string ns = "bench";
  std::size_t objects = 10000;
  std::size_t rounds = 10;
  std::size_t workers = 1;
  std::size_t clients = 1;
  std::size_t requests = 5000;
};

const kube::ResourceType& widgets() {
  static const kube::ResourceType type{"bench.klutch.io", "v1", "widgets", "Widget"};
  return type;
}

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Elapsed and CPU time.
class Stopwatch {
 public:
  explicit Stopwatch(const Ctx& ctx) : started_(ctx.now()), cpu_(used()) {}
  [[nodiscard]] double seconds(const Ctx& ctx) const { return seconds_of(ctx.now() - started_); }
  [[nodiscard]] double cpu_seconds() const { return used() - cpu_; }

 private:
  static double used() { return os::process_usage().value().cpu_seconds; }
  Instant started_;
  double cpu_;
};

void report(std::string_view measure, json::Value values) {
  values.set("measure", measure);
  values.set("side", "klutch");
  std::puts(json::print(values).c_str());
}

void report_rate(const Ctx& ctx, std::string_view measure, std::size_t count, const Stopwatch& watch,
                 json::Value more) {
  const auto seconds = watch.seconds(ctx);
  const auto cpu = watch.cpu_seconds();
  const auto number = static_cast<double>(count);
  more.set("count", count);
  more.set("seconds", seconds);
  more.set("cpu_seconds", cpu);
  more.set("per_second", number / seconds);
  more.set("cpu_microseconds_each", cpu / number * 1e6);
  report(measure, std::move(more));
}

Result<std::unique_ptr<kube::HttpClient>> connect(Ctx& ctx, const Options& options) {
  return kube::HttpClient::make(ctx, TRY(kube::load_client_config({.kubeconfig = options.kubeconfig})));
}

/// `work(ctx, number)` for every number below `count`, from so many fibers.
Result<> in_parallel(Ctx& ctx, std::size_t fibers, std::size_t count,
                     const std::function<Result<>(Ctx&, std::size_t)>& work) {
  std::size_t next = 0;
  return async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    for (std::size_t fiber = 0; fiber < fibers; ++fiber) {
      tasks.spawn("worker", [&](Ctx& task) -> Result<> {
        while (next < count) TRY(work(task, next++));
        return {};
      });
    }
    return tasks.wait(ctx);
  });
}

// --- Informers
// -----------------------------------------------------------------------------------------------------

/// A cache with one informer that has seen every object, as has a handler.
class Synced {
 public:
  Synced(Ctx& ctx, kube::Client& client, const kube::ResourceType& type, const Options& options)
      : ctx_(ctx), cache_(ctx, client), informer_(cache_.informer(type, {.ns = options.ns})) {
    counting_ = informer_->subscribe([this](const kube::Change& change) {
      if (change.kind == kube::Change::Kind::kAdded) ++added_;
    });
  }
  ~Synced() {
    counting_.reset();
    informer_.reset();
    cache_.stop(ctx_);
  }
  Synced(const Synced&) = delete;
  Synced& operator=(const Synced&) = delete;

  Result<> wait(Ctx& ctx, std::size_t objects) {
    auto limited = ctx.with_timeout(kPatience);
    TRY(informer_->wait_for_sync(limited));
    if (added_ >= objects) return {};
    return fail(Code::kInternal, "the informer has " + std::to_string(added_) + " objects");
  }
  kube::Informer& operator*() { return *informer_; }
  kube::Informer* operator->() { return informer_.get(); }

 private:
  Ctx& ctx_;
  kube::Cache cache_;
  std::shared_ptr<kube::Informer> informer_;
  kube::Subscription counting_;
  std::size_t added_ = 0;
};

Result<> measure_informer(Ctx& ctx, const Options& options, std::string_view measure,
                          const kube::ResourceType& type) {
  const auto client = TRY(connect(ctx, options));
  ::malloc_trim(0);
  const auto before = TRY(os::memory_usage());
  const Stopwatch watch(ctx);
  Synced informer(ctx, *client, type, options);
  TRY(informer.wait(ctx, options.objects));
  auto values = json::object({{"objects", informer->store().size()},
                              {"seconds", watch.seconds(ctx)},
                              {"cpu_seconds", watch.cpu_seconds()}});
  const auto after = TRY(os::memory_usage());
  values.set("rss_bytes", after.resident_bytes);
  values.set("anon_bytes", after.anonymous_bytes);
  values.set("peak_rss_bytes", after.peak_bytes);
  ::malloc_trim(0);
  const auto settled = TRY(os::memory_usage());
  values.set("settled_rss_bytes", settled.resident_bytes);
  values.set("settled_anon_bytes", settled.anonymous_bytes);
  values.set("bytes_per_object", (settled.anonymous_bytes - before.anonymous_bytes) / options.objects);
  report(measure, std::move(values));
  return {};
}

Result<> informer_builtin(Ctx& ctx, const Options& options) {
  return measure_informer(ctx, options, "informer-builtin", kube::ConfigMap::type());
}

Result<> informer_custom(Ctx& ctx, const Options& options) {
  return measure_informer(ctx, options, "informer-custom", widgets());
}

// --- Queue and reconciles
// ------------------------------------------------------------------------------------------

using Queue = async::WorkQueue<kube::Key>;
using Reconcile = std::function<Result<>(Ctx&, const kube::Key&)>;

kube::Key key_of(const Options& options, std::size_t number) {
  auto digits = std::to_string(number);
  return {options.ns, "object-" + std::string(5 - std::min<std::size_t>(digits.size(), 5), '0') + digits};
}

/// Puts `keys` keys into a queue `rounds` times, each time after the ones before are done.
Result<> in_rounds(Ctx& ctx, const Options& options, std::size_t keys, std::size_t rounds,
                   const Reconcile& reconcile) {
  Queue queue(ctx.loop());
  std::size_t done = 0;
  async::Event round_done;
  const auto work = [&](Ctx& task) -> Result<> {
    while (const auto item = TRY(queue.take(task))) {
      TRY(reconcile(task, item.key()));
      queue.forget(item.key());
      if (++done % keys == 0) round_done.set();
    }
    return {};
  };
  return async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    for (std::size_t worker = 0; worker < options.workers; ++worker) tasks.spawn("worker", work);
    tasks.spawn("producer", [&](Ctx& task) -> Result<> {
      for (std::size_t round = 0; round < rounds; ++round) {
        round_done.clear();
        for (std::size_t number = 0; number < keys; ++number) queue.add(key_of(options, number));
        TRY(round_done.wait(task));
      }
      queue.shut_down();
      return {};
    });
    return tasks.wait(ctx);
  });
}

json::Value with_workers(const Options& options) {
  return json::object({{"workers", options.workers}});
}

Result<> queue_throughput(Ctx& ctx, const Options& options) {
  const Stopwatch watch(ctx);
  TRY(in_rounds(ctx, options, options.objects, options.rounds,
                [](Ctx&, const kube::Key&) -> Result<> { return {}; }));
  report_rate(ctx, "queue", options.objects * options.rounds, watch, with_workers(options));
  return {};
}

/// A private copy, as every reconciler gets.
Result<kube::Object> from_cache(const kube::Informer& informer, const kube::Key& key) {
  const auto found = informer.store().get(key);
  if (!found.present()) return fail(Code::kNotFound, key.to_string() + " is not in the cache");
  return kube::Object(*found.object);
}

Result<> reconcile_noop(Ctx& ctx, const Options& options) {
  const auto client = TRY(connect(ctx, options));
  Synced informer(ctx, *client, widgets(), options);
  TRY(informer.wait(ctx, options.objects));
  const Stopwatch watch(ctx);
  TRY(in_rounds(ctx, options, options.objects, options.rounds, [&](Ctx&, const kube::Key& key) -> Result<> {
    const auto object = TRY(from_cache(*informer, key));
    const auto* spec = object.find_object("spec");
    if (spec == nullptr || !spec->find_string("service")) return fail(Code::kInvalid, "it has no service");
    return {};
  }));
  report_rate(ctx, "reconcile-noop", options.objects * options.rounds, watch, with_workers(options));
  return {};
}

Result<> reconcile_status(Ctx& ctx, const Options& options) {
  const auto client = TRY(connect(ctx, options));
  const auto mark =
      std::chrono::duration_cast<std::chrono::nanoseconds>(system_clock().now().time_since_epoch()).count();
  Synced informer(ctx, *client, widgets(), options);
  std::size_t seen = 0;
  async::Event all_seen;
  const auto looking = informer->subscribe([&](const kube::Change& change) {
    const auto* status = change.now != nullptr ? change.now->find_object("status") : nullptr;
    if (status != nullptr && status->find_int("mark") == mark && ++seen == options.requests) all_seen.set();
  });
  TRY(informer.wait(ctx, options.objects));
  const auto patch = json::object({{"status", json::object({{"mark", mark}, {"ready", true}})}});
  const Stopwatch watch(ctx);
  TRY(in_rounds(ctx, options, options.requests, 1, [&](Ctx& task, const kube::Key& key) -> Result<> {
    const auto object = TRY(from_cache(*informer, key));
    TRY(client->patch(task, widgets(), kube::key(object), kube::PatchType::kMerge, patch,
                      {.subresource = "status"}));
    return {};
  }));
  auto limited = ctx.with_timeout(kPatience);
  TRY(all_seen.wait(limited));
  report_rate(ctx, "reconcile-status", options.requests, watch, with_workers(options));
  return {};
}

// --- Requests
// ------------------------------------------------------------------------------------------------------

Result<> request_rate(Ctx& ctx, const Options& options) {
  const auto client = TRY(connect(ctx, options));
  const kube::Key small{options.ns, "small"};
  const auto get = [&](Ctx& task) -> Result<> {
    const auto object = TRY(client->get(task, kube::ConfigMap::type(), small));
    const auto* data = object.find_object("data");
    if (data != nullptr && data->find_string("answer") == "42") return {};
    return fail(Code::kInternal, "this is not what was stored");
  };
  // Opens the connections.
  TRY(in_parallel(ctx, options.clients, 4 * options.clients,
                  [&](Ctx& task, std::size_t) { return get(task); }));
  std::vector<double> milliseconds(options.requests);
  const Stopwatch watch(ctx);
  TRY(in_parallel(ctx, options.clients, options.requests, [&](Ctx& task, std::size_t number) -> Result<> {
    const auto began = task.now();
    TRY(get(task));
    milliseconds[number] = seconds_of(task.now() - began) * 1e3;
    return {};
  }));
  auto more = json::object({{"clients", options.clients}});
  std::ranges::sort(milliseconds);
  const auto at = [&](double share) {
    return milliseconds[static_cast<std::size_t>(share * static_cast<double>(milliseconds.size() - 1))];
  };
  more.set("p50_milliseconds", at(0.5));
  more.set("p99_milliseconds", at(0.99));
  report_rate(ctx, "requests", options.requests, watch, std::move(more));
  return {};
}

// --- Command line
// --------------------------------------------------------------------------------------------------

using Mode = Result<> (*)(Ctx&, const Options&);

const std::map<std::string_view, Mode>& modes() {
  static const std::map<std::string_view, Mode> all = {
      {"informer-builtin", informer_builtin},
      {"informer-custom", informer_custom},
      {"queue", queue_throughput},
      {"reconcile-noop", reconcile_noop},
      {"reconcile-status", reconcile_status},
      {"requests", request_rate},
  };
  return all;
}

Result<Mode> parse(const std::vector<std::string_view>& arguments, Options& options) {
  const std::map<std::string_view, std::string*> texts = {{"--kubeconfig", &options.kubeconfig},
                                                          {"--namespace", &options.ns}};
  const std::map<std::string_view, std::size_t*> numbers = {
      {"--objects", &options.objects}, {"--rounds", &options.rounds},     {"--workers", &options.workers},
      {"--clients", &options.clients}, {"--requests", &options.requests},
  };
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const auto word = arguments[at];
    if (at + 1 == arguments.size()) {
      if (const auto mode = modes().find(word); mode != modes().end()) return mode->second;
      break;
    }
    const auto value = arguments[++at];
    if (const auto text = texts.find(word); text != texts.end()) {
      *text->second = value;
    } else if (const auto number = numbers.find(word); number != numbers.end()) {
      std::from_chars(value.data(), value.data() + value.size(), *number->second);
    } else {
      return fail(Code::kBadRequest, "there is no option " + std::string(word));
    }
  }
  return fail(Code::kBadRequest, "the last argument is the mode; see the head of klutch_kube_bench.cc");
}

}  // namespace
}  // namespace klutch

int main(int argc, char** argv) {
  using namespace klutch;
  Options options;
  const auto mode = parse({argv + 1, argv + argc}, options);
  async::Loop loop;
  const auto result =
      mode ? loop.run([&](Ctx& ctx) { return (*mode)(ctx, options); }) : Result<>(fail(mode.error()));
  if (result) return 0;
  std::fprintf(stderr, "klutch_kube_bench: %s\n", result.error().message().c_str());
  return 1;
}
