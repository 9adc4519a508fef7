// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/descriptor.h"
#include "base/result.h"

// Whole files. Everything blocks on the disk and is safe from any thread. New files are readable by their
// owner only unless the caller says otherwise, whatever the umask. Errors name the path.

namespace klutch::os {

inline constexpr std::size_t kDefaultReadLimit = std::size_t{16} << 20U;
inline constexpr unsigned kOwnerOnly = 0600;

/// The content of a regular file or a device such as /dev/null. kTooLarge above `max_bytes`, kInvalid for
/// directories, sockets and FIFOs (which might keep the reader waiting for ever).
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = kDefaultReadLimit);

/// Replaces `path` by a file with `content`: readers, and whoever starts after a crash, see all of the old
/// content or all of the new, and when this returns the new content is on the disk. A symbolic link at `path`
/// is replaced, not followed. On failure the old file is as it was and nothing else is left behind.
Result<> write_file_atomic(const std::string& path, std::string_view content, unsigned mode = kOwnerOnly);

/// Appends to `path`, which is made with `mode` if it does not exist.
Result<> append_file(const std::string& path, std::string_view content, unsigned mode = kOwnerOnly);

/// Opens `path` for appending as append_file does, for writers that keep it open.
Result<Descriptor> open_for_append(const std::string& path, unsigned mode = kOwnerOnly);

/// Puts the finished file `from` in the place of `to`, in the same file system: its content and its new name
/// are on the disk when this returns, and a crash leaves all of the old file or all of the new.
Result<> replace_file(const std::string& from, const std::string& to);

/// Waits until what was made, renamed or removed in a directory is on the disk.
Result<> sync_directory(const std::string& path);

/// Removes a file or symbolic link. True when it existed.
Result<bool> remove_file(const std::string& path);

/// Removes a directory with everything in it, without following links. Absence is success.
Result<> remove_tree(const std::string& path);

/// Makes a directory and its missing parents, each with `mode`. An existing directory is left as it is.
Result<> make_directories(const std::string& path, unsigned mode = 0700);

/// The names in a directory, sorted, without "." and "..". kTooLarge above `max_entries`.
Result<std::vector<std::string>> list_directory(const std::string& path, std::size_t max_entries = 100'000);

enum class FileKind { kRegular, kDirectory, kSymlink, kOther };

struct FileInfo {
  FileKind kind = FileKind::kOther;
  std::size_t size = 0;
  unsigned mode = 0;  ///< Permission bits.
};

/// What is at `path`; of a symbolic link, the link itself. Nothing when there is nothing.
Result<std::optional<FileInfo>> find_file(const std::string& path);

/// Fails with kForbidden unless `path` belongs to us (or root) and nobody else may read or write it. For
/// private keys and the like; call it before trusting the content.
Result<> require_private(const std::string& path);

/// A fresh directory for us alone (mode 0700) in $TMPDIR or /tmp, removed with its content by the destructor.
class TempDir {
 public:
  static Result<TempDir> create(std::string_view prefix = "klutch");
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// The path of `name` in it.
  [[nodiscard]] std::string file(std::string_view name) const;

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  void remove() noexcept;
  std::string path_;
};

/// An exclusive lock between processes on a file that exists for nothing else. It ends with this object or
/// with the process, however that dies. The file stays: removing it would let two holders in. It says the
/// holder's process id, for messages.
class FileLock {
 public:
  /// The lock, or nothing while another process (or another FileLock of this one) holds it. Never waits.
  static Result<std::optional<FileLock>> try_acquire(const std::string& path);
  /// The process id of who holds the lock or held it last; nothing when the file does not say.
  static std::optional<int> last_holder(const std::string& path);

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace klutch::os
