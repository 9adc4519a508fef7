// SPDX-License-Identifier: Apache-2.0
#include "base/os/port_holder.h"

#include <charconv>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/os/file.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

/// The inodes of sockets that listen on `port`, from /proc/net/tcp and tcp6 (proc(5)).
std::vector<std::string> listening_inodes(std::uint16_t port) {
  std::vector<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto text = read_file(table);
    if (!text) continue;
    for (const auto line : split(*text, '\n')) {
      std::vector<std::string_view> fields;
      for (const auto field : split(line, ' ')) {
        if (!field.empty()) fields.push_back(field);
      }
      constexpr std::string_view kListen = "0A";
      if (fields.size() < 10 || fields[3] != kListen) continue;
      const auto colon = fields[1].rfind(':');
      unsigned found = 0;
      std::from_chars(fields[1].data() + colon + 1, fields[1].data() + fields[1].size(), found, 16);
      if (found == port) inodes.emplace_back(fields[9]);
    }
  }
  return inodes;
}

/// "name (pid 12)" of a process that has one of these sockets open; empty if none can be seen.
std::string process_with_socket(const std::vector<std::string>& inodes) {
  std::error_code ignored;
  for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string pid = process.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const auto& file : std::filesystem::directory_iterator(process.path() / "fd", ignored)) {
      const auto target = std::filesystem::read_symlink(file.path(), ignored).string();
      for (const auto& inode : inodes) {
        if (target != "socket:[" + inode + "]") continue;
        const auto name = read_file(process.path() / "comm").value_or("a program");
        return std::string(trim(name)) + " (pid " + pid + ")";
      }
    }
  }
  return {};
}

}  // namespace

std::string find_port_holder(std::uint16_t port) {
  const auto inodes = listening_inodes(port);
  if (inodes.empty()) return {};
  const auto holder = process_with_socket(inodes);
  return holder.empty() ? "another program" : holder;
}

}  // namespace klutch::os
