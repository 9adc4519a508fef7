// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/storage.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "apiserver/storage/history.h"
#include "async/event.h"
#include "async/task_group.h"
#include "base/check.h"
#include "json/parse.h"
#include "obs/log.h"

namespace klutch::apiserver {
namespace {

const obs::Logger& storage_log() {
  static const obs::Logger log("apiserver.storage");
  return log;
}

constexpr Duration kEncodingsAge = std::chrono::seconds(10);
constexpr Duration kTrimInterval = std::chrono::seconds(10);

/// A decided change on its way to the disk.
struct Change {
  std::string type;
  kube::Key key;
  Revision revision = 0;
  StoredPtr before;  // committed or not when this was decided
  StoredPtr after;   // for a deletion the last state
  bool deleted = false;

  async::Event done;
  std::optional<Error> error;
};
using ChangePtr = std::shared_ptr<Change>;

/// "type\0ns\0name"
std::string pending_key(std::string_view type, const kube::Key& key) {
  std::string text(type);
  text += '\0';
  text += key.ns;
  text += '\0';
  text += key.name;
  return text;
}

Result<StoredPtr> from_row(Row row) {
  auto value = json::parse(row.value);
  if (!value) {
    return fail(value.error()
                    .with_context("the stored " + row.type + " " + row.key.to_string() + " is damaged")
                    .with_code(Code::kInternal));
  }
  json::Value labels;
  if (auto* metadata = value->find("metadata"); metadata != nullptr && metadata->is_object()) {
    if (auto* found = metadata->find("labels"); found != nullptr) labels = std::move(*found);
  }
  return std::make_shared<const StoredObject>(StoredObject::Fields{.key = std::move(row.key),
                                                                   .created = row.created,
                                                                   .revision = row.revision,
                                                                   .bytes = std::move(row.value),
                                                                   .labels = std::move(labels)});
}

}  // namespace

struct Storage::State {
  State(Ctx& owner, std::unique_ptr<Backend> store, StorageOptions chosen)
      : backend(std::move(store)), options(chosen), tasks(owner) {}

  std::unique_ptr<Backend> backend;
  StorageOptions options;

  Revision committed = 0;
  Revision start = 0;  // the revision this began with; nothing before it is known
  Revision next = 1;
  std::unordered_map<std::string, std::unique_ptr<TypeHistory>> histories;
  Instant next_trim = {};
  StorageStatistics counted;  // what is counted as it happens

  std::unordered_map<std::string, ChangePtr> pending;  // the newest decided change of each object
  std::deque<ChangePtr> waiting;                       // decided, not yet handed to the backend
  std::size_t on_the_way = 0;                          // handed to the backend
  async::Event work;
  std::vector<std::weak_ptr<Observer>> observers;
  bool stopping = false;
  bool stopped = false;
  async::TaskGroup tasks;

  [[nodiscard]] const TypeHistory* find(std::string_view type) const {
    const auto found = histories.find(std::string(type));
    return found == histories.end() ? nullptr : found->second.get();
  }
  TypeHistory& history(std::string_view type) {
    auto& history = histories[std::string(type)];
    if (history == nullptr) history = std::make_unique<TypeHistory>(start);
    return *history;
  }

  Result<> load(Ctx& ctx);
  Result<> commit_all(Ctx& ctx);
  Result<> commit_some(Ctx& ctx);
  void publish(const Change& change, Instant now);
  [[nodiscard]] TypeHistory::Limits limits() const;
  void trim_quiet_types(Instant now);
  void fail_everything(const std::vector<ChangePtr>& batch, const Error& error);
  ChangePtr stage(std::string_view type, const kube::Key& key, StoredPtr latest, Decision decision);
};

namespace {

class Watch final : public StoreWatch {
 public:
  /// `storage_stopped` and `committed` live as long as the Storage.
  Watch(TypeHistory& history, Revision from, const bool& storage_stopped, const Revision& committed)
      : history_(history),
        number_(history.number_after(from)),
        position_(from),
        stopped_(storage_stopped),
        committed_(committed) {}

  Result<StoreEventPtr> next(Ctx& ctx) override {
    while (true) {
      if (auto event = TRY(poll()); event != nullptr) return event;
      if (stopped_) return fail(Code::kCancelled, "the store has stopped");
      TRY(async::to_result(history_.waiting().wait(ctx), "the next event"));
    }
  }

  Result<StoreEventPtr> poll() override {
    if (number_ < history_.first_number()) {
      return fail(Code::kGone, "this watch has fallen too far behind; list again");
    }
    if (number_ == history_.end_number()) {
      position_ = std::max(position_, committed_);
      return StoreEventPtr();
    }
    auto event = history_.event(number_);
    ++number_;
    position_ = event->revision;
    return event;
  }

  [[nodiscard]] Revision position() const noexcept override { return position_; }

