// SPDX-License-Identifier: Apache-2.0
#include "json/diff.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "json/build.h"
#include "json/pointer.h"
#include "json/print.h"

namespace klutch::json {
namespace {

using Elements = std::span<const Value>;

/// Ends the path with one more token while it lives.
class PathStep {
 public:
  PathStep(std::string& path, std::string_view token) : path_(path), length_(path.size()) {
    path_ += '/';
    path_ += escape_token(token);
  }
  ~PathStep() { path_.resize(length_); }
  PathStep(const PathStep&) = delete;
  PathStep& operator=(const PathStep&) = delete;

 private:
  std::string& path_;
  std::size_t length_;
};

/// Lengths of the longest common subsequences of all suffixes of two arrays.
class Matching {
 public:
  Matching(Elements from, Elements to) : columns_(to.size() + 1), lengths_((from.size() + 1) * columns_) {
    std::vector<std::uint64_t> from_hashes;
    std::vector<std::uint64_t> to_hashes;
    for (const Value& element : from) from_hashes.push_back(hash(element));
    for (const Value& element : to) to_hashes.push_back(hash(element));
    for (std::size_t i = from.size(); i-- > 0;) {
      for (std::size_t j = to.size(); j-- > 0;) {
        at(i, j) =
            from_hashes[i] == to_hashes[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
      }
    }
  }
  [[nodiscard]] std::uint32_t length(std::size_t i, std::size_t j) const {
    return lengths_[i * columns_ + j];
  }

 private:
  std::uint32_t& at(std::size_t i, std::size_t j) { return lengths_[i * columns_ + j]; }

  std::size_t columns_;
  std::vector<std::uint32_t> lengths_;
};

class Differ {
 public:
  explicit Differ(const DiffOptions& options) : options_(options) {}

  void compare(const Value& from, const Value& to, int depth) {
    if (full()) return;
    if (depth < kMaxDepth && from.is_object() && to.is_object() && have_common_keys(from, to)) {
      compare_objects(from, to, depth);
    } else if (depth < kMaxDepth && from.is_array() && to.is_array() && !from.empty() && !to.empty()) {
      compare_arrays(from.elements(), to.elements(), depth);
    } else if (!(from == to)) {
      emit("replace", &to);
    }
  }
  [[nodiscard]] bool full() const { return patch_.size() > options_.max_operations; }
  Value take() { return std::move(patch_); }

 private:
  static constexpr int kMaxDepth = 64;  // bounds the recursion, which takes two small frames per level

  static bool have_common_keys(const Value& from, const Value& to) {
    if (from.size() > to.size()) return have_common_keys(to, from);
    return std::ranges::any_of(from.members(),
                               [&to](const Member& member) { return to.contains(member.key()); });
  }

  void emit(std::string_view op, const Value* value) {
    Value& operation = patch_.push_back(json::object({{"op", op}, {"path", path_}}));
    if (value != nullptr) operation.set("value", *value);
  }

  void compare_objects(const Value& from, const Value& to, int depth) {
    for (const auto& [key, value] : from.members()) {
      if (full()) return;
      const PathStep step(path_, key);
      if (const Value* now = to.find(key)) {
        compare(value, *now, depth + 1);
      } else {
        emit("remove", nullptr);
      }
    }
    for (const auto& [key, value] : to.members()) {
      if (full()) return;
      if (from.contains(key)) continue;
      const PathStep step(path_, key);
      emit("add", &value);
    }
  }

  void compare_arrays(Elements from, Elements to, int depth) {
    std::size_t place = 0;  // in the array as it is after the operations so far
    while (!from.empty() && !to.empty() && from.front() == to.front()) {
      from = from.subspan(1);
      to = to.subspan(1);
      ++place;
    }
    while (!from.empty() && !to.empty() && from.back() == to.back()) {
      from = from.first(from.size() - 1);
      to = to.first(to.size() - 1);
    }
    if (from.empty() || to.empty() || from.size() > options_.max_matching / to.size()) {
      return change_run(from, to, place, depth);
    }
    match_up(from, to, place, depth);
  }

  /// Changes what lies between the elements that both arrays have.
  void match_up(Elements from, Elements to, std::size_t place, int depth) {
    const Matching matching(from, to);
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < from.size() || j < to.size()) {
      const std::size_t run_i = i;
      const std::size_t run_j = j;
      while (i < from.size() || j < to.size()) {
        const std::uint32_t best = matching.length(i, j);
        if (i < from.size() && matching.length(i + 1, j) == best) {
          ++i;
        } else if (j < to.size() && matching.length(i, j + 1) == best) {
          ++j;
        } else {
          break;  // both go on with an equal element
        }
      }
      change_run(from.subspan(run_i, i - run_i), to.subspan(run_j, j - run_j), place, depth);
      place += j - run_j;
      if (i < from.size() && j < to.size()) {
        // Equal by hash; should two different elements share one, this finds the difference.
        change_run(from.subspan(i++, 1), to.subspan(j++, 1), place++, depth);
      }
    }
  }

  /// Turns one run of elements into another, place by place, then removes or adds the rest.
  void change_run(Elements from, Elements to, std::size_t place, int depth) {
    const std::size_t common = std::min(from.size(), to.size());
    for (std::size_t i = 0; i < common && !full(); ++i) {
      const PathStep step(path_, std::to_string(place + i));
      compare(from[i], to[i], depth + 1);
    }
    for (std::size_t i = common; i < from.size() && !full(); ++i) {
      const PathStep step(path_, std::to_string(place + common));
      emit("remove", nullptr);
    }
    for (std::size_t i = common; i < to.size() && !full(); ++i) {
      const PathStep step(path_, std::to_string(place + i));
      emit("add", &to[i]);
    }
  }

  const DiffOptions& options_;
  std::string path_;
  Value patch_ = Value::empty_array();
};

}  // namespace

Value diff(const Value& from, const Value& to, const DiffOptions& options) {
  Differ differ(options);
  differ.compare(from, to, 0);
  if (!differ.full()) return differ.take();
  return json::array({json::object({{"op", "replace"}, {"path", ""}, {"value", to}})});
}

}  // namespace klutch::json
