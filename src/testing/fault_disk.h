// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

// A disk for SQLite that loses power, fails and fills up when a test says so: an SQLite VFS in front of the
// operating system's, which remembers what was written and what of it was synced. One test, any of its
// threads; every database that was opened through it must be closed before it is destroyed. No fsync reaches
// the real disk, so it is fast.
//
//   FaultDisk disk;
//   auto db = sqlite::Database::open(path, {.vfs = disk.vfs()});
//   disk.lose_power_at(17);
//   ...
//   disk.write_image(other_folder, FaultDisk::Unsynced::kTorn, 1);   // what the machine finds afterwards

namespace klutch::test {

class FaultDisk {
 public:
  FaultDisk();
  ~FaultDisk();
  FaultDisk(const FaultDisk&) = delete;
  FaultDisk& operator=(const FaultDisk&) = delete;

  /// The name to open databases with.
  [[nodiscard]] const std::string& vfs() const noexcept;

  /// Writes, truncations, removals and syncs so far: each is a point at which something can happen.
  [[nodiscard]] std::size_t operations() const;
  /// Syncs so far of files whose name ends so: "-wal", ".db".
  [[nodiscard]] std::size_t syncs(const std::string& suffix) const;

  /// The operation with this number, counted from 1, and all after it fail, and none of them is done.
  void lose_power_at(std::size_t operation);
  void lose_power_now();
  [[nodiscard]] bool has_power() const;
  /// The operation with this number fails once with EIO; a write has then been done by half.
  void fail_at(std::size_t operation);
  [[nodiscard]] bool has_failed() const;
  /// Files may grow by so many bytes in all; nothing: without limit.
  void set_free_bytes(std::optional<std::size_t> bytes);

  /// What becomes of what was written and not synced when the power is lost.
  enum class Unsynced {
    kLost,
    kKept,
    kTorn,      ///< kept, the last write by half
    kShuffled,  ///< each sector of 512 bytes is kept or lost by chance, gaps hold garbage
  };
  /// Writes the files, as the disk has them after a loss of power now, into `folder`.
  void write_image(const std::string& folder, Unsynced unsynced, unsigned seed) const;

  /// The inside, for the functions that SQLite calls.
  class Core;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace klutch::test