 private:
  TypeHistory& history_;
  std::size_t number_;
  Revision position_;
  const bool& stopped_;
  const Revision& committed_;
};

}  // namespace

Storage::Storage(std::unique_ptr<State> state) : state_(std::move(state)) {}

Storage::~Storage() {
  CHECK(state_->stopped);
}

Result<std::unique_ptr<Storage>> Storage::open(Ctx& owner, std::unique_ptr<Backend> backend,
                                               StorageOptions options) {
  auto state = std::make_unique<State>(owner, std::move(backend), options);
  TRY(state->load(owner).map_error(context("cannot load the store")));
  State* const self = state.get();
  state->tasks.spawn("commit", [self](Ctx& task) { return self->commit_all(task); });
  return std::unique_ptr<Storage>(new Storage(std::move(state)));
}

Result<> Storage::State::load(Ctx& ctx) {
  auto contents = TRY(ctx.blocking([&] { return backend->load(); }));
  committed = start = contents.revision;
  next = contents.revision + 1;
  for (auto& row : contents.rows) {
    auto& table = history(row.type);
    table.load(TRY(from_row(std::move(row))));
  }
  storage_log().info("loaded the store", {{"size", contents.rows.size()}, {"revision", committed}});
  return {};
}

void Storage::stop(Ctx& ctx) {
  if (state_->stopped) return;
  state_->stopping = true;
  state_->work.set();
  auto patient = ctx.shielded(std::chrono::minutes(1));
  static_cast<void>(state_->tasks.wait(patient));
  state_->stopped = true;
  for (auto& [type, history] : state_->histories) history->waiting().wake_all();
}

Revision Storage::revision() const noexcept {
  return state_->committed;
}

Revision Storage::oldest_revision(std::string_view type) const noexcept {
  const auto* history = state_->find(type);
  return history != nullptr ? history->oldest() : state_->start;
}

StoredPtr Storage::get(std::string_view type, const kube::Key& key) const {
  const auto* history = state_->find(type);
  return history != nullptr ? history->get(key) : nullptr;
}

StoredPtr Storage::latest(std::string_view type, const kube::Key& key) const {
  const auto found = state_->pending.find(pending_key(type, key));
  if (found == state_->pending.end()) return get(type, key);
  return found->second->deleted ? nullptr : found->second->after;
}

Result<Storage::Page> Storage::list(std::string_view type, const ListRange& range) const {
  const Revision at = range.at != 0 ? range.at : state_->committed;
  if (at > state_->committed) return fail(Code::kGone, "there has been no such resource version yet");
  const auto* history = state_->find(type);
  if (history == nullptr) {
    if (at < state_->start) return fail(Code::kGone, "this resource version is too old");
    return Page{.revision = at};
  }
  if (at < history->oldest()) return fail(Code::kGone, "this resource version is too old");
  return history->list(range, at);
}

std::size_t Storage::count(std::string_view type, std::string_view ns) const {
  const auto* history = state_->find(type);
  return history != nullptr ? history->count(ns) : 0;
}

std::size_t Storage::count_latest(std::string_view type, std::string_view ns) const {
  std::size_t total = count(type, ns);
  for (const auto& [name, change] : state_->pending) {
    if (change->type != type || (!ns.empty() && change->key.ns != ns)) continue;
    const bool was_there = get(type, change->key) != nullptr;
    if (was_there && change->deleted) --total;
    if (!was_there && !change->deleted) ++total;
  }
  return total;
}

std::vector<std::string> Storage::types() const {
  std::vector<std::string> types;
  for (const auto& [type, history] : state_->histories) {
    if (history->count({}) != 0) types.push_back(type);
  }
  std::ranges::sort(types);
  return types;
}

StorageStatistics Storage::statistics() const {
  auto statistics = state_->counted;
  statistics.waiting_changes = state_->waiting.size() + state_->on_the_way;
  for (const auto& [type, history] : state_->histories) {
    statistics.objects += history->count({});
    statistics.history_events += history->end_number() - history->first_number();
    statistics.history_bytes += history->event_bytes();
  }
  return statistics;
}

Result<std::unique_ptr<StoreWatch>> Storage::watch(std::string_view type, Revision from) {
  auto& history = state_->history(type);
  if (from < history.oldest()) return fail(Code::kGone, "this resource version is too old");
  return std::unique_ptr<StoreWatch>(
      std::make_unique<Watch>(history, from, state_->stopped, state_->committed));
}

std::shared_ptr<void> Storage::observe(Observer observer) {
  auto shared = std::make_shared<Observer>(std::move(observer));
  state_->observers.push_back(shared);
  return shared;
}

void Storage::compact() {
  for (auto& [type, history] : state_->histories) history->compact(state_->committed);
}

Result<Storage::Written> Storage::write(Ctx& ctx, std::string_view type, const kube::Key& key,
                                        Decide decide) {
  auto& state = *state_;
  if (state.stopping) return fail(Code::kUnavailable, "the store is stopping");
  if (state.waiting.size() >= state.options.waiting_changes) {
    return fail(Error(Code::kTooManyRequests, "too many changes are waiting for the disk")
                    .with_retry_after(std::chrono::seconds(1)));
  }
  const auto found = state.pending.find(pending_key(type, key));
  ChangePtr base = found == state.pending.end() ? nullptr : found->second;
  auto newest = latest(type, key);

  auto decision = decide(newest.get(), state.next);
  std::optional<Error> refused;
  if (!decision) refused = decision.error();
  const bool keeps = refused || decision->kind == Decision::Kind::kKeep ||
                     (decision->kind == Decision::Kind::kDelete && newest == nullptr);
  ChangePtr change = keeps ? base : state.stage(type, key, newest, *std::move(decision));
  // What an answer rests on must be on disk before it is given.
  if (change != nullptr) {
    TRY(change->done.wait(ctx));
    if (change->error) return fail(*change->error);
  }
  if (refused) return fail(*std::move(refused));
  if (keeps) return Written{.object = std::move(newest)};
  return Written{.object = change->after, .changed = true, .deleted = change->deleted};
}

ChangePtr Storage::State::stage(std::string_view type, const kube::Key& key, StoredPtr latest,
                                Decision decision) {
  auto change = std::make_shared<Change>();
  change->type = type;
  change->key = key;
  change->revision = next++;
  change->deleted = decision.kind == Decision::Kind::kDelete;
  if (change->deleted && decision.bytes.empty()) {
    decision.bytes = latest->bytes();
    if (const auto* labels = latest->labels(); labels != nullptr) decision.labels = *labels;
  }
  change->after = std::make_shared<const StoredObject>(
      StoredObject::Fields{.key = key,
                           .created = latest != nullptr ? latest->created() : change->revision,
                           .revision = change->revision,
                           .bytes = std::move(decision.bytes),
                           .labels = std::move(decision.labels)});
  change->before = std::move(latest);
  pending[pending_key(type, key)] = change;
  waiting.push_back(change);
  work.set();
  return change;
}

Result<> Storage::State::commit_all(Ctx& ctx) {
  while (true) {
    if (!waiting.empty()) {
      TRY(commit_some(ctx));
      continue;
    }
    if (stopping) return {};
    work.clear();
    TRY(work.wait(ctx));
  }
}

Result<> Storage::State::commit_some(Ctx& ctx) {
  std::vector<ChangePtr> batch;
  std::vector<RowChange> rows;
  while (!waiting.empty() && batch.size() < options.batch_changes) {
    auto& change = *waiting.front();
    rows.push_back({change.type, change.key, change.revision, change.deleted ? nullptr : change.after});
    batch.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
  // Also when this task is being cancelled: the writers wait for an answer.
  auto steady = ctx.shielded(std::chrono::hours(1));
  on_the_way = batch.size();
  const auto stored = steady.blocking([&] { return backend->commit(rows, batch.back()->revision); });
  on_the_way = 0;
  if (!stored) {
    fail_everything(batch, stored.error());
    return {};
  }
  ++counted.commits;
  counted.changes += batch.size();
  counted.trouble.reset();
  const Instant now = ctx.now();
  for (const auto& change : batch) publish(*change, now);
  trim_quiet_types(now);
  for (const auto& change : batch) change->done.set();
  return {};
}

void Storage::State::publish(const Change& change, Instant now) {
  auto event = std::make_shared<StoreEvent>();
  event->revision = change.revision;
  event->before = change.before;
  event->after = change.after;
  event->deleted = change.deleted;
  committed = change.revision;
  auto& table = history(change.type);
  const StoreEvent& published = *event;
  table.publish(event, now);
  std::erase_if(observers, [](const auto& observer) { return observer.expired(); });
  for (const auto& observer : observers) {
    if (const auto alive = observer.lock()) (*alive)(change.type, published);
  }
  table.trim(limits(), now);
  const auto found = pending.find(pending_key(change.type, change.key));
  if (found != pending.end() && found->second->revision == change.revision) pending.erase(found);
}

TypeHistory::Limits Storage::State::limits() const {
  return {options.history_age, options.history_events, options.history_bytes, kEncodingsAge};
}

void Storage::State::trim_quiet_types(Instant now) {
  // A type that changes is trimmed with each change; the others would keep their events for ever.
  if (now < next_trim) return;
  next_trim = now + kTrimInterval;
  for (auto& [type, table] : histories) table->trim(limits(), now);
}

void Storage::State::fail_everything(const std::vector<ChangePtr>& batch, const Error& error) {
  storage_log().error("cannot store changes", {{"error", error}, {"count", batch.size() + waiting.size()}});
  // Changes that are still waiting were decided on states that will never be.
  const auto reason = error.with_context("cannot store the change").with_code(Code::kUnavailable);
  std::vector<ChangePtr> failed = batch;
  failed.insert(failed.end(), waiting.begin(), waiting.end());
  waiting.clear();
  pending.clear();
  counted.failed_changes += failed.size();
  counted.trouble = reason;
  for (const auto& change : failed) {
    change->error = reason;
    change->done.set();
  }
}

}  // namespace klutch::apiserver
