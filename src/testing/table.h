// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

// Tables of test cases kept in files, such as those produced by the implementation we must agree with.

namespace klutch::testing {

/// The rows of a tab-separated file, `path` relative to the source tree. Lines beginning with '#' are
/// comments. Aborts when the file cannot be read, is empty, or a row has other than `columns` columns: a test
/// must not pass on nothing.
std::vector<std::vector<std::string>> read_table(const std::string& path, std::size_t columns);

}  // namespace klutch::testing
