// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/storage/backend.h"
#include "apiserver/storage/storage.h"
#include "async/loop.h"
#include "async/task_group.h"
#include "base/os/environment.h"
#include "base/os/file.h"

// Writers on a store, with a record of what they decided and what they were promised, to compare with what is
// there after a crash.

namespace klutch::apiserver::testing {

/// Objects by "type namespace/name"; what is deleted is not in it.
using Objects = std::map<std::string, std::string>;

struct DecidedChange {
  Revision revision = 0;
  std::string object = {};
  std::optional<std::string> bytes = {};  ///< nothing: deleted
};

struct Record {
  std::vector<DecidedChange> decided = {};
  std::set<Revision> acknowledged = {};
  /// Writers were told that these did not happen, and whether a restart may find them all the same.
  std::map<Revision, bool> failed = {};

  [[nodiscard]] Revision last_acknowledged() const {
    return acknowledged.empty() ? 0 : *acknowledged.rbegin();
  }
  /// The objects after all changes up to `revision` but those in `without`.
  [[nodiscard]] Objects replay(Revision revision, const std::set<Revision>& without = {}) const {
    Objects objects;
    for (const auto& change : decided) {
      if (change.revision > revision || without.contains(change.revision)) continue;
      if (change.bytes) {
        objects[change.object] = *change.bytes;
      } else {
        objects.erase(change.object);
      }
    }
    return objects;
  }
};

inline std::string object_bytes(const kube::Key& key, Revision revision, std::size_t size) {
  return fmt::format(R"({{"metadata":{{"name":"{}","namespace":"{}","resourceVersion":"{}"}},"data":"{}"}})",
                     key.name, key.ns, revision, std::string(size, static_cast<char>('a' + revision % 26)));
}

struct WriterOptions {
  int number = 0;
  int writes = 6;
  /// Told each answer at once; what it returns ends the writer if false.
  std::function<bool(const Record&)> after_answer = {};
};

/// Puts small and large objects, sealed ones too, and deletes every fourth time. Ends early when the store
/// stops taking writes.
inline Result<> run_writer(Ctx& ctx, Storage& storage, Record& record, const WriterOptions& options) {
  for (int i = 0; i < options.writes; ++i) {
    const std::string type = i % 2 == 0 ? "secrets" : "configmaps";
    const kube::Key key{"ns", fmt::format("w{}-{}", options.number % 3, i / 4 % 2)};
    const std::size_t size = i % 3 == 0 ? 6000 : 40;
    Revision mine = 0;
    const auto written =
        storage.write(ctx, type, key, [&](const StoredObject* latest, Revision next) -> Result<Decision> {
          const bool remove = i % 4 == 3;
          if (remove && latest == nullptr) return Decision::keep();
          mine = next;
          const auto object = type + " " + key.to_string();
          auto bytes = object_bytes(key, next, size);
          record.decided.push_back({next, object, remove ? std::nullopt : std::optional(bytes)});
          return remove ? Decision::remove() : Decision::put(std::move(bytes), {});
        });
    if (mine != 0 && written) record.acknowledged.insert(mine);
    if (mine != 0 && !written) {
      record.failed[mine] = written.error().message().find("a restart may find it") != std::string::npos;
    }
    if (options.after_answer && !options.after_answer(record)) return {};
  }
  return {};
}

/// A folder for hundreds of stores, one after the other.
inline os::TempDir folder_in_memory() {
  const bool there_is_one = ::access("/dev/shm", W_OK) == 0;
  const os::ScopedEnv place("TMPDIR", there_is_one ? "/dev/shm" : os::get_env("TMPDIR"));
  return os::TempDir::create("klutch-store").value();
}

inline crypto::Keyring workload_keys() {
  return crypto::Keyring::create({Secret(std::string(crypto::Keyring::kKeySize, 'k'))}).value();
}

inline SqliteBackendOptions workload_backend(const std::string& folder, const std::string& vfs = {}) {
  return {.path = folder + "/store.db",
          .sealed_types = {"secrets"},
          .keys = workload_keys(),
          .checkpoint_pages = 8,
          .vfs = vfs};
}

/// Serves the store for as long as `body` takes.
inline Result<> with_storage(const SqliteBackendOptions& options,
                             const std::function<Result<>(Ctx&, Storage&)>& body) {
  async::Loop loop;
  return loop.run([&](Ctx& ctx) -> Result<> {
    auto storage = TRY(Storage::open(ctx, TRY(open_sqlite_backend(options))));
    const auto result = body(ctx, *storage);
    storage->stop(ctx);
    return result;
  });
}

/// `writers` of them at once; the result is that of the store, as far as it could be opened.
inline Record run_workload(const SqliteBackendOptions& options, int writers, const WriterOptions& each = {}) {
  Record record;
  static_cast<void>(with_storage(options, [&](Ctx& ctx, Storage& storage) {
    return async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
      for (int number = 0; number < writers; ++number) {
        auto mine = each;
        mine.number = number;
        tasks.spawn("writer", [&, mine](Ctx& task) { return run_writer(task, storage, record, mine); });
      }
      return {};
    });
  }));
  return record;
}

struct Stored {
  Revision revision = 0;
  Objects objects = {};
};
inline Result<Stored> read_store(const SqliteBackendOptions& options) {
  const auto backend = TRY(open_sqlite_backend(options));
  auto contents = TRY(backend->load());
  Stored stored;
  stored.revision = contents.revision;
  for (auto& row : contents.rows) {
    stored.objects[row.type + " " + row.key.to_string()] = std::move(row.value);
  }
  return stored;
}

}  // namespace klutch::apiserver::testing
