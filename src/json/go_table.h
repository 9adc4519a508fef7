// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

// Reads testdata/go_encoding_json.txt, what Go's encoding/json printed: rows of one sort, split at tabs.
// Tests only.

namespace klutch::json {

inline std::vector<std::vector<std::string>> go_rows(std::string_view sort) {
  const char* root = std::getenv("KLUTCH_SOURCE_DIR");
  std::ifstream in(std::string(root == nullptr ? "." : root) + "/src/json/testdata/go_encoding_json.txt");
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> row;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find('\t', begin), line.size());
      row.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    if (row[0] == sort) rows.push_back(std::move(row));
  }
  return rows;
}

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

}  // namespace klutch::json
