// SPDX-License-Identifier: Apache-2.0
// What holds for all values, tried on random ones; nlohmann's JSON library is the second opinion.
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "json/diff.h"
#include "json/merge_patch.h"
#include "json/parse.h"
#include "json/patch.h"
#include "json/pointer.h"
#include "json/print.h"
#include "testing/arbitrary_json.h"

namespace klutch::json {
namespace {

using testing::arbitrary_json;
using testing::edited_json;
using testing::shuffled_json;
using Peer = nlohmann::ordered_json;

Peer to_peer(const Value& value) {
  return Peer::parse(print(value));
}

Value from_peer(const Peer& value) {
  return *parse(value.dump());
}

RC_GTEST_PROP(JsonProperty, PrintedTextReadsBackEqual, (const Value& value)) {
  const std::string text = print(value);
  const auto again = parse(text);
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == value);
  RC_ASSERT(print(*again) == text);
  RC_ASSERT(*parse(print_pretty(value)) == value);
  RC_ASSERT(*parse(print(value, {.escape_html = false, .indent = 0})) == value);
}

RC_GTEST_PROP(JsonProperty, AnotherLibraryReadsTheSame, (const Value& value)) {
  RC_ASSERT(from_peer(to_peer(value)) == value);
}

RC_GTEST_PROP(JsonProperty, CopiesAreEqualAndExactlyAsLarge, (const Value& value)) {
  const Value copy = value;
  RC_ASSERT(copy == value);
  RC_ASSERT(copy.heap_bytes() <= value.heap_bytes());
}

RC_GTEST_PROP(JsonProperty, CanonicalTextAndHashIgnoreTheOrderOfMembers, (const Value& value)) {
  const Value shuffled = *shuffled_json(value);
  RC_ASSERT(shuffled == value);
  RC_ASSERT(canonical(shuffled) == canonical(value));
  RC_ASSERT(hash(shuffled) == hash(value));
  RC_ASSERT(*parse(canonical(value)) == value);
}

RC_GTEST_PROP(JsonProperty, ValuesAreEqualExactlyWhenTheirCanonicalTextIs, (const Value& value)) {
  const Value other = *edited_json(value);
  RC_ASSERT((value == other) == (canonical(value) == canonical(other)));
}

RC_GTEST_PROP(JsonProperty, ApplyingTheDiffOfTwoValuesGivesTheSecond, (const Value& from)) {
  const Value to = *rc::gen::oneOf(edited_json(from), arbitrary_json());
  const Value patch = diff(from, to);
  Value document = from;
  const auto done = apply_patch(document, patch);
  RC_ASSERT(done.has_value());
  RC_ASSERT(document == to);
  RC_ASSERT(patch.empty() == (from == to));
}

RC_GTEST_PROP(JsonProperty, DiffWorksWithoutMatching, (const Value& from)) {
  const Value to = *edited_json(from);
  Value document = from;
  RC_ASSERT(apply_patch(document, diff(from, to, {.max_operations = 10'000, .max_matching = 0})).has_value());
  RC_ASSERT(document == to);
}

RC_GTEST_PROP(JsonProperty, AnotherLibraryAppliesOurDiffs, (const Value& from)) {
  const Value to = *edited_json(from);
  RC_ASSERT(from_peer(to_peer(from).patch(to_peer(diff(from, to)))) == to);
}

RC_GTEST_PROP(JsonProperty, WeApplyTheDiffsOfAnotherLibrary, (const Value& from)) {
  const Value to = *edited_json(from);
  Value document = from;
  RC_ASSERT(apply_patch(document, from_peer(Peer::diff(to_peer(from), to_peer(to)))).has_value());
  RC_ASSERT(document == to);
}

RC_GTEST_PROP(JsonProperty, MergePatchesGiveWhatAnotherLibraryGives, (const Value& target)) {
  const Value patch = *rc::gen::oneOf(edited_json(target), arbitrary_json());
  Value ours = target;
  apply_merge_patch(ours, patch);
  Peer theirs = to_peer(target);
  theirs.merge_patch(to_peer(patch));
  RC_ASSERT(ours == from_peer(theirs));
}

RC_GTEST_PROP(JsonProperty, ApplyingAMadeMergePatchGivesTheSecondValue, (const Value& from)) {
  const Value to = *rc::gen::oneOf(edited_json(from), arbitrary_json());
  const auto patch = make_merge_patch(from, to);
  if (!patch) {
    RC_ASSERT(is(patch.error(), Code::kUnsupported));
    return;
  }
  Value document = from;
  apply_merge_patch(document, *patch);
  RC_ASSERT(document == to);
  RC_ASSERT(!(from == to && to.is_object()) || patch->empty());
}

/// Everything `value` contains can be found by the pointer built on the way down.
void check_pointers(const Value& root, const Value& value, Pointer& path) {
  RC_ASSERT(path.find(root) == &value);
  RC_ASSERT(*Pointer::parse(path.to_string()) == path);
  if (value.is_object()) {
    for (const auto& [key, member] : value.members()) {
      check_pointers(root, member, path.push(key));
      path.pop();
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      check_pointers(root, value.at(i), path.push(i));
      path.pop();
    }
  }
}

RC_GTEST_PROP(JsonProperty, EveryPartIsFoundByItsPointer, (const Value& value)) {
  Pointer path;
  check_pointers(value, value, path);
}

/// The peer refuses half a surrogate pair, which we read as Go does; it skips a byte order mark and stops at
/// a zero byte; Boost's parser refuses exponents beyond an int even where the number is 0.
bool judged_differently(const std::string& text) {
  const std::size_t exponent = text.find_first_of("eE");
  const std::size_t digits = text.find_first_not_of("-+", std::min(exponent, text.size() - 1) + 1);
  const std::size_t end = text.find_first_not_of("0123456789", std::min(digits, text.size()));
  const bool huge_exponent =
      exponent != text.npos && digits != text.npos && std::min(end, text.size()) - digits >= 9;
  return huge_exponent || text.find("\\ud") != text.npos || text.find("\\uD") != text.npos ||
         text.starts_with('\xef') || text.find('\0') != text.npos;
}

RC_GTEST_PROP(JsonProperty, OneWrongByteIsJudgedAsAnotherLibraryDoes, (const Value& value)) {
  std::string text = print(value);
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  const char byte = *rc::gen::weightedOneOf<char>({
      {3, rc::gen::element('{', '}', '[', ']', ',', ':', '"', '\\', 'u', 'e', '-', '.', '0', '9', ' ', '\n')},
      {1, rc::gen::arbitrary<char>()},
  });
  if (*rc::gen::arbitrary<bool>()) {
    text[at] = byte;
  } else {
    text.insert(at, 1, byte);
  }
  const auto ours = parse(text);
  const Peer theirs = Peer::parse(text, nullptr, false);
  RC_PRE(!judged_differently(text));
  RC_ASSERT(ours.has_value() != theirs.is_discarded());
}

}  // namespace
}  // namespace klutch::json
