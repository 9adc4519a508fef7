// SPDX-License-Identifier: Apache-2.0
#include "base/unique_function.h"

#include <gtest/gtest.h>

#include <memory>

namespace klutch {
namespace {

TEST(UniqueFunction, HoldsWhatCannotBeCopied) {
  UniqueFunction<int(int)> add = [owned = std::make_unique<int>(40)](int n) { return *owned + n; };
  UniqueFunction<int(int)> moved = std::move(add);
  EXPECT_EQ(moved(2), 42);
  EXPECT_FALSE(static_cast<bool>(add));  // NOLINT(bugprone-use-after-move): a moved-from one is empty
}

TEST(UniqueFunction, KeepsItsState) {
  UniqueFunction<int()> count = [n = 0]() mutable { return ++n; };
  count();
  EXPECT_EQ(count(), 2);
}

TEST(UniqueFunctionDeathTest, CallingAnEmptyOneIsAProgrammerError) {
  UniqueFunction<void()> empty;
  EXPECT_DEATH(empty(), "broken invariant");
}

}  // namespace
}  // namespace klutch
