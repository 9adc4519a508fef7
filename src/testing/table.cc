// SPDX-License-Identifier: Apache-2.0
#include "testing/table.h"

#include <cstdlib>
#include <fstream>

#include "base/check.h"
#include "base/strings.h"

namespace klutch::testing {

std::vector<std::vector<std::string>> read_table(const std::string& path, std::size_t columns) {
  const char* root = std::getenv("KLUTCH_SOURCE_DIR");
  std::ifstream file(root != nullptr ? root + ("/" + path) : path);
  CHECK(file.good());
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const auto cells = split(line, '\t');
    CHECK(cells.size() == columns);
    rows.emplace_back(cells.begin(), cells.end());
  }
  CHECK(!rows.empty());
  return rows;
}

}  // namespace klutch::testing
