// SPDX-License-Identifier: Apache-2.0
#include "base/os/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/ids.h"
#include "base/os/errno_error.h"
#include "base/os/paths.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

namespace fs = std::filesystem;

std::string cannot(std::string_view verb, std::string_view path) {
  return std::string("cannot ").append(verb).append(" ").append(path);
}

Result<Descriptor> open_file(const std::string& path, int flags, unsigned mode, std::string_view verb) {
  while (true) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EINTR) return fail_errno(cannot(verb, path));
  }
}

Result<> sync_to_disk(int fd, const std::string& path) {
  while (::fsync(fd) != 0) {
    if (errno == EINVAL || errno == EROFS) return {};  // this file system has nothing to wait for
    if (errno != EINTR) return fail_errno(cannot("write to disk:", path));
  }
  return {};
}

/// A file that a finished write turns into the real one, and that vanishes otherwise.
class PendingFile {
 public:
  static Result<PendingFile> create_beside(const std::string& target) {
    constexpr int kAttempts = 16;
    const std::string stem = join_path(parent_path(target), "." + base_name(target) + ".");
    for (int attempt = 1;; ++attempt) {
      const std::string path = stem + random_suffix(10) + ".tmp";
      // O_EXCL refuses whatever stands there, including a link somebody planted.
      auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kOwnerOnly, "create");
      if (file) return PendingFile(path, *std::move(file));
      if (!is(file.error(), Code::kAlreadyExists) || attempt == kAttempts)
        return fail(std::move(file).error());
    }
  }
  PendingFile(PendingFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Result<> fill(std::string_view content, unsigned mode) {
    TRY(write_all(file_.get(), content, cannot("write", path_)));
    if (::fchmod(file_.get(), mode) != 0) return fail_errno(cannot("set the permissions of", path_));
    return sync_to_disk(file_.get(), path_);
  }

  Result<> become(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return fail_errno(cannot("replace", target));
    path_.clear();
    return {};
  }

 private:
  PendingFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  Descriptor file_;
};

FileKind kind_of(unsigned mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  return S_ISLNK(mode) ? FileKind::kSymlink : FileKind::kOther;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO or reading a terminal must not wait for somebody else.
  const auto file = TRY(open_file(path, O_RDONLY | O_NONBLOCK, 0, "read"));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno(cannot("read", path));
  if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) {
    return fail(Code::kInvalid, cannot("read", path) + ": it is not a regular file");
  }
  return read_all(file.get(), max_bytes, cannot("read", path));
}

Result<> write_file_atomic(const std::string& path, std::string_view content, unsigned mode) {
  auto pending = TRY(PendingFile::create_beside(path));
  TRY(pending.fill(content, mode));
  TRY(pending.become(path));
  return sync_directory(parent_path(path));
}

Result<Descriptor> open_for_append(const std::string& path, unsigned mode) {
  return open_file(path, O_WRONLY | O_CREAT | O_APPEND, mode, "open");
}

Result<> append_file(const std::string& path, std::string_view content, unsigned mode) {
  const auto file = TRY(open_for_append(path, mode));
  return write_all(file.get(), content, cannot("append to", path));
}

Result<> replace_file(const std::string& from, const std::string& to) {
  {
    const auto file = TRY(open_file(from, O_RDWR | O_NOFOLLOW, 0, "open"));
    TRY(sync_to_disk(file.get(), from));
  }
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno(cannot("replace", to));
  return sync_directory(parent_path(to));
}

Result<> sync_directory(const std::string& path) {
  const auto handle = TRY(open_file(path, O_RDONLY | O_DIRECTORY, 0, "open"));
  return sync_to_disk(handle.get(), path);
}

Result<bool> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return fail_errno(cannot("remove", path));
}

Result<> remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail(errno_error(error.value(), cannot("remove", path)));
  return {};
}

Result<> make_directories(const std::string& path, unsigned mode) {
  for (auto end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST)
      return fail_errno(cannot("make the directory", part));
    if (end == std::string::npos) break;
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(cannot("make the directory", path));
  if (!S_ISDIR(info.st_mode)) return fail(errno_error(ENOTDIR, cannot("make the directory", path)));
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path, std::size_t max_entries) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (names.size() == max_entries) {
      return fail(Code::kTooLarge,
                  cannot("list", path) + ": more than " + std::to_string(max_entries) + " entries");
    }
    names.push_back(entry->path().filename().string());
  }
  if (error) return fail(errno_error(error.value(), cannot("list", path)));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::optional<FileInfo>> find_file(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail_errno(cannot("examine", path));
  }
  return FileInfo{.kind = kind_of(info.st_mode),
                  .size = static_cast<std::size_t>(info.st_size),
                  .mode = info.st_mode & 07777U};
}

Result<> require_private(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(cannot("examine", path));
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return fail(Code::kForbidden, path + ": it belongs to another user");
  }
  if ((info.st_mode & 077U) != 0) {
    char octal[8];
    std::snprintf(octal, sizeof octal, "%04o", info.st_mode & 07777U);
    return fail(Code::kForbidden,
                path + ": others may access it (mode " + octal + "); it must be 0600 or stricter");
  }
  return {};
}

Result<TempDir> TempDir::create(std::string_view prefix) {
  std::string pattern = join_path(temp_path(), std::string(prefix) + "-XXXXXX");
  if (::mkdtemp(pattern.data()) == nullptr) return fail_errno(cannot("make a directory like", pattern));
  return TempDir(std::move(pattern));
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

TempDir::~TempDir() {
  remove();
}

std::string TempDir::file(std::string_view name) const {
  return join_path(path_, name);
}

void TempDir::remove() noexcept {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Result<std::optional<FileLock>> FileLock::try_acquire(const std::string& path) {
  constexpr int kAttempts = 8;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto file = TRY(open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, kOwnerOnly, "lock"));
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      if (errno != EINTR) return fail_errno(cannot("lock", path));
    }
    // Somebody may have replaced the file between open and lock; then we hold a lock nobody else looks at.
    struct stat ours{};
    struct stat current{};
    if (::fstat(file.get(), &ours) != 0) return fail_errno(cannot("lock", path));
    if (::stat(path.c_str(), &current) == 0 && same_file(ours, current)) {
      // Only a message depends on it, so a full disk does not keep the lock from being taken.
      const std::string holder = std::to_string(::getpid()) + "\n";
      if (::ftruncate(file.get(), 0) == 0) static_cast<void>(write_all(file.get(), holder, "cannot write"));
      return FileLock(std::move(file));
    }
  }
  return fail(Code::kUnavailable, cannot("lock", path) + ": the file keeps being replaced");
}

std::optional<int> FileLock::last_holder(const std::string& path) {
  const auto text = read_file(path, 64);
  if (!text) return std::nullopt;
  int pid = 0;
  const auto* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, pid);
  if (error != std::errc() || pid <= 0 || rest == end || *rest != '\n') return std::nullopt;
  return pid;
}

}  // namespace klutch::os
