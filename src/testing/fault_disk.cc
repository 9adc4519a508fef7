// SPDX-License-Identifier: Apache-2.0
#include "testing/fault_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sstream>
#include <utility>
#include <vector>

#include "base/check.h"

namespace klutch::test {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kNever = static_cast<std::size_t>(-1);

/// A change to a file that was not synced yet. Without `data` the file is cut to `offset`.
struct PendingChange {
  std::size_t offset = 0;
  std::optional<std::string> data = {};
};

struct DiskFile {
  std::string synced = {};
  bool exists = false;  // its name is on the disk
  std::vector<PendingChange> pending = {};
  /// What had this name before it was removed, as long as the removal is not on the disk.
  bool was_removed = false;
  std::string removed = {};
  std::size_t size = 0;  // as the program sees it
  std::size_t syncs = 0;
};

void apply_change(std::string& content, const PendingChange& change) {
  if (!change.data) {
    content.resize(std::min(content.size(), change.offset));
    return;
  }
  content.resize(std::max(content.size(), change.offset + change.data->size()));
  content.replace(change.offset, change.data->size(), *change.data);
}

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

/// Keeps each sector of a change by chance.
void apply_by_chance(std::string& content, const PendingChange& change, std::mt19937& random) {
  if (!change.data) {
    if (random() % 2 == 0) apply_change(content, change);
    return;
  }
  for (std::size_t at = 0; at < change.data->size(); at += kSector) {
    const PendingChange part{change.offset + at, change.data->substr(at, kSector)};
    const std::size_t end = part.offset + part.data->size();
    if (random() % 2 == 0) {
      apply_change(content, part);
    } else if (content.size() < end && random() % 2 == 0) {
      content.resize(end, static_cast<char>(random()));
    }
  }
}

}  // namespace

class FaultDisk::Core {
 public:
  Core();
  ~Core() { CHECK(sqlite3_vfs_unregister(&vfs_) == SQLITE_OK); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  static Core& of(sqlite3_vfs* vfs) { return *static_cast<Core*>(vfs->pAppData); }
  [[nodiscard]] sqlite3_vfs* real() const { return real_; }

  DiskFile* adopt(const std::string& path, bool existed);
  int write(DiskFile& file, sqlite3_file* real, const void* data, int size, sqlite3_int64 offset);
  int truncate(DiskFile& file, sqlite3_file* real, sqlite3_int64 size);
  int sync(DiskFile& file);
  int remove(const std::string& path, int sync_directory);

  std::string name_;
  mutable std::mutex mutex_;
  std::map<std::string, DiskFile> files_;
  std::size_t operations_ = 0;
  std::size_t power_ends_ = kNever;
  std::size_t fails_ = kNever;
  std::optional<std::size_t> free_;

 private:
  enum class Fate { kDone, kFails, kNoPower };
  /// Counts the operation that is about to happen.
  Fate next() {
    ++operations_;
    if (operations_ >= power_ends_) return Fate::kNoPower;
    return operations_ == fails_ ? Fate::kFails : Fate::kDone;
  }

  sqlite3_vfs* real_ = sqlite3_vfs_find(nullptr);
  sqlite3_vfs vfs_{};
};

DiskFile* FaultDisk::Core::adopt(const std::string& path, bool existed) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = files_.try_emplace(path);
  auto& file = found->second;
  if (is_new && existed) {
    file.synced = read_whole(path);
    file.exists = true;
    file.size = file.synced.size();
  }
  return &file;
}

int FaultDisk::Core::write(DiskFile& file, sqlite3_file* real, const void* data, int size,
                           sqlite3_int64 offset) {
  const std::lock_guard lock(mutex_);
  const bool had_power = operations_ < power_ends_;
  const auto fate = next();
  const auto begin = static_cast<std::size_t>(offset);
  std::size_t length = static_cast<std::size_t>(size);
  const char* const bytes = static_cast<const char*>(data);
  if (fate == Fate::kNoPower) {
    // It was on its way when the power went; write_image decides how much of it arrived.
    if (had_power) file.pending.push_back({begin, std::string(bytes, length)});
    return SQLITE_IOERR_WRITE;
  }
  int result = SQLITE_OK;
  if (fate == Fate::kFails) {
    length /= 2;
    result = SQLITE_IOERR_WRITE;
  } else if (free_ && begin + length > file.size + *free_) {
    length = std::max(begin, file.size + *free_) - begin;
    result = SQLITE_FULL;
  }
  if (length != 0) {
    const int written = real->pMethods->xWrite(real, data, static_cast<int>(length), offset);
    if (written != SQLITE_OK) return written;
    file.pending.push_back({begin, std::string(bytes, length)});
    const auto grown = std::max(file.size, begin + length);
    if (free_) *free_ -= grown - file.size;
    file.size = grown;
  }
  return result;
}

