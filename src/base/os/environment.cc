// SPDX-License-Identifier: Apache-2.0
#include "base/os/environment.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace klutch::os {
namespace {

void put(const std::string& name, const std::optional<std::string>& value) {
  if (value) {
    ::setenv(name.c_str(), value->c_str(), 1);
  } else {
    ::unsetenv(name.c_str());
  }
}

}  // namespace

std::optional<std::string> get_env(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

ScopedEnv::ScopedEnv(std::string name, const std::optional<std::string>& value)
    : name_(std::move(name)), before_(get_env(name_)) {
  put(name_, value);
}

ScopedEnv::~ScopedEnv() {
  put(name_, before_);
}

}  // namespace klutch::os
