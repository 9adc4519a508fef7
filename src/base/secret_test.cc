// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <type_traits>

namespace klutch {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
template <class T>
concept Comparable = requires(const T& value) { value == value; };

static_assert(!Streamable<Secret>);
static_assert(!Comparable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string_view, Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);

TEST(Secret, RevealsWhatItWasGiven) {
  EXPECT_EQ(Secret("hunter2").reveal(), "hunter2");
  EXPECT_EQ(Secret(std::string_view("a\0b", 3)).size(), 3U);
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").reveal().empty());
}

TEST(Secret, MovingHandsOverTheSameMemoryAndEmptiesTheSource) {
  Secret from("short");  // short enough for a std::string to leave a copy behind in its own body
  const void* block = from.reveal().data();
  Secret to(std::move(from));
  EXPECT_EQ(to.reveal().data(), block);
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): the emptiness is what is promised
  from = std::move(to);
  EXPECT_EQ(from.reveal(), "short");
  EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move): as above
}

TEST(Secret, CopiesAreIndependent) {
  Secret first("one");
  Secret second(first);
  first.wipe();
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.reveal(), "one");
  const Secret& same = second;
  second = same;
  EXPECT_EQ(second.reveal(), "one");
}

TEST(Secret, TakeLeavesNothingInTheSource) {
  std::string plain = "in the body";  // kept inside the string object itself
  const Secret secret = Secret::take(plain);
  EXPECT_EQ(secret.reveal(), "in the body");
  EXPECT_TRUE(plain.empty());
  EXPECT_EQ(std::string(plain.data(), 11), std::string(11, '\0'));
}

TEST(Secret, WipeStringClearsTheUnusedCapacityToo) {
  std::string text(100, 'x');
  text.resize(50);
  wipe_string(text);
  ASSERT_GE(text.capacity(), 100U);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string(text.data(), 100), std::string(100, '\0'));
}

TEST(Secret, WipeMemoryOverwrites) {
  char buffer[4] = {'a', 'b', 'c', 'd'};
  wipe_memory(buffer, 3);
  EXPECT_EQ(std::string(buffer, 4), std::string("\0\0\0d", 4));
}

}  // namespace
}  // namespace klutch