int FaultDisk::Core::truncate(DiskFile& file, sqlite3_file* real, sqlite3_int64 size) {
  const std::lock_guard lock(mutex_);
  if (next() != Fate::kDone) return SQLITE_IOERR_TRUNCATE;
  const int result = real->pMethods->xTruncate(real, size);
  if (result != SQLITE_OK) return result;
  file.pending.push_back({static_cast<std::size_t>(size), std::nullopt});
  const auto cut = std::min(file.size, static_cast<std::size_t>(size));
  if (free_) *free_ += file.size - cut;
  file.size = cut;
  return SQLITE_OK;
}

int FaultDisk::Core::sync(DiskFile& file) {
  const std::lock_guard lock(mutex_);
  ++file.syncs;
  if (next() != Fate::kDone) return SQLITE_IOERR_FSYNC;
  for (const auto& change : file.pending) apply_change(file.synced, change);
  file.pending.clear();
  // SQLite syncs the directory together with a file it has made, and with it what was removed before.
  if (!file.exists) {
    for (auto& [path, other] : files_) other.was_removed = false;
  }
  file.exists = true;
  return SQLITE_OK;
}

int FaultDisk::Core::remove(const std::string& path, int sync_directory) {
  const std::lock_guard lock(mutex_);
  if (next() != Fate::kDone) return SQLITE_IOERR_DELETE;
  const int result = real_->xDelete(real_, path.c_str(), 0);
  const auto found = files_.find(path);
  if (result != SQLITE_OK || found == files_.end()) return result;
  auto& file = found->second;
  if (free_) *free_ += file.size;
  // A removal that is not synced leaves what was on the disk, be it older than this file.
  if (file.exists) file.removed = file.synced;
  file.was_removed = sync_directory == 0 && (file.exists || file.was_removed);
  file.exists = false;
  file.synced.clear();
  file.pending.clear();
  file.size = 0;
  return SQLITE_OK;
}

namespace {

/// What SQLite sees as an open file; the operating system's follows it in memory.
struct ShimFile {
  sqlite3_file base;
  FaultDisk::Core* core;
  DiskFile* file;  // null for temporary files
  sqlite3_file* real;
};

ShimFile& shim(sqlite3_file* file) {
  return *reinterpret_cast<ShimFile*>(file);
}
sqlite3_file* real_of(sqlite3_file* file) {
  return shim(file).real;
}

int shim_close(sqlite3_file* file) {
  return real_of(file)->pMethods->xClose(real_of(file));
}
int shim_read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  return real_of(file)->pMethods->xRead(real_of(file), data, size, offset);
}
int shim_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  auto& self = shim(file);
  if (self.file == nullptr) return self.real->pMethods->xWrite(self.real, data, size, offset);
  return self.core->write(*self.file, self.real, data, size, offset);
}
int shim_truncate(sqlite3_file* file, sqlite3_int64 size) {
  auto& self = shim(file);
  if (self.file == nullptr) return self.real->pMethods->xTruncate(self.real, size);
  return self.core->truncate(*self.file, self.real, size);
}
int shim_sync(sqlite3_file* file, int) {
  auto& self = shim(file);
  return self.file == nullptr ? SQLITE_OK : self.core->sync(*self.file);
}
int shim_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int shim_lock(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int shim_unlock(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int shim_check_lock(sqlite3_file* file, int* result) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}
int shim_control(sqlite3_file* file, int operation, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
int shim_sector_size(sqlite3_file* file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
int shim_characteristics(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
int shim_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}
int shim_shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
void shim_shm_barrier(sqlite3_file* file) {
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}
int shim_shm_unmap(sqlite3_file* file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

constexpr sqlite3_io_methods kShimMethods = {2,
                                             shim_close,
                                             shim_read,
                                             shim_write,
                                             shim_truncate,
                                             shim_sync,
                                             shim_size,
                                             shim_lock,
                                             shim_unlock,
                                             shim_check_lock,
                                             shim_control,
                                             shim_sector_size,
                                             shim_characteristics,
                                             shim_shm_map,
                                             shim_shm_lock,
                                             shim_shm_barrier,
                                             shim_shm_unmap,
                                             nullptr,
                                             nullptr};

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& core = FaultDisk::Core::of(vfs);
  auto& self = shim(file);
  self.base.pMethods = nullptr;
  self.core = &core;
  self.real = reinterpret_cast<sqlite3_file*>(&self + 1);
  const bool tracked =
      name != nullptr && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  const bool existed = tracked && std::filesystem::exists(name);
  const int result = core.real()->xOpen(core.real(), name, self.real, flags, out_flags);
  if (result != SQLITE_OK) return result;
  self.file = tracked ? core.adopt(name, existed) : nullptr;
  self.base.pMethods = &kShimMethods;
  return SQLITE_OK;
}
int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  return FaultDisk::Core::of(vfs).remove(name, sync_directory);
}
int vfs_access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  auto* const real = FaultDisk::Core::of(vfs).real();
  return real->xAccess(real, name, flags, result);
}
int vfs_full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
  auto* const real = FaultDisk::Core::of(vfs).real();
  return real->xFullPathname(real, name, size, out);
}
int vfs_randomness(sqlite3_vfs* vfs, int size, char* out) {
  auto* const real = FaultDisk::Core::of(vfs).real();
  return real->xRandomness(real, size, out);
}
int vfs_sleep(sqlite3_vfs* vfs, int microseconds) {
  auto* const real = FaultDisk::Core::of(vfs).real();
  return real->xSleep(real, microseconds);
}
int vfs_time(sqlite3_vfs* vfs, sqlite3_int64* time) {
  auto* const real = FaultDisk::Core::of(vfs).real();
  return real->xCurrentTimeInt64(real, time);
}
int vfs_last_error(sqlite3_vfs*, int, char*) {
  return EIO;
}

}  // namespace

