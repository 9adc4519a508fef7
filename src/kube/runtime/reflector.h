// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "base/result.h"
#include "kube/client/client.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/informer_metrics.h"
#include "kube/runtime/reflector_backoff.h"
#include "kube/runtime/store_writer.h"
#include "obs/log.h"

// A Reflector makes a store equal to what an API server has, and keeps it so whatever the server and the
// network do: it lists, watches from where the list ended, and resumes or starts over when that breaks. It is
// a state machine of one fiber (API concepts, "Efficient detection of changes"; KEP-3157). What it has once
// stored stays until a server says that it is gone: failures never empty the store. Loop thread only.

namespace klutch::kube {

/// What the reflector is doing; each with what leads out of it.
enum class ReflectorState {
  /// A streaming list: a watch that begins with the present state. The bookmark that ends the list leads to
  /// kWatching on the same stream. A server that refuses, ignores or does not finish it leads to kPaging;
  /// one that cannot serve the version asked for is asked once more at once, without a version; any other
  /// error leads to kWaiting.
  kStreaming,
  /// A list in pages. The last page leads to kWatching. A continue token that expired leads to one list
  /// without pages; a version that cannot be served to one without a version; any other error to kWaiting.
  kPaging,
  /// A watch from the version reached. Its end, or a break after it has been of use, leads to another one at
  /// once; an expired version or a stall that repeats itself to a list; other errors to kWaiting, and from
  /// there to a watch again or, where watching from here cannot help, to a list.
  kWatching,
  /// A pause after a failure. Its end leads to the state that the failure asked for.
  kWaiting,
};
std::string_view to_string(ReflectorState state) noexcept;

/// Why a list was needed although there had been one.
enum class RelistReason {
  kExpired,    ///< the version to watch from is too old
  kStalled,    ///< nothing came for long, twice
  kBadWatch,   ///< the watch fails for a reason that lies in it
  kBadObject,  ///< an event had an object that cannot be
};
std::string_view to_string(RelistReason reason) noexcept;

struct ReflectorOptions {
  ResourceType type = {};
  InformerOptions what = {};
  std::size_t page_size = 500;
  bool streaming_lists = true;
  Duration stall_timeout = std::chrono::minutes(5);
  /// A streaming list in which nothing new arrives for so long is taken for one that the server ignored.
  Duration initial_events_timeout = std::chrono::seconds(10);
  /// For one page, and until a watch is accepted.
  Duration request_timeout = std::chrono::seconds(60);
  BackoffOptions backoff = {};
  /// Most objects that one list may have.
  std::size_t max_objects = 1'000'000;
};

/// How often something happened.
struct ReflectorCounts {
  std::uint64_t streaming_lists = 0;  ///< asked for
  std::uint64_t paged_lists = 0;      ///< begun
  std::uint64_t pages = 0;            ///< asked for
  std::uint64_t watches = 0;          ///< asked for, without streaming lists
  std::uint64_t events = 0;           ///< received, bookmarks included
  std::uint64_t failures = 0;         ///< that led to a pause
  std::uint64_t relists = 0;
};

class Reflector {
 public:
  /// All references must outlive this.
  Reflector(Client& client, StoreWriter& writer, InformerMetrics& metrics, ReflectorOptions options);

  /// Works until `ctx` is cancelled or its deadline passes, which is the error it then gives.
  Result<> run(Ctx& ctx);

  /// Called when the first list is complete.
  void on_synced(std::function<void()> callback) { on_synced_ = std::move(callback); }

  [[nodiscard]] ReflectorState state() const noexcept { return state_; }
  [[nodiscard]] const ReflectorCounts& counts() const noexcept { return counts_; }
  /// The last failure, until a list or a watch goes well.
  [[nodiscard]] const std::optional<Error>& last_error() const noexcept { return last_error_; }

 private:
  /// The next state, or why `ctx` ended.
  using Next = Result<ReflectorState>;

  Next step(Ctx& ctx);
  Next stream_list(Ctx& ctx);
  Next receive_list(Ctx& ctx, std::unique_ptr<WatchStream> stream);
  Next list_pages(Ctx& ctx);
  Next watch(Ctx& ctx);
  Next receive_events(Ctx& ctx);
  Result<> take_event(WatchEvent event);

  [[nodiscard]] ReflectorState list_state() const noexcept;
  [[nodiscard]] ListOptions list_options() const;
  WatchOptions watch_options(std::string version);
  void listed(Ctx& ctx, std::string_view version);
  void saw_version(std::string_view version);
  [[nodiscard]] Error no_version() const;
  [[nodiscard]] Error too_many() const;

  ReflectorState after_list_failure(Ctx& ctx, const Error& error);
  ReflectorState after_streaming_failure(Ctx& ctx, const Error& error);
  ReflectorState give_up_streaming(std::string_view reason);
  ReflectorState after_watch_failure(Ctx& ctx, const Error& error, bool was_open);
  ReflectorState after_watch_end(Ctx& ctx, const Error& error);
  ReflectorState after_stall(Ctx& ctx);
  ReflectorState relist(Ctx& ctx, RelistReason reason, const Error& error);
  ReflectorState pause(Ctx& ctx, const Error& error, ReflectorState then);
  void went_well();

  Client& client_;
  StoreWriter& writer_;
  InformerMetrics& metrics_;
  const ReflectorOptions options_;
  const obs::Logger log_;
  std::function<void()> on_synced_;
  ReflectorBackoff backoff_;

  ReflectorState state_;
  ReflectorState after_pause_;
  Duration delay_ = {};
  std::optional<Error> last_error_;
  ReflectorCounts counts_;

  bool streaming_;                // asked for, and not known to be missing
  bool broken_stream_ = false;    // the last streaming list broke off
  bool version_refused_ = false;  // the last list could not be served at our version
  std::string position_;          // the version to watch from
  std::string newest_;            // the newest version seen of anything, which a list must not be older than
  std::optional<Instant> listed_at_;

  std::unique_ptr<WatchStream> stream_;  // open in kWatching
  Instant opened_at_ = {};
  bool useful_ = false;  // the stream has brought something
  int stalls_ = 0;       // watches in a row in which nothing came
  int bad_watches_ = 0;  // failures in a row that may lie in the version we watch from
};

}  // namespace klutch::kube
