// SPDX-License-Identifier: Apache-2.0
#include "base/os/paths.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "base/os/environment.h"
#include "base/os/errno_error.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

/// The value of an environment variable that must be an absolute path, else nothing.
std::optional<std::string> absolute_env(const char* name) {
  auto value = get_env(name);
  if (!value || !value->starts_with('/')) return std::nullopt;
  return value;
}

Result<std::string> xdg_path(const char* variable, std::string_view below_home, std::string_view app) {
  if (const auto base = absolute_env(variable)) return join_path(*base, app);
  return join_path(join_path(TRY(home_path()), below_home), app);
}

bool is_executable_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string join_path(std::string_view directory, std::string_view name) {
  if (directory.empty() || name.starts_with('/')) return std::string(name);
  std::string path(directory);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

std::string parent_path(std::string_view path) {
  path = without_trailing_slashes(path);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(without_trailing_slashes(path.substr(0, slash + 1)));
}

std::string base_name(std::string_view path) {
  path = without_trailing_slashes(path);
  if (path == "/") return "/";
  const auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

Result<std::string> real_path(const std::string& path) {
  std::error_code error;
  const auto resolved = std::filesystem::canonical(path, error);
  if (error) return fail(errno_error(error.value(), "cannot resolve " + path));
  return resolved.string();
}

Result<std::string> home_path() {
  if (auto home = absolute_env("HOME")) return *std::move(home);
  std::vector<char> buffer(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  const int number = ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  if (number != 0) return fail(errno_error(number, "cannot find the home directory"));
  if (found == nullptr || found->pw_dir == nullptr || found->pw_dir[0] != '/') {
    return fail(Code::kNotFound,
                "cannot find the home directory: HOME is not set and the user database has none");
  }
  return std::string(found->pw_dir);
}

Result<std::string> expand_tilde(std::string_view path) {
  if (path == "~") return home_path();
  if (!path.starts_with("~/")) return std::string(path);
  return TRY(home_path()).append(path.substr(1));
}

Result<std::string> config_path(std::string_view app) {
  return xdg_path("XDG_CONFIG_HOME", ".config", app);
}

Result<std::string> state_path(std::string_view app) {
  return xdg_path("XDG_STATE_HOME", ".local/state", app);
}

Result<std::string> cache_path(std::string_view app) {
  return xdg_path("XDG_CACHE_HOME", ".cache", app);
}

Result<std::string> runtime_path(std::string_view app) {
  const auto base = absolute_env("XDG_RUNTIME_DIR");
  if (!base) return fail(Code::kNotFound, "XDG_RUNTIME_DIR is not set to an absolute path");
  return join_path(*base, app);
}

std::string temp_path() {
  return absolute_env("TMPDIR").value_or("/tmp");
}

Result<std::string> executable_path() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(errno_error(error.value(), "cannot find the running program"));
  return path.string();
}

Result<std::string> find_program(std::string_view name) {
  if (name.empty()) return fail(Code::kInvalid, "the name of a program is empty");
  if (name.find('/') != std::string_view::npos) return std::string(name);
  const std::string path = get_env("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  for (const auto directory : split(path, ':')) {
    if (!directory.starts_with('/')) continue;  // never a program from wherever we happen to stand
    auto candidate = join_path(directory, name);
    if (is_executable_file(candidate)) return candidate;
  }
  return fail(Code::kNotFound, "no program " + quote(name) + " in PATH");
}

}  // namespace klutch::os