FaultDisk::Core::Core() {
  static std::atomic<int> next_number = 1;
  name_ = "fault-disk-" + std::to_string(next_number++);
  CHECK(real_ != nullptr);
  vfs_.iVersion = 2;
  vfs_.szOsFile = static_cast<int>(sizeof(ShimFile)) + real_->szOsFile;
  vfs_.mxPathname = real_->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = vfs_open;
  vfs_.xDelete = vfs_delete;
  vfs_.xAccess = vfs_access;
  vfs_.xFullPathname = vfs_full_path;
  vfs_.xRandomness = vfs_randomness;
  vfs_.xSleep = vfs_sleep;
  vfs_.xCurrentTimeInt64 = vfs_time;
  vfs_.xGetLastError = vfs_last_error;
  CHECK(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
}

FaultDisk::FaultDisk() : core_(std::make_unique<Core>()) {}

FaultDisk::~FaultDisk() = default;

const std::string& FaultDisk::vfs() const noexcept {
  return core_->name_;
}

std::size_t FaultDisk::operations() const {
  const std::lock_guard lock(core_->mutex_);
  return core_->operations_;
}

std::size_t FaultDisk::syncs(const std::string& suffix) const {
  const std::lock_guard lock(core_->mutex_);
  std::size_t count = 0;
  for (const auto& [path, file] : core_->files_) {
    if (path.ends_with(suffix)) count += file.syncs;
  }
  return count;
}

void FaultDisk::lose_power_at(std::size_t operation) {
  const std::lock_guard lock(core_->mutex_);
  core_->power_ends_ = operation;
}

void FaultDisk::lose_power_now() {
  const std::lock_guard lock(core_->mutex_);
  core_->power_ends_ = std::min(core_->power_ends_, core_->operations_);
}

bool FaultDisk::has_power() const {
  const std::lock_guard lock(core_->mutex_);
  return core_->operations_ < core_->power_ends_;
}

void FaultDisk::fail_at(std::size_t operation) {
  const std::lock_guard lock(core_->mutex_);
  core_->fails_ = operation;
}

bool FaultDisk::has_failed() const {
  const std::lock_guard lock(core_->mutex_);
  return core_->operations_ >= core_->fails_;
}

void FaultDisk::set_free_bytes(std::optional<std::size_t> bytes) {
  const std::lock_guard lock(core_->mutex_);
  core_->free_ = bytes;
}

void FaultDisk::write_image(const std::string& folder, Unsynced unsynced, unsigned seed) const {
  const std::lock_guard lock(core_->mutex_);
  std::mt19937 random(seed);
  for (const auto& [path, file] : core_->files_) {
    std::string content = file.synced;
    bool exists = file.exists;
    if (!exists && file.was_removed && unsynced != Unsynced::kKept) {
      content = file.removed;  // its removal did not reach the disk, nor did its successor
      exists = true;
    } else if (unsynced != Unsynced::kLost) {
      exists = exists || !file.pending.empty();
      for (auto change = file.pending.begin(); change != file.pending.end(); ++change) {
        PendingChange part = *change;
        const bool last = change + 1 == file.pending.end();
        if (unsynced == Unsynced::kTorn && last && part.data) part.data->resize(part.data->size() / 2);
        unsynced == Unsynced::kShuffled ? apply_by_chance(content, part, random)
                                        : apply_change(content, part);
      }
    }
    const auto target = std::filesystem::path(folder) / std::filesystem::path(path).filename();
    std::filesystem::remove(target);
    if (exists) std::ofstream(target, std::ios::binary) << content;
  }
}

}  // namespace klutch::test
